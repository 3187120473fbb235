"""The threads of a mapping, with a stream and a function in memory."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ops.local_aws.event_source_mappings import shard_consumer
from ops.local_aws.event_source_mappings.delivery import (
    Condition,
    Discard,
    Invocation,
    NotReached,
    Raised,
    Returned,
    StreamRecord,
)
from ops.local_aws.event_source_mappings.ports import Page, Shard
from ops.local_aws.event_source_mappings.supervisor import FoundMapping, Supervisor


class MemoryStream:
    """Shards of records; a record's event is its number."""

    def __init__(self, **shards: Shard) -> None:
        self.known: dict[str, Shard] = shards or {"a": Shard()}
        self.records: dict[str, list[StreamRecord]] = {shard_id: [] for shard_id in self.known}
        self._last = 0

    def put(self, *keys: str, shard: str = "a") -> list[int]:
        numbers = []
        for key in keys:
            self._last += 1
            self.records[shard].append(StreamRecord(str(self._last), key, time.time(), str(self._last)))
            numbers.append(self._last)
        return numbers

    def exists(self) -> bool:
        return bool(self.known)

    def shards(self) -> Mapping[str, Shard]:
        return dict(self.known)

    def end(self, shard_id: str, before: float | None = None) -> int:
        arrived = [one for one in self.records[shard_id] if before is None or one.arrived_at < before]
        return int(arrived[-1].sequence_number) if arrived else 0

    def read(self, shard_id: str, position: int, limit: int, mapping: Mapping[str, Any]) -> Page:
        records = [one for one in self.records.get(shard_id, []) if int(one.sequence_number) > position][:limit]
        return Page(tuple(records), int(records[-1].sequence_number) if records else position)


@dataclass
class MemoryFunction:
    """Notes each delivery and answers as told."""

    answer: Callable[[list[int]], Invocation] = lambda _: Returned(None)
    deliveries: list[list[int]] = field(default_factory=list)
    discards: list[Discard] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)

    def invoke(self, function_arn: str, event: str) -> Invocation:
        numbers = json.loads(event)["Records"]
        self.deliveries.append(numbers)
        return self.answer(numbers)

    def discard(self, discard: Discard, mapping: Mapping[str, Any], shard_id: str) -> None:
        self.discards.append(discard)

    def iterator_age(self, mapping: Mapping[str, Any], milliseconds: float) -> None:
        self.ages.append(milliseconds)

    @property
    def delivered(self) -> list[int]:
        return [number for batch in self.deliveries for number in batch]


@dataclass
class World:
    """One mapping of one stream to one function."""

    stream: MemoryStream = field(default_factory=MemoryStream)
    function: MemoryFunction = field(default_factory=MemoryFunction)
    mapping: dict[str, Any] = field(default_factory=lambda: {"UUID": "m", "FunctionArn": "f", "BatchSize": 10})
    is_deleted: bool = False

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.find)

    def find(self) -> list[FoundMapping]:
        return [] if self.is_deleted else [FoundMapping(self.mapping, self.stream, self.read, self.function)]

    def read(self) -> dict[str, Any] | None:
        return None if self.is_deleted else self.mapping

    def refresh(self, **settings: Any) -> None:
        self.mapping |= settings
        self.supervisor.refresh()
        self.supervisor.wake_consumers()

    def threads(self) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name.startswith("mapping-")]


def wait_until(condition: Callable[[], Any], deadline_seconds: float = 5) -> None:
    deadline = time.monotonic() + deadline_seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.002)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("FIRST_BACK_OFF_SECONDS", "NOT_REACHED_BACK_OFF_SECONDS", "IDLE_SECONDS", "LEAST_PAUSE_SECONDS"):
        monkeypatch.setattr(shard_consumer, name, 0.005)
    world = World()
    yield world
    world.is_deleted = True
    world.supervisor.wake_consumers()
    wait_until(lambda: not world.threads())


def test_records_are_delivered_once_and_in_order(world: World) -> None:
    world.stream.put(*"kkkkk")
    world.refresh(BatchSize=2)
    wait_until(lambda: len(world.function.delivered) == 5)
    world.stream.put("k")
    world.refresh()
    wait_until(lambda: len(world.function.delivered) == 6)
    assert world.function.deliveries == [[1, 2], [3, 4], [5], [6]]
    assert len(world.function.ages) == 4
    assert world.mapping["LastProcessingResult"] == "OK"


