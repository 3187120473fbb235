"""What DynamoDB tells about the items table without showing an item: its size, and which copies of it there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, store_error

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PITR_DAYS: Final = 35
"""How long point-in-time recovery goes back where the table does not say."""


@dataclass(frozen=True, slots=True)
class RecoveryWindow:
    """Point-in-time recovery: every moment from `earliest` (seconds since the epoch) on, each for so many days."""

    earliest: float
    days: int


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the table, or of what changed in it, that can be restored or read.

    Attributes:
        kind: `backup`, `recovery point`, `export` or `failed export`.
        name: ARN; of an export, where it lies.
        since: the first moment whose items are in it, seconds since the epoch.
        until: the last one; for all but an incremental export the same.
        gone_at: when it is deleted; None for when somebody deletes it.
    """

    kind: str
    name: str
    since: float
    until: float
    gone_at: float | None = None


class DynamoItemsHistory:
    """The items table behind the port `ItemsHistory`.

    It sees DynamoDB's own backups, which DynamoDB lists without those of AWS Backup, and asks AWS Backup for its
    recovery points in this account and region. Copies elsewhere it cannot see. Exports to S3 are no restore points.
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
            window = self._recovery_window()
            copies = [*self._backups(), *(copy for copy, _ in self._recovery_points())]
        except AWS_ERRORS as error:
            raise store_error(error, "asking for the backups of the items table") from None
        return min([*(one.since for one in copies), *([window.earliest] if window else [])], default=None)

    def recovery_window(self) -> RecoveryWindow | None:
        """From when on the table can be restored to any moment; None where that is switched off."""
        try:
            return self._recovery_window()
        except AWS_ERRORS as error:
            raise store_error(error, "asking for point-in-time recovery of the items table") from None

    def backups(self) -> list[Copy]:
        """DynamoDB's own backups."""
        try:
            return list(self._backups())
        except AWS_ERRORS as error:
            raise store_error(error, "asking for the backups of the items table") from None

    def recovery_points(self, since: float, until: float) -> list[Copy]:
        """AWS Backup's, of those moments."""
        try:
            meant = [(copy, vault) for copy, vault in self._recovery_points() if since <= copy.since <= until]
            return [replace(copy, gone_at=self._deleted_at(copy.name, vault)) for copy, vault in meant]
        except AWS_ERRORS as error:
            raise store_error(error, "asking AWS Backup for recovery points of the items table") from None

    def exports(self) -> list[Copy]:
        """Exports to S3, of the last 90 days: older ones DynamoDB does not list. One that failed may have left some."""
        try:
            return list(self._exports())
        except AWS_ERRORS as error:
            raise store_error(error, "asking for exports of the items table") from None

    def _recovery_window(self) -> RecoveryWindow | None:
        answer = self._client.describe_continuous_backups(TableName=self._table)["ContinuousBackupsDescription"]
        window = answer.get("PointInTimeRecoveryDescription", {})
        earliest = window.get("EarliestRestorableDateTime")
        if window.get("PointInTimeRecoveryStatus") != "ENABLED" or not earliest:
            return None
        return RecoveryWindow(earliest.timestamp(), window.get("RecoveryPeriodInDays", PITR_DAYS))

    def _backups(self) -> Iterator[Copy]:
        pages = self._client.get_paginator("list_backups").paginate(TableName=self._table, BackupType="ALL")
        for backup in (one for page in pages for one in page["BackupSummaries"]):
            if backup["BackupStatus"] != "DELETED":
                made, expires = backup["BackupCreationDateTime"].timestamp(), backup.get("BackupExpiryDateTime")
                yield Copy("backup", backup.get("BackupArn", ""), made, made, expires.timestamp() if expires else None)

    def _recovery_points(self) -> Iterator[tuple[Copy, str]]:
        """With their vaults; those in any state: an expired one is one that could not be deleted."""
        pages = self._backup.get_paginator("list_recovery_points_by_resource").paginate(ResourceArn=self._arn())
        for point in (one for page in pages for one in page["RecoveryPoints"]):
            made = point["CreationDate"].timestamp()
            yield (
                Copy("recovery point", point.get("RecoveryPointArn", ""), made, made),
                point.get("BackupVaultName", ""),
            )

    def _deleted_at(self, arn: str, vault: str) -> float | None:
        told = self._backup.describe_recovery_point(BackupVaultName=vault, RecoveryPointArn=arn)
        deleted = told.get("CalculatedLifecycle", {}).get("DeleteAt")
        return deleted.timestamp() if deleted else None

    def _exports(self) -> Iterator[Copy]:
        asked: Any = {"TableArn": self._arn()}
        while True:
            answer = self._client.list_exports(**asked)
            for summary in answer["ExportSummaries"]:
                yield _export(self._client.describe_export(ExportArn=summary["ExportArn"])["ExportDescription"])
            if "NextToken" not in answer:
                return
            asked["NextToken"] = answer["NextToken"]

    def _arn(self) -> str:
        return self._client.describe_table(TableName=self._table)["Table"]["TableArn"]


def _export(told: Any) -> Copy:
    span = told.get("IncrementalExportSpecification")
    since = span["ExportFromTime"] if span else told["ExportTime"]
    until = span["ExportToTime"] if span else told["ExportTime"]
    where = f"s3://{told['S3Bucket']}/{told.get('S3Prefix', '')}"
    kind = "failed export" if told.get("ExportStatus") == "FAILED" else "export"
    return Copy(kind, where, since.timestamp(), until.timestamp())
