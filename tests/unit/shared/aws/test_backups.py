"""How far back the items table can be restored, as DynamoDB and AWS Backup tell it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from shared.aws.backups import DynamoItemsHistory
from shared.aws.clients import config
from shared.errors import StoreUnavailable

TABLE_ARN = "arn:aws:dynamodb:eu-central-1:111122223333:table/items"
LAST = f"{TABLE_ARN}/backup/1"
EARLY, LATE = 1_700_000_000, 1_700_500_000


@pytest.fixture
def stubbed(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    dynamodb = boto3.client("dynamodb", region_name="eu-central-1", config=config("dynamodb"))
    backup = boto3.client("backup", region_name="eu-central-1", config=config("backup"))
    with Stubber(dynamodb) as stubber, Stubber(backup) as points:
        yield DynamoItemsHistory(dynamodb, backup, "items"), stubber, points


def window(earliest: int | None, status: str = "ENABLED") -> dict[str, Any]:
    recovery: dict[str, Any] = {"PointInTimeRecoveryStatus": status}
    if earliest is not None:
        recovery["EarliestRestorableDateTime"] = datetime.fromtimestamp(earliest, UTC)
    description = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}
    return {"ContinuousBackupsDescription": description}


def backup(created: int, status: str = "AVAILABLE") -> dict[str, Any]:
    return {"BackupCreationDateTime": datetime.fromtimestamp(created, UTC), "BackupStatus": status}


def point(created: int, status: str = "COMPLETED") -> dict[str, Any]:
    return {"CreationDate": datetime.fromtimestamp(created, UTC), "Status": status}


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
    stubber.add_response("describe_table", {"Table": {"TableArn": TABLE_ARN}}, {"TableName": "items"})


def stub_points(points: Stubber, *pages: list[dict[str, Any]]) -> None:
    for number, found in enumerate(pages):
        asked = {"ResourceArn": TABLE_ARN} | ({"NextToken": "next"} if number else {})
        answer: dict[str, Any] = {"RecoveryPoints": found}
        if number < len(pages) - 1:
            answer["NextToken"] = "next"
        points.add_response("list_recovery_points_by_resource", answer, asked)


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
    history, stubber, points = stubbed
    stub(stubber, recovery, *pages)
    stub_points(points, [])
    assert expected == history.earliest_restore_point()
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([[point(EARLY)]], EARLY),
        ([[point(LATE)], [point(EARLY)]], EARLY),
        ([[point(EARLY, "EXPIRED")]], EARLY),
    ],
    ids=["one", "second page", "expired, not deleted"],
)
def test_what_aws_backup_holds_counts_though_dynamodb_does_not_list_it(stubbed, pages, expected):
    history, stubber, points = stubbed
    stub(stubber, window(LATE), [])
    stub_points(points, *pages)
    assert expected == history.earliest_restore_point()
    points.assert_no_pending_responses()


@pytest.mark.parametrize("method", ["describe_continuous_backups", "list_backups", "describe_table"])
def test_what_cannot_be_asked_is_not_taken_for_no_backup(stubbed, method):
    history, stubber, _ = stubbed
    if method != "describe_continuous_backups":
        stubber.add_response("describe_continuous_backups", window(LATE))
    if method == "describe_table":
        stubber.add_response("list_backups", {"BackupSummaries": []})
    stubber.add_client_error(method, "ThrottlingException", "CANARY")
    with pytest.raises(StoreUnavailable, match="ThrottlingException") as caught:
        history.earliest_restore_point()
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ServiceUnavailableException", "ResourceNotFoundException"])
def test_a_refusal_or_outage_of_aws_backup_is_not_taken_for_no_recovery_point(stubbed, code):
    history, stubber, points = stubbed
    stub(stubber, window(LATE), [])
    points.add_client_error("list_recovery_points_by_resource", code, "CANARY")
    with pytest.raises(StoreUnavailable, match=code) as caught:
        history.earliest_restore_point()
    assert "CANARY" not in str(caught.value)


def test_the_number_of_items_is_what_the_table_tells(stubbed):
    history, stubber, _ = stubbed
    stubber.add_response("describe_table", {"Table": {"ItemCount": 12}}, {"TableName": "items"})
    stubber.add_response("describe_table", {"Table": {}})
    stubber.add_client_error("describe_table", "InternalServerError")
    assert [history.item_count(), history.item_count()] == [12, 0]
    with pytest.raises(StoreUnavailable, match="InternalServerError"):
        history.item_count()