def test_a_lane_that_fails_leaves_the_others_alone(world: World) -> None:
    world.function.answer = lambda numbers: Raised() if 1 in numbers else Returned(None)
    world.stream.put(*[f"key{number}" for number in range(20)])
    world.refresh(ParallelizationFactor=10, BatchSize=1)
    wait_until(lambda: len(set(world.function.delivered)) >= 15)
    wait_until(lambda: world.function.deliveries.count([1]) >= 3)
    assert world.function.discards == []


def test_a_lane_has_one_batch_in_flight(world: World) -> None:
    is_open = threading.Event()
    world.function.answer = lambda _: Returned(is_open.wait())
    world.stream.put("k")
    world.refresh()
    wait_until(lambda: world.function.deliveries)
    world.stream.put("k")
    world.refresh()
    [consumer] = world.supervisor._consumers.values()
    wait_until(lambda: consumer.position == 2)
    wait_until(lambda: not consumer._woken.is_set())  # it has looked again
    in_flight = list(world.function.deliveries)
    threads = len(world.threads())
    is_open.set()
    wait_until(lambda: len(world.function.delivered) == 2)
    assert (in_flight, threads) == ([[1]], 2)


def test_halves_of_a_batch_are_delivered_in_order(world: World) -> None:
    world.function.answer = lambda numbers: Raised() if 2 in numbers else Returned(None)
    world.stream.put(*"kkkk")
    world.refresh(BisectBatchOnFunctionError=True, MaximumRetryAttempts=1)
    wait_until(lambda: len(world.function.deliveries) == 6)
    assert world.function.deliveries == [[1, 2, 3, 4], [1, 2], [1], [2], [2], [3, 4]]


def test_a_changed_number_of_lanes_loses_and_repeats_nothing(world: World) -> None:
    world.function.answer = lambda _: NotReached()
    world.stream.put(*[f"key{number % 7}" for number in range(50)])
    world.refresh(ParallelizationFactor=2)
    wait_until(lambda: world.function.deliveries)
    world.mapping["Enabled"] = False
    wait_until(lambda: len(world.threads()) == 1)
    world.function.deliveries.clear()
    world.function.answer = lambda _: Returned(None)
    world.refresh(ParallelizationFactor=5, Enabled=True)
    wait_until(lambda: len(world.function.delivered) == 50)
    assert sorted(world.function.delivered) == list(range(1, 51))
    for key in range(7):
        numbers = [number for number in world.function.delivered if (number - 1) % 7 == key]
        assert numbers == sorted(numbers)


def test_a_function_out_of_reach_is_tried_until_it_is_back_whatever_the_retry_quota(world: World) -> None:
    world.function.answer = lambda _: NotReached() if len(world.function.deliveries) < 5 else Returned(None)
    world.stream.put("k")
    world.refresh(MaximumRetryAttempts=0)
    wait_until(lambda: len(world.function.deliveries) == 5)
    wait_until(lambda: world.mapping["LastProcessingResult"] == "OK")
    assert world.function.discards == []


def test_a_changed_setting_ends_endless_retries(world: World) -> None:
    world.function.answer = lambda _: Raised()
    world.stream.put("k")
    world.refresh()
    wait_until(lambda: len(world.function.deliveries) >= 3)
    assert world.mapping["LastProcessingResult"] == "PROBLEM: Function call failed"
    world.refresh(MaximumRetryAttempts=0)
    wait_until(lambda: world.function.discards)
    assert [one.condition for one in world.function.discards] == [Condition.RETRY_ATTEMPTS_EXHAUSTED]


def test_a_deleted_mapping_stops_at_once_also_while_it_retries(world: World) -> None:
    world.function.answer = lambda _: Raised()
    world.stream.put("k")
    world.refresh()
    wait_until(lambda: len(world.function.deliveries) >= 2)
    world.is_deleted = True
    wait_until(lambda: not world.threads())


def test_a_stream_that_is_gone_ends_its_consumers_and_one_that_comes_back_goes_on(world: World) -> None:
    world.stream.put("k")
    world.refresh()
    wait_until(lambda: world.function.delivered == [1])
    shards, world.stream.known = world.stream.known, {}
    wait_until(lambda: not world.threads())
    world.stream.known = shards
    world.stream.put("k")
    world.refresh()
    wait_until(lambda: world.function.delivered == [1, 2])


