"""The audit trail read by the commands that an operator types: as it comes, by filters, as OCSF, and for exposures."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ops.audit.exposures import NEVER_KNOWN
from shared.aws.clients import client
from tests.integration.support import ARRIVES_WITHIN_SECONDS, SEALSTREAM, Deployment, unique

CANARY = "canary-4222222222222"


def audit(*words: str, status: int = 0) -> list[dict[str, Any]]:
    """The JSON lines of `sealstream audit`, without the marks of what the notary had no time for yet."""
    done = subprocess.run([SEALSTREAM, "audit", *words], capture_output=True, text=True, check=False)
    assert (status, "") == (done.returncode, done.stderr)
    assert CANARY not in done.stdout
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one.pop("proof", None) for one in shown} <= {None, "not attested yet"}
    return shown


@contextmanager
def tailing(events: int, *words: str) -> Iterator[list[dict[str, Any]]]:
    """`sealstream audit tail` from before the block until it has shown so many events; these."""
    shown: list[dict[str, Any]] = []
    command = [str(SEALSTREAM), "audit", "tail", "--from", "1m", "--every", "0.5", "--seconds", "60", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tail:
        try:
            yield shown
            assert tail.stdout is not None
            shown.extend(json.loads(tail.stdout.readline()) for _ in range(events))
        finally:
            tail.terminate()


@pytest.fixture(scope="module")
def rogue(deployment: Deployment) -> tuple[str, str, str, list[dict[str, Any]]]:
    """Tenant and id of an item that stood in clear, a backup made meanwhile, and what was shown live."""
    tenant, item = unique("read"), unique("item")
    audit("attest")
    with tailing(3, "--tenant", tenant, "--event", "item") as shown:
        deployment.put_json({"tenant_id": tenant, "id": item, "ssn": "sealed"})
        deployment.wait_for_event(event="item.written", item_id=item)
        deployment.put_in_clear(tenant, item, {"ssn": CANARY})
        made = client("dynamodb").create_backup(TableName=deployment["TABLE"], BackupName=tenant)
        deployment.wait_for_event(event="item.remediated", item_id=item)
    return tenant, item, made["BackupDetails"]["BackupArn"], shown


def test_events_are_shown_as_they_come_and_found_afterwards(deployment: Deployment, rogue):
    tenant, item, _, shown = rogue
    names = ["item.written", "item.plaintext_found", "item.remediated"]
    assert names == [event["event"] for event in shown]
    assert shown == audit("search", "--tenant", tenant, "--item", item)
    assert shown == deployment.audit_events(tenant_id=tenant, item_id=item)
    assert shown[1:2] == audit("search", "--tenant", tenant, "--event", "item.plaintext_found", "--from", "5m")
    assert [event["event_id"] for event in shown] == [
        document["metadata"]["uid"] for document in audit("export", "--tenant", tenant, "--event", "item")
    ]


def test_what_was_in_clear_is_told_with_what_may_hold_it_still(rogue):
    tenant, item, backup, shown = rogue
    one, listed = audit("exposures", "--tenant", tenant)
    assert (item, ["ssn"], shown[1]["event_id"]) == (one["item_id"], ["ssn"], one["event_id"])
    assert ("item.remediated", 1, 0) == (one["ended_by"], listed["exposures"], listed["open"])
    assert 0 <= one["open_seconds"] <= ARRIVES_WITHIN_SECONDS
    assert {"the table's stream", f"backup {backup}"} <= {place["what"] for place in one["may_be_in"]}
    assert [*NEVER_KNOWN] == listed["unknown"]


def test_once_attested_nothing_is_marked(rogue):
    tenant = rogue[0]
    subprocess.run([SEALSTREAM, "audit", "attest"], capture_output=True, check=True)
    done = subprocess.run([SEALSTREAM, "audit", "search", "--tenant", tenant], capture_output=True, check=True)
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert rogue[3] == [event for event in shown if event["event"].startswith("item.")]


def test_a_copy_reads_as_the_bucket_does_and_without_a_key_says_that_it_is_not_verified(rogue, tmp_path):
    tenant, copy, key = rogue[0], tmp_path / "copy", tmp_path / "key.pem"
    key.write_bytes(subprocess.run([SEALSTREAM, "audit", "public-key"], capture_output=True, check=True).stdout)
    audit("fetch", str(copy), "--from", "1h")
    asked = ("search", "--tenant", tenant, "--from", "1h", "--offline", str(copy))
    copied = audit(*asked, "--public-key", str(key))
    assert rogue[3] == [event for event in copied if event["event"].startswith("item.")]
    done = subprocess.run([SEALSTREAM, "audit", *asked], capture_output=True, text=True, check=False)
    assert (2, True) == (done.returncode, "nothing of it is verified" in done.stderr)
    assert {"not verified"} == {json.loads(line)["proof"] for line in done.stdout.splitlines()}
