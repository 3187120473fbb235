"""The order of lanes on a Kinesis whose sequence numbers are its own, through splits and merges.

Records are put, shards split and merged, and each shard's records read again by the public API, as replay does. Read
in whatever order of shards, and again after that, they leave each item as its newest record made it.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import md5
from itertools import permutations
from typing import Any

import pytest

from shared.aws.kinesis_records import KinesisRecords
from shared.aws.shards import KinesisShards
from shared.model import Outcome
from shared.policy.load import parse_policy
from shared.runtime.rereading import AtTime
from tests.fakes.another_kinesis import another_kinesis
from tests.fakes.encryptor import EncryptorWorld, encryptor_world
from tests.fakes.kinesis import aggregate

POLICY = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
{order}
[defaults]
undeclared = "seal"
data_class = "pii"
[classes.pii]
[attributes]
"version" = {{ plain = "number" }}
"""
MIDDLE = 2**127
ITEMS = [f"item-{number}" for number in range(6)]


@pytest.fixture(scope="module")
def kinesis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with another_kinesis(tmp_path_factory.mktemp("kinesis") / "log") as client:
        yield client


@dataclass
class Stream:
    """A stream of the other Kinesis, and what each item should hold in the end."""

    kinesis: Any
    name: str
    versions: Counter[str] = field(default_factory=Counter)
    numbers: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kinesis.create_stream(StreamName=self.name, ShardCount=2)
        self._wait()

    @property
    def arn(self) -> str:
        return str(self.kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]["StreamARN"])

    def put(self, item: str, *, partition_key: str | None = None, version: int | None = None) -> None:
        self._put(partition_key or item, self._payload(item, version))

    def put_aggregated(self, item: str, count: int) -> None:
        self._put(item, aggregate([(item, self._payload(item)) for _ in range(count)]))

    def split(self, shard: int, at: int) -> None:
        self.kinesis.split_shard(StreamName=self.name, ShardToSplit=shard_id(shard), NewStartingHashKey=str(at))
        self._wait()

    def merge(self, shard: int, adjacent: int) -> None:
        self.kinesis.merge_shards(
            StreamName=self.name, ShardToMerge=shard_id(shard), AdjacentShardToMerge=shard_id(adjacent)
        )
        self._wait()

    def read(self) -> dict[str, list[Any]]:
        """What Lambda would give to a consumer, by shard."""
        return {
            shard.shard_id: list(self._events(shard.shard_id)) for shard in KinesisShards(self.kinesis).shards(self.arn)
        }

    def _events(self, shard: str) -> Iterator[Any]:
        for page in KinesisRecords(self.kinesis, self.arn).pages(shard, AtTime(0)):
            yield from (record.event for record in page.records)
            if page.caught_up:
                return

    def _payload(self, item: str, version: int | None = None) -> bytes:
        self.versions[item] = self.versions[item] + 1 if version is None else max(version, self.versions[item])
        chosen = self.versions[item] if version is None else version
        return json.dumps({"tenant_id": "acme", "id": item, "version": chosen, "note": f"{item}/{chosen}"}).encode()

    def _put(self, partition_key: str, data: bytes) -> None:
        answer = self.kinesis.put_record(StreamName=self.name, PartitionKey=partition_key, Data=data)
        self.numbers.append(int(answer["SequenceNumber"]))

    def _wait(self) -> None:
        self.kinesis.get_waiter("stream_exists").wait(
            StreamName=self.name, WaiterConfig={"Delay": 0, "MaxAttempts": 99}
        )


def shard_id(number: int) -> str:
    return f"shardId-{number:012d}"


def in_any_order(shards: Sequence[str], seed: int, most: int = 20) -> list[tuple[str, ...]]:
    """Orders of the shards: from the first to the last, the other way round, and others at random."""
    others = list(permutations(shards))
    random.Random(seed).shuffle(others)
    return [tuple(shards), tuple(reversed(shards)), *others[:most]]


def stored(world: EncryptorWorld) -> dict[str, tuple[int, str]]:
    """Version and sealed note of each item."""
    opened = {item: world.opened(tenant, item) for tenant, item in world.table.items}
    return {item: (int(values["version"]["N"]), values["note"]["S"]) for item, values in opened.items()}


def expected(stream: Stream) -> dict[str, tuple[int, str]]:
    return {item: (version, f"{item}/{version}") for item, version in stream.versions.items()}


