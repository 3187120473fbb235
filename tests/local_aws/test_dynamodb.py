from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.support import LocalAws, unique, wait_until


@pytest.fixture
def table(local_aws: LocalAws) -> Iterator[str]:
    name = unique("table")
    client = local_aws.client("dynamodb")
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    yield name
    client.delete_table(TableName=name)


def stream_records(aws: LocalAws, table: str) -> list[dict[str, Any]]:
    client = aws.client("dynamodbstreams")
    arn = aws.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
    shard = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = client.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records: list[dict[str, Any]] = client.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    return records


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}),
        ({"M": {"inner": {"L": [{"NS": ["1", "2"]}]}}}, {"M": {"inner": {"L": [{"NS": ["2", "1.0"]}]}}}),
    ],
    ids=["set in another order", "nested set in another order"],
)
def test_a_put_that_changes_nothing_emits_no_stream_record(
    local_aws: LocalAws, table: str, first: dict[str, Any], again: dict[str, Any]
) -> None:
    client = local_aws.client("dynamodb")
    client.put_item(TableName=table, Item={"id": {"S": "x"}, "value": first})
    client.put_item(TableName=table, Item={"id": {"S": "x"}, "value": again})
    client.put_item(TableName=table, Item={"id": {"S": "x"}, "value": {"S": "changed"}})
    assert ["INSERT", "MODIFY"] == [record["eventName"] for record in stream_records(local_aws, table)]


