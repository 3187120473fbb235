"""What the encryptor does where the order of records is not plain: shards, changed policies, records put back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import md5
from typing import Any

import pytest

from consumers.encryptor.batch import take_out
from consumers.encryptor.deaggregate import Rejected
from consumers.encryptor.placing import Terms
from consumers.encryptor.results import BatchResult
from consumers.encryptor.sealing import PlannedRecord
from shared.errors import Reason, StoreUnavailable
from shared.model import SOURCE, InboundRecord, Outcome
from shared.policy.load import parse_policy
from shared.source_position import FOUND, counter_position
from tests.fakes.encryptor import EncryptorWorld, encryptor_world
from tests.fakes.items import FakeQuarantine
from tests.fakes.kinesis import STREAM_ARN, aggregate, kinesis_record

SOURCE_TEXT = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
"""
POLICY = parse_policy(SOURCE_TEXT, "policy.toml")
ORDERED = parse_policy(SOURCE_TEXT + 'order = "at"\n', "policy.toml")
BY_ARRIVAL = parse_policy(SOURCE_TEXT + 'unknown_order = "arrival"\n', "policy.toml")
HALF = 1 << 127
LOW, HIGH = range(HALF), range(HALF, 2 * HALF)


def hash_key(partition_key: str) -> int:
    return int.from_bytes(md5(partition_key.encode(), usedforsecurity=False).digest())


(LOW_KEY, *_), (HIGH_KEY, *_) = ([f"p{n}" for n in range(20) if hash_key(f"p{n}") in half] for half in (LOW, HIGH))


@pytest.fixture
def world() -> Iterator[EncryptorWorld]:
    """Shard 0 was split into 1 (the lower half) and 2."""
    with encryptor_world(POLICY) as world:
        ranges = [range(2 * HALF), LOW, HIGH]
        world.shards.by_id = {f"shardId-{n:012}": hash_keys for n, hash_keys in enumerate(ranges)}
        yield world


def record(item: str = "1", **attributes: Any) -> bytes:
    return json.dumps({"tenant_id": "acme", "id": item, **attributes}).encode()


def a(world: EncryptorWorld, item: str = "1") -> Any:
    return int(world.opened("acme", item)["a"]["N"])


def settle(world: EncryptorWorld, *kinesis_records: Any, terms: Terms) -> BatchResult:
    return world.encryptor.settle(
        take_out(kinesis_records), stream_arn=STREAM_ARN, seconds_left=lambda: 60.0, terms=terms
    )


def reasons(world: EncryptorWorld) -> list[Reason]:
    return [entry.reason for entry in world.quarantine.entries.values()]


def test_a_record_of_a_plain_put_that_came_by_another_shard_is_quarantined(world):
    result = world.process(
        kinesis_record(record("1"), partition_key=LOW_KEY, shard=1),
        kinesis_record(record("2"), partition_key=HIGH_KEY, shard=1, sequence=1),
    )

    assert {Outcome.WRITTEN: 1, Outcome.QUARANTINED: 1} == result.outcomes()
    assert [Reason.MISPLACED] == reasons(world)
    assert {("acme", "1")} == world.table.items.keys()


def test_misplaced_copies_in_an_aggregate_are_quarantined_with_all_that_their_place_rests_on(world):
    inner: list[Any] = [(LOW_KEY, record("1")), (HIGH_KEY, record("2"))]
    inner += [(LOW_KEY, record("3"), str(HALF)), ("x", record("4"), "7")]

    result = world.process(kinesis_record(aggregate(inner), partition_key=LOW_KEY, shard=1))

    assert {Outcome.WRITTEN: 2, Outcome.QUARANTINED: 2} == result.outcomes()
    assert {("acme", "1"), ("acme", "4")} == world.table.items.keys()
    (entry,) = world.quarantine.entries.values()
    content = world.held(entry)["M"]
    assert [{"B": HIGH_KEY.encode()}, {"B": LOW_KEY.encode()}] == content["partition_keys"]["L"]
    assert [{"B": HALF.to_bytes(16)}] == content["explicit_hash_keys"]["L"]
    assert [(1, 0, None), (2, 1, {"N": "0"})] == [
        (int(one["M"]["sub_sequence"]["N"]), int(one["M"]["partition_key"]["N"]), one["M"].get("explicit_hash_key"))
        for one in content["records"]["L"]
    ]


def test_the_copy_that_came_by_the_right_shard_is_written_whichever_comes_first(world):
    misplaced = kinesis_record(aggregate([(HIGH_KEY, record(a=1))]), shard=1, sequence=9)
    placed = kinesis_record(aggregate([(HIGH_KEY, record(a=1))]), shard=2, sequence=4)
    newer = kinesis_record(record(a=2), partition_key=HIGH_KEY, shard=2, sequence=5)

    for batch in (misplaced, placed, newer, misplaced, placed):
        world.process(batch)

    assert 2 == a(world)
    assert [Reason.MISPLACED] == reasons(world)


