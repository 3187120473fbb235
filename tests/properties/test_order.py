"""Whatever is delivered in whatever order, an item ends as its newest record left it, or the system says so."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Reason
from shared.model import Outcome
from shared.policy.load import parse_policy
from shared.sealed_table import SealedTable
from shared.source_position import SourcePosition
from tests.fakes.encryptor import EncryptorWorld, encryptor_world
from tests.fakes.inline_executor import InlineExecutor
from tests.fakes.kinesis_stream import FakeStream, Sent
from tests.fakes.shards import ALL_HASH_KEYS

SOURCE = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
{order}
[attributes]
"a" = {{ plain = "number" }}
"""
PLAIN, ORDERED, OTHERWISE, BY_ARRIVAL = (
    parse_policy(SOURCE.format(order=order), "policy.toml")
    for order in ("", 'order = "n"', 'order = "a"', 'unknown_order = "arrival"')
)
ITEMS = 4
numbers = st.integers(0, 7)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), numbers),
        st.tuples(st.just("aggregate"), st.lists(numbers, min_size=1, max_size=4)),
        st.tuples(st.sampled_from(["split", "merge"]), numbers),
    ),
    min_size=1,
    max_size=30,
)
randoms = st.randoms(use_true_random=False)


def sent(serial: int, item: int, *, partition_key: str | None = None, order: int | str = 0) -> Sent:
    """The n-th record of all; those of some items name hash keys of their own."""
    payload = {"tenant_id": "acme", "id": str(item), "a": serial, "n": order}
    explicit = (ALL_HASH_KEYS.stop - 1) * item // ITEMS if item % 2 and partition_key is None else None
    return Sent(partition_key or f"key {item}", json.dumps(payload).encode(), explicit)


def read(one: Sent) -> Any:
    return json.loads(one.payload)


def play(stream: FakeStream, steps: Iterable[tuple[str, Any]]) -> None:
    serial = 0
    for step, argument in steps:
        match step:
            case "split":
                stream.split(argument)
            case "merge":
                stream.merge(argument)
            case _:
                items = [argument] if step == "put" else argument
                stream.put(
                    *(sent(serial + n, item % ITEMS, order=(serial + n) * 5 % 7) for n, item in enumerate(items))
                )
                serial += len(items)


def deliver(world: EncryptorWorld, stream: FakeStream, random: Random) -> None:
    world.shards.by_id = stream.hash_keys
    for batch in stream.deliveries(random):
        result = world.process(*batch)
        assert result.received == result.outcomes().total()
        assert not result.outcomes()[Outcome.RETRY]


def standing(world: EncryptorWorld) -> dict[str, int]:
    return {item: int(world.opened("acme", item)["a"]["N"]) for _, item in world.table.items}


def position(world: EncryptorWorld, item: str) -> SourcePosition:
    found = SourcePosition.from_bytes(world.table.items["acme", item]["_src"]["B"])
    assert found is not None
    return found


def reasons(world: EncryptorWorld) -> set[Reason]:
    return {entry.reason for entry in world.quarantine.entries.values()}


@given(steps, randoms)
def test_along_shards_that_split_and_merge_the_newest_record_of_an_item_stays(steps, random):
    stream = FakeStream()
    play(stream, steps)

    with encryptor_world(PLAIN, at_once=InlineExecutor()) as world:
        deliver(world, stream, random)
        assert {read(one)["id"]: read(one)["a"] for one in stream.placed} == standing(world)
        held = world.quarantine.entries.values()
        assert len(stream.misplaced) == sum(entry.record_count for entry in held)
        assert {entry.reason for entry in held} <= {Reason.MISPLACED}


@given(st.lists(st.tuples(st.booleans(), numbers), min_size=1, max_size=12), st.booleans(), randoms)
def test_of_one_item_in_two_unrelated_shards_one_lane_is_kept_whole_and_the_other_is_told(puts, reshard, random):
    low, high = _keys_of_two_shards()
    stream = FakeStream(shards=2)
    for serial, (is_low, at) in enumerate(puts):
        if reshard and serial == len(puts) // 2:
            stream.split(at)
        stream.put(sent(serial, 0, partition_key=low if is_low else high))
    newest = {one.partition_key: read(one)["a"] for one in stream.placed}

    with encryptor_world(PLAIN, at_once=InlineExecutor()) as world:
        deliver(world, stream, random)
        assert standing(world)["0"] in newest.values()
        assert reasons(world) == ({Reason.ORDER_UNKNOWN} if len(newest) == 2 else set())


@given(st.lists(st.tuples(st.booleans(), numbers), min_size=1, max_size=12), randoms)
def test_with_an_order_the_newest_stays_whatever_shard_and_key_it_came_by(puts, random):
    low, high = _keys_of_two_shards()
    stream = FakeStream(shards=2)
    for serial, (is_low, order) in enumerate(puts):
        stream.put(sent(serial, 0, partition_key=low if is_low else high, order=order))
    highest = max(order for _, order in puts)

    ends = set()
    for policy in (ORDERED, ORDERED, OTHERWISE, BY_ARRIVAL):
        with encryptor_world(policy, at_once=InlineExecutor()) as world:
            deliver(world, stream, random)
            assert set() == reasons(world)
            if policy is ORDERED:
                ends.add(standing(world)["0"])
            else:
                assert len(puts) - 1 == standing(world)["0"]
    (end,) = ends
    assert highest == puts[end][1]