def test_an_expired_item_is_removed_by_dynamodb_and_appears_on_the_stream(local_aws: LocalAws, table: str) -> None:
    client = local_aws.client("dynamodb")
    client.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
    )
    now = int(time.time())
    for key, expires_at in {"past": now - 1, "future": now + 3600, "more than five years ago": 1}.items():
        client.put_item(TableName=table, Item={"id": {"S": key}, "expires_at": {"N": str(expires_at)}})
    client.put_item(TableName=table, Item={"id": {"S": "no number"}, "expires_at": {"S": "1"}})
    removed = wait_until(lambda: [r for r in stream_records(local_aws, table) if r["eventName"] == "REMOVE"])
    assert [{"id": {"S": "past"}}] == [record["dynamodb"]["Keys"] for record in removed]
    assert [{"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}] == [r["userIdentity"] for r in removed]
    assert 3 == client.scan(TableName=table, Select="COUNT")["Count"]


@pytest.mark.parametrize("condition", ["begins_with(#v, :b)", "attribute_not_exists(id) OR begins_with(#v, :b)"])
def test_begins_with_is_false_for_an_attribute_of_another_type(local_aws: LocalAws, table: str, condition: str) -> None:
    client = local_aws.client("dynamodb")
    client.put_item(TableName=table, Item={"id": {"S": "x"}, "value": {"N": "1"}})
    with pytest.raises(ClientError) as error:
        client.put_item(
            TableName=table,
            Item={"id": {"S": "x"}},
            ConditionExpression=condition,
            ExpressionAttributeNames={"#v": "value"},
            ExpressionAttributeValues={":b": {"B": b"1"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert "ConditionalCheckFailedException" == error.value.response["Error"]["Code"]
    response: dict[str, Any] = dict(error.value.response)
    assert {"N": "1"} == response["Item"]["value"]


def test_a_lone_surrogate_in_a_key_is_read_as_a_question_mark(local_aws: LocalAws, table: str) -> None:
    client = local_aws.client("dynamodb")
    client.put_item(TableName=table, Item={"id": {"S": "a\ud800z"}, "pair": {"S": "\U0001f512"}})
    assert {"id": {"S": "a?z"}, "pair": {"S": "\U0001f512"}} == client.scan(TableName=table)["Items"][0]


#: A value, the same value in another spelling, and another value.
SPELLINGS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "number": ({"N": "1"}, {"N": "1.0"}, {"N": "1.1"}),
    "large number": ({"N": "100"}, {"N": "1E+2"}, {"N": "12345678901234567890123456789012345678"}),
    "38 digits": (
        {"N": "12345678901234567890123456789012345678"},
        {"N": "1234567890123456789012345678901234567.8E1"},
        {"N": "12345678901234567890123456789012345679"},
    ),
    "set": ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}, {"SS": ["a"]}),
    "set of numbers": ({"NS": ["1", "20"]}, {"NS": ["2E1", "1.00"]}, {"NS": ["1", "2"]}),
    "set of binaries": ({"BS": [b"a", b"b"]}, {"BS": [b"b", b"a"]}, {"BS": [b"a", b"c"]}),
    "binary": ({"B": b"\x00\xff"}, {"B": b"\x00\xff"}, {"B": b"\x00"}),
    "list": ({"L": [{"N": "1"}, {"B": b"a"}]}, {"L": [{"N": "1.0"}, {"B": b"a"}]}, {"L": [{"B": b"a"}, {"N": "1"}]}),
    "map": (
        {"M": {"a": {"N": "1"}, "b": {"L": [{"SS": ["x", "y"]}, {"NULL": True}]}}},
        {"M": {"b": {"L": [{"SS": ["y", "x"]}, {"NULL": True}]}, "a": {"N": "1.0"}}},
        {"M": {"a": {"N": "1"}, "b": {"L": [{"SS": ["x", "y"]}]}}},
    ),
    "truth": ({"BOOL": True}, {"BOOL": True}, {"BOOL": False}),
    "another type": ({"S": "1"}, {"S": "1"}, {"N": "1"}),
}


@pytest.mark.also_on_stock
@pytest.mark.parametrize(("value", "same", "other"), SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("path", ["#v", "#v.deep[1]"])
def test_an_update_is_conditional_on_a_whole_value(
    local_aws: LocalAws, table: str, path: str, value: Any, same: Any, other: Any
) -> None:
    client, key = local_aws.client("dynamodb"), {"id": {"S": "x"}}
    stored = value if path == "#v" else {"M": {"deep": {"L": [{"NULL": True}, value]}}}
    client.put_item(TableName=table, Item={**key, "value": stored})

    def update(old: Any) -> Any:
        return client.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET done = :yes",
            ConditionExpression=f"{path} = :old",
            ExpressionAttributeNames={"#v": "value"},
            ExpressionAttributeValues={":old": old, ":yes": {"BOOL": True}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    with pytest.raises(ClientError) as error:
        update(other)
    response: dict[str, Any] = dict(error.value.response)
    assert "ConditionalCheckFailedException" == response["Error"]["Code"]
    assert {**key, "value": stored} == response["Item"]
    update(same)
    assert {"BOOL": True} == client.get_item(TableName=table, Key=key)["Item"]["done"]


@pytest.mark.also_on_stock
def test_an_expression_holds_300_operators(local_aws: LocalAws, table: str) -> None:
    client, key = local_aws.client("dynamodb"), {"id": {"S": "x"}}
    client.put_item(TableName=table, Item={**key, "v": {"N": "1"}})
    client.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET w = :v",
        ConditionExpression=f"NOT v = :w AND {' AND '.join(['v = :v'] * 149)}",
        ExpressionAttributeValues={":v": {"N": "1"}, ":w": {"N": "2"}},
    )
    assert {"N": "1"} == client.get_item(TableName=table, Key=key)["Item"]["w"]


@pytest.mark.also_on_stock
@pytest.mark.parametrize("condition", ["v = :v", "attribute_exists(id)"])
def test_an_update_that_fails_its_condition_makes_no_item(local_aws: LocalAws, table: str, condition: str) -> None:
    client = local_aws.client("dynamodb")
    with pytest.raises(ClientError) as error:
        client.update_item(
            TableName=table,
            Key={"id": {"S": "x"}},
            UpdateExpression="SET v = :v",
            ConditionExpression=condition,
            ExpressionAttributeValues={":v": {"N": "1"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert "ConditionalCheckFailedException" == error.value.response["Error"]["Code"]
    assert "Item" not in error.value.response
    assert 0 == client.scan(TableName=table)["Count"]
    assert not stream_records(local_aws, table)


@pytest.mark.also_on_stock
def test_an_update_is_conditional_on_an_attribute_s_absence(local_aws: LocalAws, table: str) -> None:
    client = local_aws.client("dynamodb")

    def update() -> None:
        client.update_item(
            TableName=table,
            Key={"id": {"S": "x"}},
            UpdateExpression="SET v = :v",
            ConditionExpression="attribute_not_exists(v)",
            ExpressionAttributeValues={":v": {"N": "1"}},
        )

    update()
    with pytest.raises(ClientError, match="conditional request failed"):
        update()


@pytest.mark.parametrize(
    ("value", "same", "other"),
    [
        pytest.param(*spelling, marks=[] if "set" in name or name == "map" else pytest.mark.also_on_stock, id=name)
        for name, spelling in SPELLINGS.items()
    ],
)
def test_an_update_that_changes_nothing_emits_no_stream_record(
    local_aws: LocalAws, table: str, value: Any, same: Any, other: Any
) -> None:
    client, key = local_aws.client("dynamodb"), {"id": {"S": "x"}}
    for one in (value, same, other):
        client.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET #v = :v",
            ExpressionAttributeNames={"#v": "value"},
            ExpressionAttributeValues={":v": one},
        )
    assert ["INSERT", "MODIFY"] == [record["eventName"] for record in stream_records(local_aws, table)]


@pytest.mark.also_on_stock
def test_backups_and_the_restorable_period_are_listed(local_aws: LocalAws, table: str) -> None:
    client = local_aws.client("dynamodb")
    client.put_item(TableName=table, Item={"id": {"S": "x"}})
    client.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    description = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery = description["PointInTimeRecoveryDescription"]
    assert abs(time.time() - recovery["EarliestRestorableDateTime"].timestamp()) < 600
    assert recovery["EarliestRestorableDateTime"] <= recovery["LatestRestorableDateTime"]
    made = client.create_backup(TableName=table, BackupName="one")["BackupDetails"]
    listed = client.list_backups(TableName=table)["BackupSummaries"]
    assert [(made["BackupArn"], "AVAILABLE")] == [(one["BackupArn"], one["BackupStatus"]) for one in listed]
    assert abs(time.time() - listed[0]["BackupCreationDateTime"].timestamp()) < 600
    client.delete_backup(BackupArn=made["BackupArn"])
    assert not client.list_backups(TableName=table)["BackupSummaries"]
