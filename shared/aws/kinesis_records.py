"""A Kinesis stream read again: a shard's records as Lambda gave them to the encryptor."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import sleep
from time import time as wall_time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from shared.aws.shard_pages import Answer, shard_pages
from shared.runtime.rereading import AtRecord, AtTime, Page, Place, ShardRecord

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

MOST_RECORDS: Final = 1_000
"""Of one read, which also ends at 10 MB: a record may have as many."""


def _as_many_as_can_be() -> int:
    return MOST_RECORDS


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

    def pages(self, shard_id: str, place: Place, *, most: Callable[[], int] = _as_many_as_can_be) -> Iterator[Page]:
        """A shard's records from a place on; raises as `shard_pages`.

        Args:
            shard_id: which shard.
            place: where reading begins.
            most: how many records the next read takes at most; asked again where it was throttled, and then halved.
                The encryptor shares the shard's 2 MB a second.
        """
        shard = _Shard(self._client, self._stream_arn, shard_id, self._wall, most)
        return shard_pages(shard, place, wait=self._wait)


@dataclass(frozen=True, slots=True)
class _Shard:
    client: KinesisClient
    stream_arn: str
    shard_id: str
    wall: Callable[[], float]
    most: Callable[[], int]

    # Kinesis has no error of its own for a number whose record is gone; it may also begin at the oldest one
    trimmed_codes: ClassVar = frozenset({"InvalidArgumentException"})

    def iterator(self, place: Place | None) -> str:
        where: Any = {"StreamARN": self.stream_arn, "ShardId": self.shard_id, **_where(place)}
        return self.client.get_shard_iterator(**where)["ShardIterator"]

    def read(self, iterator: str, throttled: int) -> Answer:
        limit = max(1, self.most() >> throttled)
        answer = self.client.get_records(StreamARN=self.stream_arn, ShardIterator=iterator, Limit=limit)
        behind_seconds = answer.get("MillisBehindLatest", 0) / 1_000
        return Answer(
            records=self._records(answer["Records"]),
            next_iterator=answer.get("NextShardIterator"),
            caught_up=behind_seconds == 0,
            reached=self.wall() - behind_seconds,
        )

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
            found.append(ShardRecord(number, arrived_at, event, len(record["Data"])))
        return found


def _where(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"ShardIteratorType": "TRIM_HORIZON"}
    if isinstance(place, AtTime):
        # the first millisecond of all is no time for some
        return {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": datetime.fromtimestamp(max(1, place.seconds), UTC)}
    kind = "AT_SEQUENCE_NUMBER" if isinstance(place, AtRecord) else "AFTER_SEQUENCE_NUMBER"
    return {"ShardIteratorType": kind, "StartingSequenceNumber": place.sequence_number}
