"""Where quarantined records lie: the sealed content in S3, an index row in DynamoDB."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import time as wall_time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.model import EntryState, QuarantineEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

_THERE_ALREADY: Final = frozenset({"PreconditionFailed", "ConditionalCheckFailedException"})


class S3Quarantine:
    """Keeps content first, then the row that names it: a row never points at nothing."""

    def __init__(
        self,
        s3: S3Client,
        dynamodb: DynamoDBClient,
        *,
        bucket: str,
        table: str,
        wall: Callable[[], float] = wall_time,
    ) -> None:
        self._s3 = s3
        self._dynamodb = dynamodb
        self._bucket = bucket
        self._table = table
        self._wall = wall

    def keep(self, entry: QuarantineEntry) -> None:
        """Keep an entry; one that is held already stays as it is, object and row.

        One that was decided about is held again, with its content: its record came once more, by a replay or late, and
        nothing that comes is lost by a decision taken earlier. Then the content is put once more after the row, so
        that whoever still carries the decision out deletes what he decided about and not this
        (docs/decisions/0023-what-is-put-back.md).

        Raises:
            StoreUnavailable: not everything was kept.
        """
        key = object_key(entry)
        self._put_once(
            lambda: self._s3.put_object(Bucket=self._bucket, Key=key, Body=entry.sealed_content, IfNoneMatch="*")
        )
        was_decided = self._put_once(
            lambda: self._dynamodb.put_item(
                TableName=self._table,
                Item=_row(entry, key, self._wall()),
                ConditionExpression="attribute_not_exists(quarantine_id) OR #state <> :held",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={":held": {"S": EntryState.HELD}},
                ReturnValues="ALL_OLD",
            ).get("Attributes")
        )
        if was_decided:
            self._put_once(lambda: self._s3.put_object(Bucket=self._bucket, Key=key, Body=entry.sealed_content))

    def _put_once(self, put: Callable[[], T]) -> T | None:
        """What the put answered; None where something is there already."""
        try:
            return put()
        except AWS_ERRORS as error:
            if error_code(error) not in _THERE_ALREADY:
                raise store_error(error, "keeping a record in quarantine") from None
            return None


def object_key(entry: QuarantineEntry) -> str:
    """The content's key: by the day that the record or its file arrived, so that a replay finds the same."""
    arrived_at = entry.arrived_at if entry.source is None else entry.source.modified
    return f"{datetime.fromtimestamp(arrived_at, UTC):%Y/%m/%d}/{entry.quarantine_id}"


def _row(entry: QuarantineEntry, key: str, kept_at: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "quarantine_id": {"S": entry.quarantine_id},
        "state": {"S": EntryState.HELD},
        "reason": {"S": entry.reason},
        "detail": {"S": entry.detail},
        "object_key": {"S": key},
        "stream_arn": {"S": entry.stream_arn},
        "shard_id": {"S": entry.shard_id},
        "sequence_number": {"S": entry.sequence_number},
        "record_count": {"N": str(entry.record_count)},
        "arrived_at": {"N": f"{entry.arrived_at:.3f}"},
        "kept_at": {"N": f"{kept_at:.3f}"},
    }
    if entry.tenant_id:
        row["tenant_id"] = {"S": entry.tenant_id}
    if entry.source is not None:
        row["object"] = {"S": entry.source.uri}
        row["version"] = {"S": entry.source.version}
        row["line"] = {"N": str(entry.source.line)}
    return row
