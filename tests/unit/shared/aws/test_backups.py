"""How far back the items table can be restored, as DynamoDB and AWS Backup tell it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from shared.aws.backups import Copy, DynamoItemsHistory, RecoveryWindow
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


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


@pytest.mark.parametrize(
    ("recovery", "expected"),
    [
        (window(EARLY), RecoveryWindow(EARLY, 35)),
        (window(EARLY, "DISABLED"), None),
        (window(None), None),
    ],
)
def test_the_window_is_what_the_table_tells(stubbed, recovery, expected):
    history, stubber, _ = stubbed
    stubber.add_response("describe_continuous_backups", recovery, {"TableName": "items"})
    assert expected == history.recovery_window()


def test_the_window_may_be_shorter_than_its_longest(stubbed):
    history, stubber, _ = stubbed
    told = window(EARLY)
    told["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["RecoveryPeriodInDays"] = 7
    stubber.add_response("describe_continuous_backups", told)
    assert RecoveryWindow(EARLY, 7) == history.recovery_window()


def test_backups_are_told_with_the_time_at_which_they_expire(stubbed):
    history, stubber, _ = stubbed
    kept = backup(EARLY) | {"BackupArn": f"{TABLE_ARN}/backup/kept"}
    expires = backup(LATE) | {"BackupArn": f"{TABLE_ARN}/backup/expires", "BackupExpiryDateTime": moment(LATE + 60)}
    stubber.add_response("list_backups", {"BackupSummaries": [kept, expires, backup(EARLY, "DELETED")]})
    assert [
        Copy("backup", kept["BackupArn"], EARLY, EARLY),
        Copy("backup", expires["BackupArn"], LATE, LATE, LATE + 60),
    ] == history.backups()


def test_only_recovery_points_of_the_time_are_asked_when_they_are_deleted(stubbed):
    history, stubber, points = stubbed
    stubber.add_response("describe_table", {"Table": {"TableArn": TABLE_ARN}}, {"TableName": "items"})
    names = {
        at: {"RecoveryPointArn": f"{TABLE_ARN}/{at}", "BackupVaultName": "vault"}
        for at in (EARLY, LATE, LATE + 9, LATE + 10)
    }
    stub_points(points, [point(at) | name for at, name in names.items()])
    for at, lifecycle in ((LATE, {"CalculatedLifecycle": {"DeleteAt": moment(LATE + 60)}}), (LATE + 9, {})):
        points.add_response("describe_recovery_point", lifecycle, names[at])
    assert [
        Copy("recovery point", f"{TABLE_ARN}/{LATE}", LATE, LATE, LATE + 60),
        Copy("recovery point", f"{TABLE_ARN}/{LATE + 9}", LATE + 9, LATE + 9),
    ] == history.recovery_points(EARLY + 1, LATE + 9)
    points.assert_no_pending_responses()


def test_exports_are_told_by_where_they_lie_and_what_they_hold(stubbed):
    history, stubber, _ = stubbed
    stubber.add_response("describe_table", {"Table": {"TableArn": TABLE_ARN}}, {"TableName": "items"})
    arns = [f"{TABLE_ARN}/export/{number:036}" for number in range(3)]
    summaries = [
        {"ExportArn": arn, "ExportStatus": status}
        for arn, status in zip(arns, ("COMPLETED", "FAILED", "IN_PROGRESS"), strict=True)
    ]
    whole = {"ExportTime": moment(EARLY), "S3Bucket": "exports", "S3Prefix": "nightly"}
    changes = {"ExportFromTime": moment(EARLY), "ExportToTime": moment(LATE)}
    some = {"S3Bucket": "exports", "IncrementalExportSpecification": changes}
    failed = whole | {"ExportStatus": "FAILED", "S3Prefix": "failed"}
    pages: list[tuple[list[Any], dict[str, str], list[Any]]] = [
        (summaries[:2], {"NextToken": "next"}, [whole, failed]),
        (summaries[2:], {}, [some]),
    ]
    for number, (page, token, told) in enumerate(pages):
        asked = {"TableArn": TABLE_ARN} | ({"NextToken": "next"} if number else {})
        stubber.add_response("list_exports", {"ExportSummaries": page, **token}, asked)
        for summary, one in zip(page, told, strict=True):
            stubber.add_response("describe_export", {"ExportDescription": one}, {"ExportArn": summary["ExportArn"]})
    assert [
        Copy("export", "s3://exports/nightly", EARLY, EARLY),
        Copy("failed export", "s3://exports/failed", EARLY, EARLY),
        Copy("export", "s3://exports/", EARLY, LATE),
    ] == history.exports()
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("ask", "method"),
    [
        (lambda history: history.recovery_window(), "describe_continuous_backups"),
        (lambda history: history.backups(), "list_backups"),
        (lambda history: history.recovery_points(EARLY, LATE), "describe_table"),
        (lambda history: history.exports(), "describe_table"),
    ],
)
def test_what_does_not_answer_is_not_taken_for_no_copy(stubbed, ask, method):
    history, stubber, _ = stubbed
    stubber.add_client_error(method, "ThrottlingException", "CANARY")
    with pytest.raises(StoreUnavailable, match="ThrottlingException") as caught:
        ask(history)
    assert "CANARY" not in str(caught.value)
