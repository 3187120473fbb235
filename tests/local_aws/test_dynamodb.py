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
