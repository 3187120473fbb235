"""The source stream as its producers and its operators see it: puts, shards, and what Kinesis accepted."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from threading import Event
from typing import Any

from ops.demo.produce import chunks
from ops.local_aws.event_source_mappings.delivery import lane_of
from shared.aws.clients import client
from shared.aws.errors import AWS_ERRORS
from tests.chaos.stream import Sent, hash_of
from tests.chaos_stack.records import Generator, Put

PER_REQUEST = 100
PAUSE_SECONDS = 0.05
MOST_SHARDS = 3
LANES = 4
"""The parallelization factor of the encryptor's mapping."""


@dataclass
class Producer:
    """Puts at a rate; what was refused or not answered is put again, so that some is put twice.

    Attributes:
        known: every Kinesis record that was to be put, by partition key and data.
        acknowledged: sequence numbers that Kinesis gave.
    """

    stream: str
    known: dict[tuple[str, bytes], Put] = field(default_factory=dict, repr=False)
    acknowledged: set[int] = field(default_factory=set, repr=False)

    def put_at(self, rate: float, puts: Iterator[Put], stop: Event) -> None:
        """So many user records a second, until it is told to stop."""
        began, done = time.monotonic(), 0
        while not stop.wait(PAUSE_SECONDS):
            due: list[Put] = []
            while done < rate * (time.monotonic() - began) and len(due) < PER_REQUEST:
                due.append(put := next(puts))
                done += len(put.users)
            self.put(due)

    def put(self, puts: Iterable[Put]) -> None:
        """All of them, each at least once."""
        for some in chunks(puts, PER_REQUEST):
            self.known.update(((put.partition_key, put.data), put) for put in some)
            left = [put.entry for put in some]
            while left:
                left = self._put_once(left)

    def _put_once(self, entries: list[Any]) -> list[Any]:
        try:
            answers = client("kinesis").put_records(StreamName=self.stream, Records=entries)["Records"]
        except AWS_ERRORS:  # the local AWS is being started again; perhaps it has them
            return entries
        self.acknowledged |= {int(answer["SequenceNumber"]) for answer in answers if "ErrorCode" not in answer}
        return [entry for entry, answer in zip(entries, answers, strict=True) if "ErrorCode" in answer]


def accepted(stream: str, since: float, known: Mapping[tuple[str, bytes], Put]) -> list[Sent]:
    """Every user record that Kinesis accepted from then on, read from the stream itself."""
    return [
        Sent(
            sequence=int(record["SequenceNumber"]),
            sub_sequence=number,
            arrived_at=record["ApproximateArrivalTimestamp"].timestamp(),
            line=(user.partition_key, user.hash_key),
            is_misplaced=(hash_of(user.partition_key) if user.hash_key is None else user.hash_key) not in hash_keys,
            payload=user.payload,
            record=user.record,
        )
        for hash_keys, record in _records(stream, since)
        for number, user in enumerate(known[record["PartitionKey"], record["Data"]].users)
    ]


def open_shards(stream: str) -> dict[str, range]:
    """The hash keys of each shard that takes records."""
    shards = client("kinesis").list_shards(StreamName=stream, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    return {shard["ShardId"]: _hash_keys(shard) for shard in shards}


def reshard(stream: str, random: Random) -> str:
    """Split a shard, or merge two neighbours; which of both it was."""
    kinesis = client("kinesis")
    shards = sorted(open_shards(stream).items(), key=lambda shard: shard[1].start)
    place = random.randrange(len(shards))
    shard_id, hash_keys = shards[place]
    if len(shards) < MOST_SHARDS:
        middle = (hash_keys.start + hash_keys.stop) // 2
        kinesis.split_shard(StreamName=stream, ShardToSplit=shard_id, NewStartingHashKey=str(middle))
        return "shard split"
    neighbour, _ = shards[place + 1] if place + 1 < len(shards) else shards[place - 1]
    kinesis.merge_shards(StreamName=stream, ShardToMerge=shard_id, AdjacentShardToMerge=neighbour)
    return "shards merged"


def probes(stream: str, generator: Generator) -> list[Put]:
    """A record for each lane of each shard: when they are written, all that was put before was read."""
    wanted = {(shard_id, lane) for shard_id in open_shards(stream) for lane in range(LANES)}
    found: dict[tuple[str, int], str] = {}
    shards = open_shards(stream)
    numbers = iter(range(1 << 62))
    while wanted - found.keys():
        key = f"{generator.prefix}-probe-{next(numbers)}"
        (shard_id,) = [shard_id for shard_id, hash_keys in shards.items() if hash_of(key) in hash_keys]
        found.setdefault((shard_id, lane_of(key, LANES)), key)
    return [generator.probe(key) for key in found.values()]


def _records(stream: str, since: float) -> Iterator[tuple[range, Any]]:
    kinesis = client("kinesis")
    at = datetime.fromtimestamp(since, UTC)
    chosen: Any = {"StreamName": stream, "ShardFilter": {"Type": "FROM_TIMESTAMP", "Timestamp": at}}
    for shard in kinesis.list_shards(**chosen)["Shards"]:
        hash_keys = _hash_keys(shard)
        iterator: str | None = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="AT_TIMESTAMP", Timestamp=at
        )["ShardIterator"]
        while iterator:
            page = kinesis.get_records(ShardIterator=iterator)
            for record in page["Records"]:
                yield hash_keys, record
            iterator = page.get("NextShardIterator") if page["Records"] or page["MillisBehindLatest"] else None


def _hash_keys(shard: Any) -> range:
    keys = shard["HashKeyRange"]
    return range(int(keys["StartingHashKey"]), int(keys["EndingHashKey"]) + 1)