def test_a_consumer_outlives_an_error_of_the_source(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read = world.stream.read
    failures = iter([KeyError("first"), ValueError("second")])

    def fail_at_first(*arguments: Any) -> Page:
        for failure in failures:
            raise failure
        return read(*arguments)

    monkeypatch.setattr(world.stream, "read", fail_at_first)
    world.stream.put("k")
    world.refresh()
    wait_until(lambda: world.function.delivered == [1])


def test_a_lane_outlives_an_error_of_the_edge(world: World) -> None:
    failures = iter([OSError("once")])

    def fail_once(_: list[int]) -> Invocation:
        for failure in failures:
            raise failure
        return Returned(None)

    world.function.answer = fail_once
    world.stream.put("k", "k")
    world.refresh()
    wait_until(lambda: world.mapping.get("LastProcessingResult") == "OK")
    assert world.function.deliveries == [[1, 2], [1, 2]]


def test_a_child_shard_waits_for_its_parent(world: World) -> None:
    world.stream = MemoryStream(a=Shard(is_closed=True), b=Shard(parents=("a",)))
    world.stream.put("k", "k")
    world.stream.put("k", shard="b")
    is_open = threading.Event()
    world.function.answer = lambda _: Returned(None) if is_open.is_set() else Raised()
    world.refresh()
    wait_until(lambda: len(world.function.deliveries) >= 2)
    world.refresh()
    assert 3 not in world.function.delivered
    is_open.set()
    wait_until(lambda: not world.threads())
    world.refresh()
    wait_until(lambda: 3 in world.function.delivered)


def test_a_closed_shard_is_read_once(world: World) -> None:
    world.stream = MemoryStream(a=Shard(is_closed=True))
    world.stream.put("k")
    world.refresh()
    wait_until(lambda: not world.threads())
    before = dict(world.supervisor._consumers)
    world.refresh()
    assert world.supervisor._consumers == before
    assert world.function.delivered == [1]


@pytest.mark.parametrize(("position", "expected"), [("LATEST", [3]), ("TRIM_HORIZON", [1, 2, 3])])
def test_latest_is_where_the_stream_ended_when_the_mapping_was_created(
    world: World, position: str, expected: list[int]
) -> None:
    world.stream.put("k", "k")
    world.supervisor.anchor("m", world.stream, position)
    world.stream.put("k")
    world.refresh(StartingPosition=position)
    wait_until(lambda: world.function.delivered == expected)


def test_a_shard_that_appears_later_is_read_from_its_start(world: World) -> None:
    world.stream.put("k")
    world.refresh(StartingPosition="LATEST")
    world.stream.known["b"] = Shard()
    world.stream.records["b"] = []
    world.stream.put("k", shard="b")
    world.refresh()
    wait_until(lambda: world.function.delivered == [2])


def test_reading_from_a_time_on_waits_until_the_mapping_has_it(world: World) -> None:
    world.stream.put("k")
    world.refresh(StartingPosition="AT_TIMESTAMP")
    assert not world.threads()
    boundary = time.time()
    wait_until(lambda: time.time() > boundary)
    world.stream.put("k")
    world.refresh(StartingPositionTimestamp=boundary)
    wait_until(lambda: world.function.delivered == [2])


def test_what_is_read_ahead_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_consumer, "READ_AHEAD", 5)
    limits = []
    read = world.stream.read

    def noting(shard_id: str, position: int, limit: int, mapping: Mapping[str, Any]) -> Page:
        limits.append(limit)
        return read(shard_id, position, limit, mapping)

    monkeypatch.setattr(world.stream, "read", noting)
    world.stream.put(*"k" * 30)
    world.refresh(BatchSize=2)
    wait_until(lambda: len(world.function.delivered) == 30)
    assert world.function.delivered == list(range(1, 31))
    assert max(limits) <= 5


def test_a_mapping_disabled_by_a_template_is_disabled(world: World) -> None:
    assert not shard_consumer.is_enabled({"Enabled": "false"})
    assert not shard_consumer.is_enabled({"Enabled": False})
    assert shard_consumer.is_enabled({})
