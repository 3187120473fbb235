"""Operators' calls to the reauditor: changes judged again under the same ids, or given up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from consumers.auditor.again.operations import OperatorCalls
from consumers.auditor.audit import Auditor
from consumers.auditor.gather import KnownPolicies
from shared.errors import RequestRefused, StoreUnavailable
from shared.model import Verdict, VerdictKind
from shared.policy.load import load_policy
from shared.runtime.audit_log import AuditLog
from shared.runtime.settings import POLICY_FILE
from tests.fakes.clock import FakeClock
from tests.fakes.findings import FakeFindingsQueue
from tests.fakes.kept_events import KeptEvents
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.shard_records import FakeShardRecords, of_table

CANARY = "canary-4111111111111111"
SHARD = "shardId-00000001700000000000-abcd1234"


def change(number: int) -> dict[str, Any]:
    keys = {"tenant_id": {"S": "acme"}, "item_id": {"S": str(number)}}
    sealed = {"B": "AQAAAAcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="}
    body = {"Keys": keys, "NewImage": keys | {"ssn": sealed, "x": {"S": CANARY}}, "SequenceNumber": str(number)}
    return {"eventName": "INSERT", "dynamodb": body | {"ApproximateCreationDateTime": 1_700_000_000.0}}


@dataclass
class World:
    auditor: Auditor
    store: FakeKeyStore
    stream: FakeShardRecords
    clock: FakeClock
    capsys: Any
    seconds_left: float = 60.0

    def call(self, operation: str, **fields: Any) -> dict[str, Any]:
        calls = OperatorCalls(self.auditor, self.stream, self.clock.advance, self.clock.wall, self.clock.monotonic)
        return calls.answer(
            {"operation": operation, **fields}, request_id="request-1", seconds_left=lambda: self.seconds_left
        )

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.capsys.readouterr().out.splitlines()]


@pytest.fixture
def world(capsys) -> World:
    store = FakeKeyStore()
    judge: Callable[..., Verdict] = lambda *_: Verdict(VerdictKind.VERIFIED)  # noqa: E731 - the shortest fake
    auditor = Auditor(load_policy(POLICY_FILE), store, KnownPolicies(store), AuditLog(), FakeFindingsQueue(), judge)
    stream = FakeShardRecords({SHARD: [of_table(change(number)) for number in range(1, 8)]})
    return World(auditor, store, stream, FakeClock(), capsys)


def test_changes_are_judged_again_under_the_ids_that_they_have(world):
    world.auditor.audit([change(3), change(4)])
    before = [line["event_id"] for line in world.lines() if "event_id" in line]

    answer = world.call("reread", shard_id=SHARD, first="3", last="4")

    lines = world.lines()
    *judged, told = [line for line in lines if "event_id" in line]
    assert before == [line["event_id"] for line in judged]
    expected = {
        "event": "stream.replayed",
        "stream": "items",
        "shard_id": SHARD,
        "first_sequence_number": "3",
        "last_sequence_number": "4",
        "record_count": 2,
        "request_id": "request-1",
    }
    assert expected.items() <= told.items()
    assert {
        "shard_id": SHARD,
        "done": True,
        "after": "4",
        "missing": False,
        "found_from": None,
        "records": 2,
    }.items() <= (answer.items())
    assert {"verified": 2} == {kind: count for kind, count in answer["verdicts"].items() if count}
    assert 2 == sum(line["RecordsReceived"] for line in lines if "_aws" in line)
    assert CANARY not in json.dumps(lines)


@pytest.mark.parametrize(("oldest", "found_from"), [(3, "3"), (6, None)])
def test_what_the_stream_has_forgotten_is_said(world, oldest, found_from):
    world.stream.oldest = oldest

    answer = world.call("reread", shard_id=SHARD, first="2", last="4")

    assert (True, True, found_from) == (answer["done"], answer["missing"], answer["found_from"])


def test_a_call_whose_time_is_over_goes_on_from_its_cursor(world):
    world.seconds_left = 10.0

    first = world.call("reread", shard_id=SHARD, first="1", last="4")
    world.seconds_left = 60.0
    rest = world.call("reread", shard_id=SHARD, first="1", last="4", after=first["after"])

    assert (False, "2", 2) == (first["done"], first["after"], first["records"])
    assert (True, 2, False) == (rest["done"], rest["records"], rest["missing"])


@pytest.mark.parametrize("oldest", [4, 6, 9])
def test_what_the_stream_forgets_between_two_calls_is_missing(world, oldest):
    world.stream.oldest = oldest

    assert world.call("reread", shard_id=SHARD, first="1", last="5", after="2")["missing"]


def test_a_shard_that_ends_before_the_last_change_that_was_asked_for_misses_it(world):
    assert world.call("reread", shard_id=SHARD, first="6", last="9")["missing"]


def test_a_call_ends_before_what_cannot_be_judged(world):
    world.store.fail_with = StoreUnavailable("down")

    answer = world.call("reread", shard_id=SHARD, first="1", last="4", seconds=30)

    assert (False, None, 0) == (answer["done"], answer["after"], answer["records"])
    assert "stream.replayed" not in str(world.lines())


def test_what_is_given_up_is_told(world):
    assert {} == world.call("skip", shard_id=SHARD, first="1", last="4", records=4)

    (told,) = world.lines()
    assert ("record.skipped", "items", "1", "4", 4, "request-1") == tuple(
        told[name]
        for name in (
            "event",
            "stream",
            "first_sequence_number",
            "last_sequence_number",
            "record_count",
            "request_id",
        )
    )


@pytest.mark.parametrize(
    "fields", [{}, {"operation": "replay"}, {"operation": "reread", "shard_id": SHARD, "first": "2", "last": "1"}]
)
def test_a_request_of_another_form_is_refused(world, fields):
    with pytest.raises(RequestRefused):
        world.call(**{"operation": "x", **fields})


def test_what_a_batch_told_is_kept_with_that_batch_and_not_at_the_end(world):
    kept = KeptEvents()
    world.auditor = replace(world.auditor, log=AuditLog(trail=kept))
    world.call("reread", shard_id=SHARD, first="1", last="5")

    batches = [["item.written"] * count for count in (2, 2, 1)]
    assert batches == [[event["event"] for event in events] for _, events in kept.segments]
