"""How far back the items table can be restored, as DynamoDB tells it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from shared.aws.backups import DynamoItemsHistory
from shared.aws.clients import config
from shared.errors import StoreUnavailable

LAST = "arn:aws:dynamodb:eu-central-1:111122223333:table/items/backup/1"
EARLY, LATE = 1_700_000_000, 1_700_500_000


@pytest.fixture
def stubbed(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = boto3.client("dynamodb", region_name="eu-central-1", config=config("dynamodb"))
    with Stubber(client) as stubber:
        yield DynamoItemsHistory(client, "items"), stubber


def window(earliest: int | None, status: str = "ENABLED") -> dict[str, Any]:
    recovery: dict[str, Any] = {"PointInTimeRecoveryStatus": status}
    if earliest is not None:
        recovery["EarliestRestorableDateTime"] = datetime.fromtimestamp(earliest, UTC)
    description = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}
    return {"ContinuousBackupsDescription": description}


def backup(created: int, status: str = "AVAILABLE") -> dict[str, Any]:
    return {"BackupCreationDateTime": datetime.fromtimestamp(created, UTC), "BackupStatus": status}


def stub(stubber: Stubber, recovery: dict[str, Any], *pages: list[dict[str, Any]]) -> None:
    stubber.add_response("describe_continuous_backups", recovery, {"TableName": "items"})
    for number, summaries in enumerate(pages):
        asked = {"TableName": "items", "BackupType": "ALL"}
        if number:
            asked["ExclusiveStartBackupArn"] = LAST
        answer: dict[str, Any] = {"BackupSummaries": summaries}
        if number < len(pages) - 1:
            answer["LastEvaluatedBackupArn"] = LAST
        stubber.add_response("list_backups", answer, asked)


@pytest.mark.parametrize(
    ("recovery", "pages", "expected"),
    [
        (window(None, "DISABLED"), [[]], None),
        (window(EARLY, "DISABLED"), [[]], None),
        (window(EARLY), [[backup(LATE)]], EARLY),
        (window(LATE), [[backup(LATE), backup(EARLY)]], EARLY),
        (window(None), [[backup(LATE)], [backup(EARLY, "CREATING")]], EARLY),
        (window(LATE), [[backup(EARLY, "DELETED")]], LATE),
    ],
    ids=["none", "switched off", "window", "backup", "second page", "deleted"],
)
def test_the_earliest_of_window_and_backups_counts(stubbed, recovery, pages, expected):
    history, stubber = stubbed
    stub(stubber, recovery, *pages)
    assert expected == history.earliest_restore_point()
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("method", ["describe_continuous_backups", "list_backups"])
def test_what_cannot_be_asked_is_not_taken_for_no_backup(stubbed, method):
    history, stubber = stubbed
    if method == "list_backups":
        stubber.add_response("describe_continuous_backups", window(LATE))
    stubber.add_client_error(method, "ThrottlingException", "CANARY")
    with pytest.raises(StoreUnavailable, match="ThrottlingException") as caught:
        history.earliest_restore_point()
    assert "CANARY" not in str(caught.value)


def test_the_number_of_items_is_what_the_table_tells(stubbed):
    history, stubber = stubbed
    stubber.add_response("describe_table", {"Table": {"ItemCount": 12}}, {"TableName": "items"})
    stubber.add_response("describe_table", {"Table": {}})
    stubber.add_client_error("describe_table", "InternalServerError")
    assert [history.item_count(), history.item_count()] == [12, 0]
    with pytest.raises(StoreUnavailable, match="InternalServerError"):
        history.item_count()