@pytest.fixture
def world(kinesis: Any) -> Iterator[EncryptorWorld]:
    with encryptor_world(parse_policy(POLICY.format(order=""), "policy.toml")) as made:
        made.encryptor = replace(made.encryptor, shards=KinesisShards(kinesis))
        yield made


def replay(world: EncryptorWorld, stream: Stream, events: Sequence[Any]) -> Counter[Outcome]:
    return world.encryptor.process(events, stream_arn=stream.arn, seconds_left=lambda: 60.0).outcomes()


def test_a_line_of_shards_leaves_the_newest_record_in_any_order(kinesis: Any, world: EncryptorWorld) -> None:
    stream = Stream(kinesis, "lines")
    changes = [lambda: stream.split(0, MIDDLE // 2), lambda: stream.merge(3, 1), lambda: stream.split(4, MIDDLE), None]
    for change in changes:
        for item in ITEMS:
            stream.put(item)
            stream.put_aggregated(item, 2)
        if change:
            change()
    by_shard = stream.read()
    assert 7 == len(by_shard)
    assert len(changes) * len(ITEMS) * 2 == sum(map(len, by_shard.values()))

    for seed, shards in enumerate(in_any_order(sorted(by_shard), seed=1)):
        world.table.items.clear()
        outcomes: Counter[Outcome] = Counter()
        for shard in shards:
            outcomes += replay(world, stream, by_shard[shard])
        assert expected(stream) == stored(world), f"order {seed}: {shards}"
        assert len(changes) * len(ITEMS) * 3 == outcomes[Outcome.WRITTEN] + outcomes[Outcome.SUPERSEDED]
        assert {Outcome.WRITTEN, Outcome.SUPERSEDED} >= outcomes.keys()

    before = dict(world.table.items)
    for shard in by_shard:
        assert {Outcome.SUPERSEDED, Outcome.DUPLICATE} >= replay(world, stream, by_shard[shard]).keys()
    assert before == world.table.items


def test_an_order_of_its_own_decides_across_unrelated_shards(kinesis: Any) -> None:
    stream = Stream(kinesis, "doors")
    low, high = keys_of(2)
    for version in (3, 9, 4):
        stream.put("item", partition_key=high, version=version)
    stream.split(0, MIDDLE // 2)
    for version in (1, 7, 8):  # in shards that are younger, so with numbers that are higher
        stream.put("item", partition_key=low, version=version)
    assert max(stream.numbers[:3]) < min(stream.numbers[3:])
    by_shard = stream.read()
    policy = parse_policy(POLICY.format(order='order = "version"'), "policy.toml")
    with encryptor_world(policy) as world:
        world.encryptor = replace(world.encryptor, shards=KinesisShards(kinesis))
        for shards in permutations(by_shard):
            world.table.items.clear()
            for shard in shards:
                replay(world, stream, by_shard[shard])
            assert {"item": (9, "item/9")} == stored(world)


def test_without_one_what_came_through_two_doors_is_quarantined(kinesis: Any, world: EncryptorWorld) -> None:
    stream = Stream(kinesis, "unknown")
    for version, key in enumerate(keys_of(2), start=1):
        stream.put("item", partition_key=key, version=version)
    for shards in permutations(by_shard := stream.read()):
        world.table.items.clear()
        outcomes = sum((replay(world, stream, by_shard[shard]) for shard in shards), Counter())
        assert {Outcome.WRITTEN: 1, Outcome.QUARANTINED: 1} == outcomes


def test_a_record_of_another_shards_range_is_misplaced(kinesis: Any, world: EncryptorWorld) -> None:
    stream = Stream(kinesis, "misplaced")
    low, high = keys_of(2)
    stream._put(low, aggregate([(low, stream._payload("item")), (high, stream._payload("other"))]))
    by_shard = stream.read()
    outcomes = sum((replay(world, stream, events) for events in by_shard.values()), Counter())
    assert {Outcome.WRITTEN: 1, Outcome.QUARANTINED: 1} == outcomes
    assert {("acme", "item")} == world.table.items.keys()


def keys_of(shards: int) -> list[str]:
    """A partition key for each of as many shards."""
    found: dict[int, str] = {}
    for number in range(100):
        key = f"door-{number}"
        hash_key = int(md5(key.encode(), usedforsecurity=False).hexdigest(), 16)
        found.setdefault(hash_key * shards >> 128, key)
    return [found[shard] for shard in range(shards)]