def test_where_nobody_can_say_what_falls_into_a_shard_its_records_wait(world):
    world.shards.fail_with = StoreUnavailable("throttled")
    batch = [kinesis_record(record(str(n)), sequence=n, shard=1, partition_key=LOW_KEY) for n in range(3)]

    waiting = world.process(*batch)
    world.shards.fail_with = None
    again = world.process(*batch)

    assert ({Outcome.RETRY: 3}, {Outcome.WRITTEN: 3}) == (waiting.outcomes(), again.outcomes())
    assert [(STREAM_ARN, "shardId-000000000001")] * 2 == world.shards.asked
    assert {} == world.quarantine.entries


def test_with_an_order_of_its_own_a_misplaced_record_is_written_but_takes_no_place_from_before_the_order(world):
    world.process(kinesis_record(record(at=7, a=7), partition_key=HIGH_KEY, shard=2, sequence=1))
    world.deploy(ORDERED)
    misplaced = [kinesis_record(record(n, at=5, a=5), partition_key=HIGH_KEY, shard=1, sequence=9) for n in "12"]

    result = world.process(*misplaced)

    assert {Outcome.WRITTEN: 1, Outcome.QUARANTINED: 1} == result.outcomes()
    assert ([Reason.ORDER_UNKNOWN], 7, 5) == (reasons(world), a(world, "1"), a(world, "2"))


def test_a_misplaced_record_that_stands_comes_under_another_order_by_its_own_replay(world):
    standing = kinesis_record(record(at=5, a=5), partition_key=HIGH_KEY, shard=1, sequence=9)
    newer = kinesis_record(record(at=6, a=6), partition_key=HIGH_KEY, shard=2, sequence=10)
    world.deploy(BY_ARRIVAL)
    world.process(standing)
    world.deploy(ORDERED)

    assert {Outcome.QUARANTINED: 1} == world.process(newer).outcomes(), "nobody knows which of them came first"
    assert {Outcome.WRITTEN: 1} == world.process(standing).outcomes()
    assert {Outcome.WRITTEN: 1} == world.process(newer).outcomes()
    assert 6 == a(world)


def test_an_order_a_year_ahead_does_not_block_the_item(world):
    world.deploy(ORDERED)
    years = ["2024-11-14T22:13:20Z", "2023-11-14T22:13:21Z", "2023-11-15T22:13:20Z"]

    result = world.process(*[kinesis_record(record(at=at, a=n), sequence=n) for n, at in enumerate(years)])

    assert {Outcome.QUARANTINED: 1, Outcome.WRITTEN: 1, Outcome.SUPERSEDED: 1} == result.outcomes()
    assert ([Reason.ORDER_AHEAD], 2) == (reasons(world), a(world))


def test_what_lay_ahead_is_taken_once_its_time_has_come_and_falls_in_line(world):
    world.deploy(ORDERED)
    ahead = kinesis_record(record(at="2023-12-01T00:00:00Z", a=1))
    world.process(ahead, kinesis_record(record(at="2023-11-14T00:00:00Z", a=2), sequence=1))

    early = settle(world, ahead, terms=Terms(order_reference=1_701_388_800.0 - 86_401))
    in_time = settle(world, ahead, terms=Terms(order_reference=1_701_388_800.0 - 86_400))

    assert ({Outcome.QUARANTINED: 1}, {Outcome.WRITTEN: 1}) == (early.outcomes(), in_time.outcomes())
    assert 1 == a(world)


def test_what_was_misplaced_is_put_back_where_no_item_stands_and_gives_way_to_any_record(world):
    misplaced = kinesis_record(record(a=1), partition_key=HIGH_KEY, shard=1, sequence=9)

    put_back = settle(world, misplaced, terms=Terms(only_if_absent=True))

    assert {Outcome.WRITTEN: 1} == put_back.outcomes()
    assert FOUND.to_bytes() == world.table.items["acme", "1"][SOURCE]["B"]
    world.process(kinesis_record(record(a=2), partition_key="any", sequence=0))
    again = settle(world, misplaced, terms=Terms(only_if_absent=True))
    assert ({Outcome.QUARANTINED: 1}, 2) == (again.outcomes(), a(world)), "nobody knows which is newer"


