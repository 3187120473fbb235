"""A Kinesis stream: its shards, which split and merge, and the event source mapping that reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.records import Record
from tests.fakes.kinesis import aggregate, kinesis_record
from tests.fakes.shards import ALL_HASH_KEYS

_SHARD_SPAN = 1 << 96
"""Sequence numbers begin with the time at which a shard was made: every one of a younger shard is above."""


@dataclass(frozen=True)
class Sent:
    """One user record as it lies in the stream.

    Attributes:
        line: what it follows from shard to shard: its partition key, and a hash key of its own.
        is_misplaced: as far as the event tells, its hash key falls into another shard.
        record: None for an aggregate that cannot be taken apart.
    """

    sequence: int
    sub_sequence: int
    arrived_at: float
    line: tuple[str, int | None]
    is_misplaced: bool
    payload: bytes = field(repr=False)
    record: Record | None

    @property
    def place(self) -> tuple[int, int]:
        """Where it came from: no other has the same."""
        return self.sequence, self.sub_sequence


@dataclass
class ShardOfStream:
    """One shard and how far the mapping has come in it.

    Attributes:
        events: its records as Lambda gives them.
        done: how many of them never come again by themselves.
    """

    number: int
    hash_keys: range
    is_open: bool = True
    events: list[dict[str, Any]] = field(default_factory=list)
    done: int = 0

    @property
    def shard_id(self) -> str:
        return f"shardId-{self.number:012}"

    def waiting(self, size: int) -> list[dict[str, Any]]:
        """The next batch."""
        return self.events[self.done : self.done + size]

    def answered(self, batch: Sequence[Any], failed: Iterable[str]) -> None:
        """A batch was answered: Lambda goes on from the lowest record that failed, or from the next batch on."""
        lowest = min(map(int, failed), default=None)
        for event in batch:
            if lowest is not None and number_of(event) >= lowest:
                return
            if self.done < len(self.events) and event is self.events[self.done]:
                self.done += 1


@dataclass(frozen=True)
class Put:
    """A record as it is given to Kinesis or into an aggregate.

    Attributes:
        hash_key: an explicit one.
    """

    record: Record
    partition_key: str
    hash_key: int | None = None


class Stream:
    """All shards that there ever were.

    Attributes:
        hash_keys: by shard.
    """

    def __init__(self, shards: int = 2) -> None:
        self.shards: list[ShardOfStream] = []
        self.sent: dict[tuple[int, int], Sent] = {}
        self.hash_keys: dict[str, range] = {}
        size = ALL_HASH_KEYS.stop // shards
        for number in range(shards):
            self._make(range(number * size, (number + 1) * size))

    @property
    def events(self) -> list[dict[str, Any]]:
        """Of all shards, the older ones first."""
        return [event for shard in self.shards for event in shard.events]

    def put(self, put: Put, arrived_at: float) -> None:
        """Put one record."""
        key = hash_of(put.partition_key) if put.hash_key is None else put.hash_key
        shard = self._shard_of(key)
        event = self._append(shard, put.record.payload, put.partition_key, arrived_at)
        # the event does not tell of an explicit hash key
        self._sent(event, shard, 0, (put.partition_key, None), put.record.payload, put.record)

    def put_aggregate(self, puts: Sequence[Put], arrived_at: float, *, is_corrupt: bool = False) -> None:
        """Put an aggregate under the first one's partition key, wherever the others belong."""
        first = puts[0]
        shard = self._shard_of(hash_of(first.partition_key) if first.hash_key is None else first.hash_key)
        packed: list[Any] = [
            (put.partition_key, put.record.payload, *([str(put.hash_key)] if put.hash_key is not None else []))
            for put in puts
        ]
        payload = aggregate(packed)
        if is_corrupt:
            payload = payload[:-1] + bytes([payload[-1] ^ 1])
        event = self._append(shard, payload, first.partition_key, arrived_at)
        if is_corrupt:
            self._sent(event, shard, 0, (first.partition_key, None), payload, None)
            return
        for sub_sequence, put in enumerate(puts):
            of_its_own = put.hash_key if put.hash_key != hash_of(put.partition_key) else None
            self._sent(event, shard, sub_sequence, (put.partition_key, of_its_own), put.record.payload, put.record)

    def split(self, number: int) -> None:
        """Split one of the open shards in two."""
        shard = self._open(number)
        middle = (shard.hash_keys.start + shard.hash_keys.stop) // 2
        shard.is_open = False
        self._make(range(shard.hash_keys.start, middle))
        self._make(range(middle, shard.hash_keys.stop))

    def merge(self, number: int) -> None:
        """Merge one of the open shards with its neighbour, if it is not the last one."""
        shard = self._open(number)
        above = [one for one in self.shards if one.is_open and one.hash_keys.start == shard.hash_keys.stop]
        for neighbour in above:
            shard.is_open = neighbour.is_open = False
            self._make(range(shard.hash_keys.start, neighbour.hash_keys.stop))

    def sent_in(self, events: Iterable[Mapping[str, Any]]) -> list[Sent]:
        """The user records of some Kinesis records."""
        numbers = [number_of(event) for event in events]
        by_number: dict[int, list[Sent]] = {}
        for sent in self.sent.values():
            by_number.setdefault(sent.sequence, []).append(sent)
        return [sent for number in numbers for sent in by_number[number]]

    def _open(self, number: int) -> ShardOfStream:
        are_open = [shard for shard in self.shards if shard.is_open]
        return are_open[number % len(are_open)]

    def _make(self, hash_keys: range) -> None:
        shard = ShardOfStream(len(self.shards), hash_keys)
        self.shards.append(shard)
        self.hash_keys[shard.shard_id] = hash_keys

    def _shard_of(self, hash_key: int) -> ShardOfStream:
        return next(shard for shard in self.shards if shard.is_open and hash_key in shard.hash_keys)

    def _append(self, shard: ShardOfStream, payload: bytes, partition_key: str, arrived_at: float) -> dict[str, Any]:
        sequence = shard.number * _SHARD_SPAN + len(shard.events)
        event = kinesis_record(
            payload, sequence=sequence, partition_key=partition_key, arrived_at=arrived_at, shard=shard.number
        )
        shard.events.append(event)
        return event

    def _sent(
        self,
        event: dict[str, Any],
        shard: ShardOfStream,
        sub_sequence: int,
        line: tuple[str, int | None],
        payload: bytes,
        record: Record | None,
    ) -> None:
        partition_key, hash_key = line
        seen = hash_of(partition_key) if hash_key is None else hash_key
        sent = Sent(
            sequence=number_of(event),
            sub_sequence=sub_sequence,
            arrived_at=event["kinesis"]["approximateArrivalTimestamp"],
            line=line,
            is_misplaced=seen not in shard.hash_keys,
            payload=payload,
            record=record,
        )
        self.sent[sent.place] = sent


def hash_of(partition_key: str) -> int:
    """What Kinesis makes of a partition key."""
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest(), "big")


def number_of(event: Mapping[str, Any]) -> int:
    """A Kinesis record's sequence number."""
    return int(event["kinesis"]["sequenceNumber"])
