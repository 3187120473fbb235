"""The items table as a source of scans, on moto; that segments part the table is held by tests/local_aws."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.aws.clients import config
from shared.aws.item_scan import DynamoItemScan
from shared.errors import RunsCorrupt, StoreUnavailable

IDS = [("acme", f"i-{number}") for number in range(5)] + [("b", "ü\u2028\"'")]


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1", config=config("dynamodb"))
        client.create_table(
            TableName="items",
            KeySchema=[
                {"AttributeName": "tenant_id", "KeyType": "HASH"},
                {"AttributeName": "item_id", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "tenant_id", "AttributeType": "S"},
                {"AttributeName": "item_id", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        for tenant_id, item_id in IDS:
            item: Any = {"tenant_id": {"S": tenant_id}, "item_id": {"S": item_id}, "b": {"B": b"\x00"}}
            client.put_item(TableName="items", Item=item)
        yield client


@pytest.mark.parametrize("limit", [1, 2, 6, 100])
def test_every_item_comes_once_whole_and_in_pages(dynamodb, limit):
    scan = DynamoItemScan(dynamodb, "items", consistent=True)
    items: list[Any] = []
    cursor, first = "", True
    while cursor or first:
        page, cursor = scan.page(segment=0, total=1, cursor=cursor, limit=limit)
        assert len(page) <= limit
        items += page
        first = False

    assert sorted(IDS) == sorted((item["tenant_id"]["S"], item["item_id"]["S"]) for item in items)
    assert all(item["b"] == {"B": b"\x00"} for item in items)


@pytest.mark.parametrize("consistent", [True, False])
def test_the_segment_and_the_consistency_are_asked_for(dynamodb, consistent):
    asked: list[Any] = []
    dynamodb.meta.events.register("provide-client-params.dynamodb.Scan", lambda params, **_: asked.append(params))

    DynamoItemScan(dynamodb, "items", consistent=consistent).page(segment=2, total=8, cursor="", limit=3)

    expected = {
        "TableName": "items",
        "Segment": 2,
        "TotalSegments": 8,
        "Limit": 3,
        "ConsistentRead": consistent,
    }
    assert [expected] == asked


@pytest.mark.parametrize("cursor", ["x", "{}", "[]", '["a"]', '["a", 1]', '[null, "a"]', json.dumps([["S", "a"], "b"])])
def test_a_cursor_of_another_form_is_refused_unquoted(dynamodb, cursor):
    with pytest.raises(RunsCorrupt) as caught:
        DynamoItemScan(dynamodb, "items", consistent=True).page(segment=0, total=1, cursor=cursor, limit=1)
    assert caught.value.__cause__ is None


def test_without_its_table_nothing_is_answered(dynamodb):
    with pytest.raises(StoreUnavailable):
        DynamoItemScan(dynamodb, "not-there", consistent=True).page(segment=0, total=1, cursor="", limit=1)
