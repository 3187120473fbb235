"""What DynamoDB tells about the items table without showing an item: its size, and how far back it can be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.aws.errors import AWS_ERRORS, store_error

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoItemsHistory:
    """The items table behind the port `ItemsHistory`.

    It sees DynamoDB's own backups, which DynamoDB lists without those of AWS Backup, and asks AWS Backup for its
    recovery points in this account and region. Copies elsewhere and exports to S3 it cannot see.
    """

    def __init__(self, client: DynamoDBClient, backup: Any, table: str) -> None:
        self._client = client
        self._backup = backup
        self._table = table

    def item_count(self) -> int:
        """About how many items the table holds; DynamoDB counts every six hours or so."""
        try:
            return self._client.describe_table(TableName=self._table)["Table"].get("ItemCount", 0)
        except AWS_ERRORS as error:
            raise store_error(error, "asking for the size of the items table") from None

    def earliest_restore_point(self) -> float | None:
        """The earliest moment whose items a backup can bring back, seconds since the epoch; None without any backup."""
        try:
            moments = [*self._recovery_window(), *self._backups(), *self._recovery_points()]
        except AWS_ERRORS as error:
            raise store_error(error, "asking for the backups of the items table") from None
        return min(moments, default=None)

    def _recovery_window(self) -> list[float]:
        answer = self._client.describe_continuous_backups(TableName=self._table)["ContinuousBackupsDescription"]
        window = answer.get("PointInTimeRecoveryDescription", {})
        earliest = window.get("EarliestRestorableDateTime")
        enabled = window.get("PointInTimeRecoveryStatus") == "ENABLED"
        return [earliest.timestamp()] if enabled and earliest else []

    def _backups(self) -> list[float]:
        pages = self._client.get_paginator("list_backups").paginate(TableName=self._table, BackupType="ALL")
        return [
            backup["BackupCreationDateTime"].timestamp()
            for page in pages
            for backup in page["BackupSummaries"]
            if backup["BackupStatus"] != "DELETED"
        ]

    def _recovery_points(self) -> list[float]:
        """Those of AWS Backup, in any state: an expired one is one that could not be deleted."""
        table_arn = self._client.describe_table(TableName=self._table)["Table"]["TableArn"]
        pages = self._backup.get_paginator("list_recovery_points_by_resource").paginate(ResourceArn=table_arn)
        return [point["CreationDate"].timestamp() for page in pages for point in page["RecoveryPoints"]]
