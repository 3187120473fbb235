"""From the last fault to the moment at which nothing moves any more: mappings, dead letters, audit, findings."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from shared.aws.clients import client
from tests.chaos_stack.records import Put
from tests.chaos_stack.source import Producer
from tests.chaos_stack.stack import DEAD_LETTERS, Stack
from tests.integration.support import SEALSTREAM, Deployment, json_lines
from tests.local_aws.support import wait_until

DEADLINE_SECONDS = 90.0


def read_to_its_end(stack: Stack, producer: Producer, probes: list[Put], *, deadline_seconds: float) -> float:
    """Until the mappings have read the source stream to its end, in every lane of every shard.

    Returns:
        How many seconds the last of the probes took from its arrival into the table.
    """
    producer.put(probes)
    put_at = time.monotonic()
    wanted = [(record.tenant_id, record.item_id) for put in probes for user in put.users if (record := user.record)]
    stored = stack.deployment.stored
    _until_none(lambda: [key for key in wanted if not stored(*key)], "records of the end not written", deadline_seconds)
    return time.monotonic() - put_at


def work_off_dead_letters(stack: Stack) -> int:
    """By the operator's command, until none is left; how many there were."""
    deployment, done = stack.deployment, 0
    while any(_waiting(deployment, queue) for queue in DEAD_LETTERS):
        stack.look_at_dead_letters()
        states = command("deadletter", "redrive")["letters"]
        left = {state: count for state, count in states.items() if count and state != "done"}
        assert not left, f"dead letters that cannot be worked off: {left}"
        done += states["done"]
    return done


def audited(stack: Stack, *, deadline_seconds: float) -> None:
    """Until the log, then the trail, has an event of every change; and no finding waits, in which new ones may come."""
    _until_none(
        lambda: (
            {change.number for change in stack.read_changes()} - stack.printed().keys()
            or {change.number for change in stack.changes} - stack.told().keys()
            or ["findings"] * stack.deployment.findings()
        ),
        "changes without their event, or findings",
        deadline_seconds,
    )


def replayed(stack: Stack, until: float) -> Counter[str]:
    """Everything since the campaign began, by the operator's command; the outcomes of the records."""
    window = ("--from", _time(stack.since), "--to", _time(until))
    finished = command("replay", *window, "--rate", "5000")
    assert finished["done"], finished
    return Counter(finished["counts"])


def command(*words: str) -> dict[str, Any]:
    """The last line of a command of the operator."""
    done = subprocess.run([SEALSTREAM, *words, "--json"], capture_output=True, text=True, check=False)
    lines = [line for line in json_lines(done.stdout.splitlines()) if line.get("event") == "finished"]
    assert lines, f"sealstream {' '.join(words)}: status {done.returncode}, {done.stderr[-2_000:]}"
    return lines[-1]


def _until_none(left: Callable[[], Collection[object]], what: str, deadline_seconds: float) -> None:
    try:
        wait_until(lambda: not left(), deadline_seconds, 0.2)
    except AssertionError:
        still = list(left())
        raise AssertionError(f"after {deadline_seconds:g} s, {what}: {len(still)}, such as {still[:5]}") from None


def _waiting(deployment: Deployment, queue: str) -> int:
    attributes = client("sqs").get_queue_attributes(
        QueueUrl=deployment[queue], AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
