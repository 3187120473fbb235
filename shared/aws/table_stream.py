"""A table's stream read again: a shard's records as Lambda gave them to the auditor."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from time import sleep
from typing import TYPE_CHECKING, Any, ClassVar, Final

from shared.aws.shard_pages import Answer, shard_pages
from shared.runtime.rereading import AtRecord, AtTime, Page, Place, ShardRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

MOST_RECORDS: Final = 1_000
"""Of one read, which also ends at 1 MB: as many as there can be."""
EMPTY_PAGES: Final = 20
"""So many without a record count as the end of an open shard whose asked-for place is gone, and of no other.

Nobody tells how far behind reading is, and what is there may come after any number of empty pages."""


class TableStream:
    """The stream, read by anybody who may."""

    def __init__(
        self, client: DynamoDBStreamsClient, stream_arn: str, *, wait: Callable[[float], None] = sleep
    ) -> None:
        self._client = client
        self._stream_arn = stream_arn
        self._wait = wait

    def pages(self, shard_id: str, place: Place) -> Iterator[Page]:
        """A shard's records from one of its records on; raises as `shard_pages`."""
        return shard_pages(_Shard(self._client, self._stream_arn, shard_id), place, wait=self._wait)


class _Shard:
    trimmed_codes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, client: DynamoDBStreamsClient, stream_arn: str, shard_id: str) -> None:
        self._client = client
        self._stream_arn = stream_arn
        self._shard_id = shard_id
        self._empty_pages = 0
        self._is_from_oldest = False

    def iterator(self, place: Place | None) -> str:
        self._is_from_oldest = self._is_from_oldest or place is None
        where: Any = {"StreamArn": self._stream_arn, "ShardId": self._shard_id, **_where(place)}
        return self._client.get_shard_iterator(**where)["ShardIterator"]

    def read(self, iterator: str, throttled: int) -> Answer:
        answer = self._client.get_records(ShardIterator=iterator, Limit=MOST_RECORDS >> throttled)
        records = [_record(record) for record in answer["Records"]]
        self._empty_pages = 0 if records else self._empty_pages + 1
        return Answer(
            records,
            answer.get("NextShardIterator"),
            caught_up=self._is_from_oldest and self._empty_pages >= EMPTY_PAGES,
        )


def _record(record: Any) -> ShardRecord:
    body = record["dynamodb"]
    changed_at = body["ApproximateCreationDateTime"].timestamp()
    event: dict[str, Any] = {
        "eventName": record.get("eventName"),
        "dynamodb": _as_json(body) | {"ApproximateCreationDateTime": changed_at},
    }
    if identity := record.get("userIdentity"):
        event["userIdentity"] = {"principalId": identity.get("PrincipalId"), "type": identity.get("Type")}
    return ShardRecord(body["SequenceNumber"], changed_at, event, body.get("SizeBytes", 0))


def _as_json(value: Any) -> Any:
    """An image as Lambda's event holds it: binary as base64."""
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {name: _as_json(member) for name, member in value.items()}
    return [_as_json(member) for member in value] if isinstance(value, list) else value


def _where(place: Place | None) -> dict[str, Any]:
    if place is None or isinstance(place, AtTime):
        return {"ShardIteratorType": "TRIM_HORIZON"}
    kind = "AT_SEQUENCE_NUMBER" if isinstance(place, AtRecord) else "AFTER_SEQUENCE_NUMBER"
    return {"ShardIteratorType": kind, "SequenceNumber": place.sequence_number}
