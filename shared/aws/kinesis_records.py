"""A Kinesis stream read again: its shards, and their records as Lambda gave them to the encryptor."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from time import sleep
from time import time as wall_time
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, store_error
from shared.aws.shard_pages import Answer, shard_pages
from shared.runtime.rereading import AtRecord, AtTime, Page, Place, ShardRecord

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

_MOST_RECORDS: Final = 1_000
"""Of one read, which also ends at 10 MB: a record may have as many."""


@dataclass(frozen=True, slots=True)
class StreamShard:
    """A shard.

    Attributes:
        parents: the shards whose records come before its own, as far as they were listed, too.
        closed: it takes no more records.
    """

    shard_id: str
    parents: tuple[str, ...]
    closed: bool


class KinesisRecords:
    """The stream, read by anybody who may."""

    def __init__(
        self,
        client: KinesisClient,
        stream_arn: str,
        *,
        wall: Callable[[], float] = wall_time,
        wait: Callable[[float], None] = sleep,
    ) -> None:
        self._client = client
        self._stream_arn = stream_arn
        self._wall = wall
        self._wait = wait

    def shards(self, since: float) -> list[StreamShard]:
        """Those that may hold records from a time on (seconds since the epoch), parents before children.

        Raises:
            StoreUnavailable: Kinesis does not answer.
        """
        listed = {shard["ShardId"]: shard for shard in self._listed(since)}
        parents = {
            shard_id: tuple(
                shard[name] for name in ("ParentShardId", "AdjacentParentShardId") if shard.get(name) in listed
            )
            for shard_id, shard in sorted(listed.items())
        }
        return [
            StreamShard(shard_id, parents[shard_id], "EndingSequenceNumber" in listed[shard_id]["SequenceNumberRange"])
            for shard_id in TopologicalSorter(parents).static_order()
        ]

    def pages(self, shard_id: str, place: Place) -> Iterator[Page]:
        """A shard's records from a place on; raises as `shard_pages`."""
        shard = _Shard(self._client, self._stream_arn, shard_id, self._wall)
        return shard_pages(shard, place, wait=self._wait)

    def _listed(self, since: float) -> Iterator[Any]:
        asked: dict[str, Any] = {
            "StreamARN": self._stream_arn,
            "ShardFilter": {"Type": "FROM_TIMESTAMP", "Timestamp": datetime.fromtimestamp(since, UTC)},
        }
        while True:
            try:
                answer = self._client.list_shards(**asked)
            except AWS_ERRORS as error:
                raise store_error(error, "listing the shards of the source stream") from None
            yield from answer["Shards"]
            if not answer.get("NextToken"):
                return
            asked = {"StreamARN": self._stream_arn, "NextToken": answer["NextToken"]}


@dataclass(frozen=True, slots=True)
class _Shard:
    client: KinesisClient
    stream_arn: str
    shard_id: str
    wall: Callable[[], float]

    def iterator(self, place: Place | None) -> str:
        where: Any = {"StreamARN": self.stream_arn, "ShardId": self.shard_id, **_where(place)}
        return self.client.get_shard_iterator(**where)["ShardIterator"]

    def read(self, iterator: str) -> Answer:
        answer = self.client.get_records(StreamARN=self.stream_arn, ShardIterator=iterator, Limit=_MOST_RECORDS)
        behind_seconds = answer.get("MillisBehindLatest", 0) / 1_000
        return Answer(
            records=self._records(answer["Records"]),
            next_iterator=answer.get("NextShardIterator"),
            caught_up=behind_seconds == 0,
            reached=self.wall() - behind_seconds,
        )

    def is_trimmed(self, code: str) -> bool:
        # Kinesis has no error of its own for a number whose record is gone; it may also begin at the oldest one
        return code == "InvalidArgumentException"

    def _records(self, records: Sequence[Mapping[str, Any]]) -> list[ShardRecord]:
        found = []
        for record in records:
            # to the millisecond, as Lambda gives it: a position by arrival must be the same again
            arrived_at = round(record["ApproximateArrivalTimestamp"].timestamp(), 3)
            number = record["SequenceNumber"]
            event = {
                "kinesis": {
                    "partitionKey": record["PartitionKey"],
                    "sequenceNumber": number,
                    "data": b64encode(record["Data"]).decode("ascii"),
                    "approximateArrivalTimestamp": arrived_at,
                },
                "eventID": f"{self.shard_id}:{number}",
                "eventSourceARN": self.stream_arn,
            }
            found.append(ShardRecord(number, arrived_at, event))
        return found


def _where(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"ShardIteratorType": "TRIM_HORIZON"}
    if isinstance(place, AtTime):
        # the first millisecond of all is no time for some
        return {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": datetime.fromtimestamp(max(1, place.seconds), UTC)}
    kind = "AT_SEQUENCE_NUMBER" if isinstance(place, AtRecord) else "AFTER_SEQUENCE_NUMBER"
    return {"ShardIteratorType": kind, "StartingSequenceNumber": place.sequence_number}
