"""Counting what waits in quarantine: on moto, and over pages that another would take too long to go through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.aws import held_count
from shared.aws.clients import config
from shared.aws.held_count import DynamoHeldCount
from shared.errors import StoreUnavailable


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1", config=config("dynamodb"))
        client.create_table(
            TableName="index",
            KeySchema=[{"AttributeName": "quarantine_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "quarantine_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


def put(dynamodb: Any, *states: str) -> None:
    for number, state in enumerate(states):
        row = {"quarantine_id": {"S": f"{number:032x}"}, "state": {"S": state}}
        dynamodb.put_item(TableName="index", Item=row)


class Pages:
    """A client whose scan comes in these counts, as many as are asked for."""

    def __init__(self, *counts: int) -> None:
        self.left = list(counts)
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, _name: str) -> Pages:
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(asked)
        while self.left:
            count = self.left.pop(0)
            yield {"Count": count} | ({"LastEvaluatedKey": {}} if self.left else {})


def held(pages: Any) -> int | None:
    return DynamoHeldCount(pages, "index").held()


def test_an_empty_quarantine_holds_nothing(dynamodb):
    assert held(dynamodb) == 0


def test_only_what_is_not_decided_waits(dynamodb):
    put(dynamodb, "held", "redriven", "held", "discarded")

    assert held(dynamodb) == 2


def test_no_row_is_asked_for_only_how_many_there_are():
    pages = Pages(1)

    held(pages)

    assert ["COUNT"] == [asked["Select"] for asked in pages.asked]


def test_pages_add_up_until_there_are_many():
    pages = Pages(400, 0, 500, 300, 400)

    assert held(pages) == 1_200
    assert [400] == pages.left


@pytest.mark.parametrize(("first", "known"), [(3, 3), (0, None)])
def test_where_there_is_too_much_to_go_through_none_is_not_the_same_as_zero(first, known):
    pages = Pages(first, *[0] * held_count.MOST_PAGES)

    assert known == held(pages)
    assert [0] == pages.left


def test_of_as_many_pages_as_are_gone_through_zero_is_zero():
    assert held(Pages(*[0] * held_count.MOST_PAGES)) == 0


def test_a_store_that_does_not_answer_says_so(dynamodb):
    with pytest.raises(StoreUnavailable):
        DynamoHeldCount(dynamodb, "no-such").held()
