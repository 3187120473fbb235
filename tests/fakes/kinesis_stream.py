"""A stream in memory: shards that split and merge, records in each with the numbers that Kinesis would give them.

A number begins with the time at which its shard was opened and goes on with a count of its own, as Kinesis' do: it
compares along a line of shards, and of two shards that are not related the younger one's is always higher.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import md5
from random import Random
from typing import Any

from tests.fakes.kinesis import FIRST_SEQUENCE, aggregate, kinesis_record
from tests.fakes.shards import ALL_HASH_KEYS

ARRIVAL: float = 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One user record that a producer sends."""

    partition_key: str
    payload: bytes
    explicit_hash_key: int | None = None

    @property
    def hash_key(self) -> int:
        """What decides which shard takes it."""
        if self.explicit_hash_key is not None:
            return self.explicit_hash_key
        return int.from_bytes(md5(self.partition_key.encode(), usedforsecurity=False).digest())


@dataclass(slots=True)
class StreamShard:
    """A shard and its records, oldest first."""

    number: int
    hash_keys: range
    opened: int
    is_open: bool = True
    records: list[Any] = field(default_factory=list)


class FakeStream:
    """What producers put, resharded meanwhile.

    Attributes:
        placed: the user records that came by the shard that their own hash key falls into, oldest first.
        misplaced: those that came by another one, in somebody else's aggregate.
    """

    def __init__(self, shards: int = 1) -> None:
        size = len_of(ALL_HASH_KEYS) // shards
        bounds = [*(size * n for n in range(shards)), ALL_HASH_KEYS.stop]
        self.shards = [StreamShard(n, range(bounds[n], bounds[n + 1]), opened=0) for n in range(shards)]
        self.placed: list[Sent] = []
        self.misplaced: list[Sent] = []
        self._now = 0

    @property
    def hash_keys(self) -> dict[str, range]:
        """Those of each shard, for `FakeShards`."""
        return {f"shardId-{shard.number:012}": shard.hash_keys for shard in self.shards}

    @property
    def open_shards(self) -> list[StreamShard]:
        """Those that take records, by their hash keys."""
        return sorted((one for one in self.shards if one.is_open), key=lambda shard: shard.hash_keys.start)

    def put(self, *sent: Sent) -> None:
        """Put one record, or an aggregate of several, which goes where its first one belongs."""
        shard = next(one for one in self.open_shards if sent[0].hash_key in one.hash_keys)
        for one in sent:
            (self.placed if one.hash_key in shard.hash_keys else self.misplaced).append(one)
        is_plain = len(sent) == 1 and sent[0].explicit_hash_key is None
        keys = [((str(one.explicit_hash_key),) if one.explicit_hash_key is not None else ()) for one in sent]
        inner: list[Any] = [(one.partition_key, one.payload, *key) for one, key in zip(sent, keys, strict=True)]
        record = kinesis_record(
            sent[0].payload if is_plain else aggregate(inner),
            sequence=(shard.opened << 64) + len(shard.records),
            partition_key=sent[0].partition_key,
            arrived_at=ARRIVAL + self._now / 1_000,
            shard=shard.number,
        )
        self._now += 1
        shard.records.append(record)

    def split(self, which: int) -> None:
        """Split an open shard in two."""
        shard = self.open_shards[which % len(self.open_shards)]
        middle = shard.hash_keys.start + len_of(shard.hash_keys) // 2
        self._reshard([shard], [range(shard.hash_keys.start, middle), range(middle, shard.hash_keys.stop)])

    def merge(self, which: int) -> None:
        """Merge an open shard with the next one, where there is one."""
        there = self.open_shards
        if len(there) > 1:
            left, right = there[(first := which % (len(there) - 1))], there[first + 1]
            self._reshard([left, right], [range(left.hash_keys.start, right.hash_keys.stop)])

    def records(self) -> list[Any]:
        """All records, by shard, oldest first."""
        return [record for shard in self.shards for record in shard.records]

    def deliveries(self, random: Random, *, repeats: int = 3) -> list[Sequence[Any]]:
        """Batches of one shard each that hold every record at least once, some more often, in any order."""
        batches: list[Sequence[Any]] = []
        for shard in self.shards:
            left = list(shard.records)
            while left:
                size = random.randint(1, len(left))
                batches.append(left[:size])
                left = left[size:]
            sizes = [random.randint(1, len(shard.records)) for _ in range(repeats if shard.records else 0)]
            batches += [sorted(random.sample(shard.records, size), key=number) for size in sizes]
        random.shuffle(batches)
        return batches

    def _reshard(self, parents: list[StreamShard], ranges: list[range]) -> None:
        self._now += 1
        for parent in parents:
            parent.is_open = False
        self.shards += [StreamShard(len(self.shards) + n, keys, self._now) for n, keys in enumerate(ranges)]


def len_of(hash_keys: range) -> int:
    """How many hash keys there are; `len` counts to 63 bits only."""
    return hash_keys.stop - hash_keys.start


def number(record: Any) -> int:
    """The sequence number of a record, counted from the first."""
    return int(record["kinesis"]["sequenceNumber"]) - FIRST_SEQUENCE