def test_a_misplaced_record_that_says_the_same_as_one_put_back_before_is_no_doubt_whenever_it_came(world):
    terms = Terms(only_if_absent=True)
    first, again = (
        kinesis_record(
            record(a=1), partition_key=HIGH_KEY, shard=1, sequence=sequence, arrived_at=1_700_000_000 + sequence
        )
        for sequence in (8, 9)
    )
    settle(world, first, terms=terms)
    stored = dict(world.table.items)

    assert {Outcome.DUPLICATE: 1} == settle(world, again, terms=terms).outcomes()
    assert stored == world.table.items


def test_of_misplaced_records_that_are_put_back_together_the_newest_of_each_lane_counts(world):
    inner = [(HIGH_KEY, record(a=1)), (HIGH_KEY, record(a=2)), (HIGH_KEY, record(a=2))]
    batch = kinesis_record(aggregate(inner), shard=1)

    result = settle(world, batch, batch, terms=Terms(only_if_absent=True))

    assert {Outcome.WRITTEN: 1, Outcome.DUPLICATE: 1, Outcome.SUPERSEDED: 4} == result.outcomes()
    assert 2 == a(world)


def test_a_record_with_an_order_of_its_own_is_put_back_as_any_other(world):
    world.deploy(ORDERED)
    world.process(kinesis_record(record(at=1, a=1), partition_key=LOW_KEY, shard=1))
    newer = kinesis_record(record(at=2, a=2), partition_key=HIGH_KEY, shard=1)

    assert {Outcome.WRITTEN: 1} == settle(world, newer, terms=Terms(only_if_absent=True)).outcomes()
    assert 2 == a(world)


def test_whoever_puts_records_back_has_a_quarantine_of_his_own(world):
    own = FakeQuarantine()
    encryptor = replace(world.encryptor, quarantine=replace(world.encryptor.quarantine, store=own))
    taken = take_out([kinesis_record(b"no json"), kinesis_record(record(), sequence=1)])

    result = encryptor.settle(taken, stream_arn=STREAM_ARN, seconds_left=lambda: 60.0)

    assert {Outcome.QUARANTINED: 1, Outcome.WRITTEN: 1} == result.outcomes()
    assert (1, 0) == (len(own.entries), len(world.quarantine.entries))


def test_a_plan_says_what_would_become_of_records_and_touches_nothing(world):
    unreadable = kinesis_record(b"x", sequence=2)
    unreadable["kinesis"]["data"] = "=not base64"
    received = take_out([kinesis_record(record(), sequence=0), kinesis_record(b"no json", sequence=1), unreadable])

    good, bad, lost = world.encryptor.plan(received, stream_arn=STREAM_ARN)

    assert isinstance(good, PlannedRecord)
    assert isinstance(bad, Rejected)
    assert Outcome.RETRY is lost.outcome
    assert ({}, {}, []) == (world.table.items, world.quarantine.entries, list(world.store.all_rows()))


def test_an_order_that_is_added_compares_by_arrival_until_the_item_has_come_under_it(world):
    old = [kinesis_record(record(at=at, a=at), sequence=n) for n, at in enumerate([10, 5])]
    world.process(*old)
    world.deploy(ORDERED)

    late = world.process(old[0], kinesis_record(record(at=8, a=8), sequence=2))

    assert {Outcome.SUPERSEDED: 1, Outcome.WRITTEN: 1} == late.outcomes()
    assert 8 == a(world)
    world.process(*old)
    assert 10 == a(world)


def test_a_record_that_only_arrived_later_is_not_lost_behind_one_that_an_older_order_supersedes(world):
    world.process(kinesis_record(record(at=1, a=1), sequence=5))
    world.deploy(ORDERED)

    result = world.process(kinesis_record(record(at=9, a=9), sequence=3), kinesis_record(record(at=4, a=4), sequence=6))

    assert {Outcome.SUPERSEDED: 1, Outcome.WRITTEN: 1} == result.outcomes()
    assert 4 == a(world)


def test_an_item_that_came_by_another_door_is_not_overwritten_by_guess(world):
    world.table.write("acme", "1", **{SOURCE: {"B": counter_position(1).to_bytes()}})

    result = world.process(kinesis_record(record(a=1), partition_key=LOW_KEY, shard=1))

    assert {Outcome.QUARANTINED: 1} == result.outcomes()
    assert [Reason.ORDER_UNKNOWN] == reasons(world)
    assert counter_position(1).to_bytes() == world.table.items["acme", "1"][SOURCE]["B"]


def test_records_taken_out_are_as_many_as_the_aggregates_hold():
    taken = take_out([kinesis_record(aggregate([("a", b"1"), ("b", b"2")])), kinesis_record(b"3", sequence=1)])

    assert [0, 1, 0] == [one.sub_sequence for one in taken if isinstance(one, InboundRecord)]
