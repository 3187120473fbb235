"""Sends records to the stream in each way that producers do: the AWS command line, the SDK, KPL aggregates."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from aws_kinesis_agg.aggregator import RecordAggregator

from ops.demo.records import DemoRecord
from shared.aws.clients import client
from shared.errors import StoreUnavailable

_PER_REQUEST: Final = 250
_PER_AGGREGATE: Final = 20
_ATTEMPTS: Final = 8
_PAUSE_SECONDS: Final = 0.1
_AWS: Final = str(Path(sys.executable).with_name("aws"))

Thing = TypeVar("Thing")


def chunks(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """The things in lists of at most `size`."""
    iterator = iter(things)
    while chunk := list(islice(iterator, size)):
        yield chunk


def with_command_line(stream: str, records: Sequence[DemoRecord]) -> int:
    """`aws kinesis put-record` for the first, `put-records` for the rest; how many records were put."""
    first, rest = records[0], records[1:]
    with tempfile.NamedTemporaryFile() as file:
        file.write(first.payload)
        file.flush()
        _aws("put-record", stream, "--partition-key", first.partition_key, "--data", f"fileb://{file.name}")
    for chunk in chunks(rest, _PER_REQUEST):
        entries = [{"PartitionKey": one.partition_key, "Data": one.payload.decode("utf-8")} for one in chunk]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as listed:
            json.dump(entries, listed)
            listed.flush()
            _aws("put-records", stream, "--records", f"file://{listed.name}")
    return len(records)


def with_sdk(stream: str, records: Iterable[DemoRecord]) -> Iterator[int]:
    """`PutRecords`, repeated for what was throttled; yields how many records each request put."""
    for chunk in chunks(records, _PER_REQUEST):
        _put(stream, [{"Data": one.payload, "PartitionKey": one.partition_key} for one in chunk])
        yield len(chunk)


def as_aggregates(stream: str, records: Iterable[DemoRecord]) -> Iterator[int]:
    """KPL aggregates of several user records each; yields how many user records each held.

    As the KPL does it: an aggregate holds records of one shard only, and is put to that shard whatever its outer key.
    """
    by_shard: dict[int, list[DemoRecord]] = defaultdict(list)
    starts = _shard_starts(stream)
    for one in records:
        by_shard[max(start for start in starts if start <= _hash_key(one.partition_key))].append(one)
    for start, of_one_shard in by_shard.items():
        for chunk in chunks(of_one_shard, _PER_AGGREGATE):
            aggregator = RecordAggregator()
            for one in chunk:
                aggregator.add_user_record(one.partition_key, one.payload)
            partition_key, _, data = aggregator.clear_and_get().get_contents()
            _put(stream, [{"Data": data, "PartitionKey": partition_key, "ExplicitHashKey": str(start)}])
            yield len(chunk)


def _shard_starts(stream: str) -> list[int]:
    shards = client("kinesis").list_shards(StreamName=stream, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    return [int(shard["HashKeyRange"]["StartingHashKey"]) for shard in shards]


def _hash_key(partition_key: str) -> int:
    """Where Kinesis places a record of this partition key."""
    return int.from_bytes(hashlib.md5(partition_key.encode("utf-8"), usedforsecurity=False).digest(), "big")


def _put(stream: str, entries: list[Any]) -> None:
    kinesis = client("kinesis")
    for attempt in range(_ATTEMPTS):
        time.sleep(_PAUSE_SECONDS * attempt)
        answer = kinesis.put_records(StreamName=stream, Records=entries)
        entries = [entry for entry, put in zip(entries, answer["Records"], strict=True) if "ErrorCode" in put]
        if not entries:
            return
    raise StoreUnavailable(f"Kinesis refused {len(entries)} records {_ATTEMPTS} times")


def _aws(operation: str, stream: str, *arguments: str) -> None:
    subprocess.run(
        [_AWS, "kinesis", operation, "--stream-name", stream, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
    )
