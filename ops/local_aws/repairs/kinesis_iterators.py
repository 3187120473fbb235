"""Shard iterators and GetRecords: a place that neither trimming nor a restart moves, and the end of a closed shard."""

from __future__ import annotations

import base64
import json
import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any, Final

from ministack.services import kinesis

from ops.local_aws.repairs import kinesis_shards
from ops.local_aws.repairs.kinesis_listing import described_child
from ops.local_aws.repairs.kinesis_numbers import origin_of
from ops.local_aws.repairs.kinesis_request import Refused, Request, Stored, answering, invalid, shard_of, stream_of

_VALID_SECONDS: Final = 300
_MOST_RECORDS: Final = 10_000
_MOST_BYTES: Final = 10 * 1024 * 1024


def apply() -> None:
    """Replace the two operations.

    Stock keeps an iterator for each GetRecords in a list that every request looks through, and counts records from the
    beginning of the shard, so that trimming makes a reader skip some.
    """
    kinesis._get_shard_iterator = answering(_get_shard_iterator)
    kinesis._get_records = answering(_get_records)


@dataclass(frozen=True, slots=True)
class Iterator:
    """What the text of a shard iterator says: what comes after a sequence number is read next."""

    stream_arn: str
    shard_id: str
    after: int
    made_at: float

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode("ascii")

    @classmethod
    def of(cls, text: str) -> Iterator:
        """Raises ValueError where the text is no iterator."""
        try:
            return cls(**json.loads(base64.urlsafe_b64decode(text.encode())))
        except TypeError:
            raise ValueError("not a shard iterator") from None


def _get_shard_iterator(request: Request) -> Mapping[str, Any]:
    stream, shard_id = stream_of(request), request["ShardId"]
    shard = shard_of(stream, shard_id)
    iterator = Iterator(stream["StreamARN"], shard_id, _start(stream, shard, request), time.time())
    return {"ShardIterator": str(iterator)}


def _start(stream: Stored, shard: Stored, request: Request) -> int:
    """The number after which the iterator reads."""
    match request.get("ShardIteratorType"):
        case "TRIM_HORIZON":
            return 0
        case "LATEST":
            return int(kinesis_shards.next_number(shard))
        case "AT_SEQUENCE_NUMBER":
            return _named_number(stream, shard, request) - 1
        case "AFTER_SEQUENCE_NUMBER":
            return _named_number(stream, shard, request)
        case "AT_TIMESTAMP":
            return _number_before(kinesis_shards.live_records(stream, shard), request.get("Timestamp"))
        case other:
            raise invalid(f"Invalid ShardIteratorType: {other}")


def _named_number(stream: Stored, shard: Stored, request: Request) -> int:
    """The number that the request names, of a record that is there, was there or will be."""
    text = str(request.get("StartingSequenceNumber") or "")
    try:
        origin = origin_of(text)
    except ValueError:
        raise invalid(f"StartingSequenceNumber {text} is invalid.") from None
    if origin.index != shard["index"]:
        raise invalid(
            f"Invalid StartingSequenceNumber. It encodes shardId-{origin.index:012d}, while it was used in a call to a "
            f"shard with {request['ShardId']}"
        )
    if origin.made_at != shard["made_at"]:
        raise invalid(
            f"StartingSequenceNumber {text} used in GetShardIterator on shard {request['ShardId']} in stream "
            f"{stream['StreamName']} is invalid because it did not come from this stream."
        )
    return int(text)


def _number_before(records: Sequence[Mapping[str, Any]], timestamp: Any) -> int:
    if timestamp is None:
        raise invalid("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP.")
    if float(timestamp) > time.time():
        raise invalid(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
            f"timestampInMillis: {int(float(timestamp) * 1000)}, currentTimestampInMillis: {int(time.time() * 1000)}"
        )
    index = bisect_left(records, float(timestamp), key=lambda record: record["ApproximateArrivalTimestamp"])
    return int(records[index - 1]["SequenceNumber"]) if index else 0


def _get_records(request: Request) -> Mapping[str, Any]:
    iterator = _current(request.get("ShardIterator") or "")
    stream = stream_of({"StreamARN": iterator.stream_arn})
    shard = shard_of(stream, iterator.shard_id)
    records = kinesis_shards.live_records(stream, shard)
    start = bisect_right(records, iterator.after, key=lambda record: int(record["SequenceNumber"]))
    page = records[start : start + min(int(request.get("Limit") or _MOST_RECORDS), _MOST_RECORDS)]
    page = page[: max(1, bisect_right(list(accumulate(map(_size, page))), _MOST_BYTES))]
    after = int(page[-1]["SequenceNumber"]) if page else iterator.after
    following = records[start + len(page) : start + len(page) + 1]
    answer = {
        "Records": [_shown(record, stream.get("EncryptionType", "NONE")) for record in page],
        "MillisBehindLatest": int(1000 * (time.time() - following[0]["ApproximateArrivalTimestamp"]))
        if following
        else 0,
    }
    if following or kinesis_shards.is_open(shard):
        following_iterator = Iterator(iterator.stream_arn, iterator.shard_id, after, time.time())
        return answer | {"NextShardIterator": str(following_iterator)}
    return answer | {"ChildShards": _children(stream, iterator.shard_id)}


def _current(text: str) -> Iterator:
    try:
        iterator = Iterator.of(text)
    except ValueError:
        raise invalid("Invalid ShardIterator.") from None
    if time.time() - iterator.made_at > _VALID_SECONDS:
        raise Refused(
            "ExpiredIteratorException",
            f"Iterator expired. The iterator was created at time {iterator.made_at:.0f} while right now it is "
            f"{time.time():.0f} which is further in the future than the tolerated delay of 300000 milliseconds.",
        )
    return iterator


def _children(stream: Stored, parent: str) -> list[Mapping[str, Any]]:
    return [
        described_child(shard_id, shard)
        for shard_id, shard in sorted(stream["shards"].items())
        if parent in kinesis_shards.parents_of(shard)
    ]


def _size(record: Mapping[str, Any]) -> int:
    return len(record["Data"]) * 3 // 4 + len(record["PartitionKey"])


def _shown(record: Mapping[str, Any], encryption: str) -> Mapping[str, Any]:
    shown = {name: record[name] for name in ("SequenceNumber", "ApproximateArrivalTimestamp", "PartitionKey")}
    return {**shown, "Data": kinesis._ensure_base64(record["Data"]), "EncryptionType": encryption}
