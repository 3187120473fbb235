"""Scans: complete over all segments and pages under writes, and no dearer than what they return."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.local_aws.support import LocalAws, unique

KEYS = [("tenant", "HASH"), ("item", "RANGE")]


@pytest.fixture
def table(local_aws: LocalAws) -> Iterator[str]:
    name = make_table(local_aws)
    yield name
    local_aws.client("dynamodb").delete_table(TableName=name)


def make_table(aws: LocalAws) -> str:
    name = unique("table")
    aws.client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in KEYS],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in KEYS],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def item(number: int, **attributes: Any) -> dict[str, Any]:
    return {"tenant": {"S": f"tenant {number % 7}"}, "item": {"S": str(number)}, **attributes}


def fill(aws: LocalAws, table: str, numbers: Sequence[int]) -> None:
    for start in range(0, len(numbers), 25):
        puts = [{"PutRequest": {"Item": item(number)}} for number in numbers[start : start + 25]]
        aws.client("dynamodb").batch_write_item(RequestItems={table: puts})


def pages(aws: LocalAws, table: str, **options: Any) -> Iterator[list[dict[str, Any]]]:
    start: dict[str, Any] = {}
    while True:
        answer = aws.client("dynamodb").scan(TableName=table, ConsistentRead=True, **options, **start)
        yield answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


@pytest.mark.also_on_stock
@pytest.mark.parametrize("segments", [1, 4])
def test_every_item_is_in_one_page_of_one_segment_while_others_are_written(
    local_aws: LocalAws, table: str, segments: int
) -> None:
    client = local_aws.client("dynamodb")
    fill(local_aws, table, range(0, 400, 2))
    seen: list[int] = []
    for segment in range(segments):
        for page, items in enumerate(pages(local_aws, table, Limit=7, Segment=segment, TotalSegments=segments)):
            assert len(items) <= 7
            seen += [int(one["item"]["S"]) for one in items]
            fill(local_aws, table, [1 + 2 * (page + 100 * segment)])  # new ones, before and after the cursor
            if items and page % 2:
                last = {key: items[-1][key] for key, _ in KEYS}
                client.delete_item(TableName=table, Key=last)  # the cursor itself
                client.update_item(TableName=table, Key={key: items[0][key] for key, _ in KEYS})
    assert list(range(0, 400, 2)) == sorted(number for number in seen if number % 2 == 0)
    assert len(seen) == len(set(seen))


@pytest.mark.also_on_stock
def test_a_page_ends_at_one_megabyte(local_aws: LocalAws, table: str) -> None:
    client = local_aws.client("dynamodb")
    for number in range(12):
        client.put_item(TableName=table, Item=item(number, payload={"B": bytes(300_000)}))
    assert [3, 3, 3, 3] == [len(items) for items in pages(local_aws, table) if items]


@pytest.mark.also_on_stock
def test_a_scan_filters_projects_and_counts(local_aws: LocalAws, table: str) -> None:
    fill(local_aws, table, range(50))
    options = {
        "FilterExpression": "#i < :two",
        "ExpressionAttributeNames": {"#i": "item"},
        "ExpressionAttributeValues": {":two": {"S": "2"}},
    }
    found = [one for items in pages(local_aws, table, Limit=9, ProjectionExpression="#i", **options) for one in items]
    assert sorted(["0", "1", *map(str, range(10, 20))]) == sorted(one["item"]["S"] for one in found)
    assert all(one.keys() == {"item"} for one in found)
    assert 50 == local_aws.client("dynamodb").scan(TableName=table, Select="COUNT")["Count"]
    assert 50 == local_aws.client("dynamodb").describe_table(TableName=table)["Table"]["ItemCount"]


def test_a_page_costs_no_more_in_a_large_table(local_aws: LocalAws, table: str) -> None:
    small = make_table(local_aws)
    fill(local_aws, small, range(50))
    fill(local_aws, table, range(10_000))

    def seconds(name: str) -> float:
        scan = pages(local_aws, name, Limit=1, Segment=0, TotalSegments=2)
        next(scan)
        times = []
        for _ in range(10):
            before = time.perf_counter()
            next(scan)
            times.append(time.perf_counter() - before)
        return min(times)

    assert seconds(table) < 4 * seconds(small)
