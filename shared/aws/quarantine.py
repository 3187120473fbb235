"""Where quarantined records lie: the sealed content in S3, an index row in DynamoDB."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.model import QuarantineEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

_THERE_ALREADY: Final = frozenset({"PreconditionFailed", "ConditionalCheckFailedException"})
HELD: Final = "held"
"""State of an entry about which nobody has decided."""


class S3Quarantine:
    """Keeps content first, then the row that names it: a row never points at nothing."""

    def __init__(self, s3: S3Client, dynamodb: DynamoDBClient, *, bucket: str, table: str) -> None:
        self._s3 = s3
        self._dynamodb = dynamodb
        self._bucket = bucket
        self._table = table

    def keep(self, entry: QuarantineEntry) -> None:
        """Keep an entry; one that is there already stays as it is, object and row.

        Raises:
            StoreUnavailable: not everything was kept.
        """
        key = object_key(entry)
        self._put_once(
            lambda: self._s3.put_object(Bucket=self._bucket, Key=key, Body=entry.sealed_content, IfNoneMatch="*")
        )
        self._put_once(
            lambda: self._dynamodb.put_item(
                TableName=self._table,
                Item=_row(entry, key),
                ConditionExpression="attribute_not_exists(quarantine_id)",
            )
        )

    def _put_once(self, put: Callable[[], object]) -> None:
        try:
            put()
        except AWS_ERRORS as error:
            if error_code(error) not in _THERE_ALREADY:
                raise store_error(error, "keeping a record in quarantine") from None


def object_key(entry: QuarantineEntry) -> str:
    """The content's key: by the day that the record arrived, so that a replay finds the same."""
    return f"{datetime.fromtimestamp(entry.arrived_at, UTC):%Y/%m/%d}/{entry.quarantine_id}"


def _row(entry: QuarantineEntry, key: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "quarantine_id": {"S": entry.quarantine_id},
        "state": {"S": HELD},
        "reason": {"S": entry.reason},
        "detail": {"S": entry.detail},
        "object_key": {"S": key},
        "stream_arn": {"S": entry.stream_arn},
        "shard_id": {"S": entry.shard_id},
        "sequence_number": {"S": entry.sequence_number},
        "record_count": {"N": str(entry.record_count)},
        "arrived_at": {"N": f"{entry.arrived_at:.3f}"},
    }
    if entry.tenant_id:
        row["tenant_id"] = {"S": entry.tenant_id}
    return row