@given(st.lists(st.tuples(st.booleans(), numbers), min_size=1, max_size=12), randoms)
def test_of_times_and_integers_in_turn_the_newest_of_one_kind_stays_and_the_others_are_told(puts, random):
    """True is a time; whichever kind came first stays, and a replay changes nothing."""
    stream = FakeStream()
    for serial, (is_time, order) in enumerate(puts):
        stream.put(sent(serial, 0, order=f"2023-11-14T00:00:{order:02}Z" if is_time else order))
    newest = {kind: max(order for one, order in puts if one is kind) for kind, _ in puts}

    with encryptor_world(ORDERED, at_once=InlineExecutor()) as world:
        deliver(world, stream, random)
        end = standing(world)["0"]
        kind, order = puts[end]
        assert newest[kind] == order
        assert reasons(world) == ({Reason.ORDER_UNKNOWN} if len(newest) == 2 else set())
        deliver(world, stream, random)
        assert end == standing(world)["0"]


@given(
    st.lists(st.tuples(st.booleans(), numbers), min_size=2, max_size=12, unique_by=lambda put: put[1]),
    st.lists(st.sampled_from([PLAIN, ORDERED, OTHERWISE, BY_ARRIVAL]), max_size=3),
    st.sampled_from([ORDERED, OTHERWISE, BY_ARRIVAL]),
    randoms,
)
def test_whatever_ordered_before_two_replays_bring_every_item_under_the_present_order(puts, before, now, random):
    low, high = _keys_of_two_shards()
    stream = FakeStream(shards=2)
    with encryptor_world(PLAIN, at_once=InlineExecutor()) as world:
        for serial, (is_low, order) in enumerate(puts):
            stream.put(sent(serial, 0, partition_key=low if is_low else high, order=order))
            if before and not serial % 3:
                world.deploy(before[serial // 3 % len(before)])
                deliver(world, stream, random)
        world.deploy(now)
        deliver(world, stream, random)
        deliver(world, stream, random)

        newest = max(puts, key=lambda put: put[1]) if now is ORDERED else puts[-1]
        assert puts.index(newest) == standing(world)["0"]


@given(steps, st.sampled_from([ORDERED, OTHERWISE, BY_ARRIVAL]), randoms)
def test_where_an_order_is_taken_away_one_replay_brings_every_item_back_to_its_last_arrival(steps, before, random):
    stream = FakeStream()
    play(stream, steps)
    last = {read(one)["id"]: read(one)["a"] for one in stream.placed}
    with encryptor_world(before, at_once=InlineExecutor()) as world:
        deliver(world, stream, random)
        were_misplaced = {item for item, _ in standing(world).items() if position(world, item).by_arrival is None}
        world.deploy(PLAIN)
        deliver(world, stream, random)

        back = {item: a for item, a in standing(world).items() if item not in were_misplaced}
        assert {item: a for item, a in last.items() if item not in were_misplaced} == back
        # of these nobody can say: their records are told, not guessed
        unsettled = {item for item in were_misplaced if item in last}
        assert not unsettled or Reason.ORDER_UNKNOWN in reasons(world)


class Reads:
    """The items of a world, for an application's `SealedTable`."""

    def __init__(self, world: EncryptorWorld) -> None:
        self._items = world.table.items

    def get(self, key: tuple[str, str], *, consistent: bool) -> Any:
        return self._items.get(key)


@given(st.lists(st.booleans(), min_size=1, max_size=10), randoms)
def test_by_two_doors_without_an_order_the_applications_write_stays_and_the_records_are_told(writes, random):
    """True is a write of the application; the records of the stream come in between, and then all of them again."""
    stream = FakeStream()
    with encryptor_world(PLAIN, at_once=InlineExecutor()) as world:
        reads: Any = Reads(world)
        application = SealedTable(
            reads=reads, writes=world.table, keyring=world.keyring, statuses=world.store, policy=PLAIN
        )
        for serial, by_application in enumerate(writes):
            if by_application:
                application.put_item(Item={"tenant_id": "acme", "item_id": "0", "a": serial})
            else:
                stream.put(sent(serial, 0))
                world.process(stream.records()[-1])
        deliver(world, stream, random)

        stays = max((n for n, by_application in enumerate(writes) if by_application), default=len(writes) - 1)
        assert stays == standing(world)["0"]
        assert reasons(world) == ({Reason.ORDER_UNKNOWN} if len(set(writes)) == 2 else set())


def _keys_of_two_shards() -> tuple[str, str]:
    middle = ALL_HASH_KEYS.stop // 2
    keys = [f"p{n}" for n in range(20)]
    return (
        next(key for key in keys if Sent(key, b"").hash_key < middle),
        next(key for key in keys if Sent(key, b"").hash_key >= middle),
    )
