"""How far the trail goes is noted once for each manifest, never back, and never taken from a row of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.aws.clients import config
from shared.aws.trail_end import Start, TrailEnd
from shared.errors import StoreUnavailable, TrailBroken
from shared.trail.manifest import Link
from tests.fakes.notary import FakeTrailEnd

FIRST, SECOND = Link(1, "a" * 64), Link(2, "b" * 64)
REFUSED = f"segments/2026/01/01/00/auditor/request-{32 * '0'}.ndjson.gz"
START, LATER = Start(), Start("segments/2026/01/01/00/", "segments/2026/01/01/01/x", 5, 3, (REFUSED,))


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1", config=config("dynamodb"))
        names: Any = (("run_id", "HASH"), ("row", "RANGE"))
        client.create_table(
            TableName="runs",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in names],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture(params=["fake", "dynamodb"])
def end(request) -> FakeTrailEnd | TrailEnd:
    return FakeTrailEnd() if request.param == "fake" else TrailEnd(request.getfixturevalue("dynamodb"), "runs")


def test_what_was_noted_last_is_given(end):
    assert (None, None) == (end.noted(), end.start())
    assert end.note(FIRST, START)
    assert (FIRST, START) == (end.noted(), end.start())
    assert end.note(SECOND, LATER)
    assert (SECOND, LATER) == (end.noted(), end.start())


@pytest.mark.parametrize("name", ["a b", "é", "two\nlines"])
def test_a_search_goes_on_behind_any_name_that_a_function_can_give(end, name):
    reached = Start(reached=f"segments/2026/01/01/00/auditor/{name}")
    assert end.note(FIRST, reached)
    assert reached == end.start()


def test_it_never_goes_back_and_is_never_another_one(end):
    end.note(SECOND, LATER)

    assert [False, False] == [end.note(FIRST, START), end.note(Link(2, "c" * 64), START)]
    assert (SECOND, LATER) == (end.noted(), end.start())


ROW: Any = {"run_id": {"S": "trail"}, "row": {"S": "last"}, "number": {"N": "2"}, "sha256": {"S": "b" * 64}}
BEGINS: Any = {
    "after": {"S": "segments/2026/01/01/00/"},
    "reached": {"S": "segments/2026/01/01/01/x"},
    "began": {"N": "5"},
    "seen": {"N": "3"},
    "refused": {"L": [{"S": REFUSED}]},
}


def test_an_operator_need_not_say_where_the_search_begins(dynamodb):
    dynamodb.put_item(TableName="runs", Item=ROW)

    assert (SECOND, None) == (TrailEnd(dynamodb, "runs").noted(), TrailEnd(dynamodb, "runs").start())
    dynamodb.put_item(TableName="runs", Item=ROW | BEGINS)
    assert LATER == TrailEnd(dynamodb, "runs").start()


@pytest.mark.parametrize(
    "changed",
    [
        {"number": {"N": "0"}},
        {"number": {"S": "1"}},
        {"sha256": {"S": "A" * 64}},
        {"sha256": {"S": ""}},
        {"kind": {"S": "rotation"}},
        BEGINS | {"seen": {"N": "-4"}},
        BEGINS | {"began": {"S": "4"}},
        BEGINS | {"after": {"S": "manifests/"}},
        BEGINS | {"after": {"N": "1"}},
        BEGINS | {"reached": {"S": "segments"}},
        BEGINS | {"refused": {"L": [{"S": "segments/x"}]}},
        BEGINS | {"refused": {"SS": [REFUSED]}},
        BEGINS | {"since": {"N": "3"}},
        {"after": {"S": "segments/2026/01/01/00/"}},
        {"seen": {"N": "3"}},
    ],
)
def test_a_row_of_others_is_not_believed(dynamodb, changed):
    dynamodb.put_item(TableName="runs", Item=ROW | changed)

    with pytest.raises(TrailBroken, match="not as the notary writes it"):
        TrailEnd(dynamodb, "runs").noted()


def test_it_is_read_as_it_is_now_and_not_as_it_was_a_moment_ago(dynamodb):
    asked: list[Any] = []
    dynamodb.meta.events.register("provide-client-params.dynamodb.GetItem", lambda params, **_: asked.append(params))
    end = TrailEnd(dynamodb, "runs")
    end.noted()
    end.start()

    assert [True, True] == [params["ConsistentRead"] for params in asked]


def test_a_table_that_does_not_answer_is_not_an_empty_one(dynamodb):
    end = TrailEnd(dynamodb, "not-there")

    with pytest.raises(StoreUnavailable, match="reading"):
        end.noted()
    with pytest.raises(StoreUnavailable, match="noting"):
        end.note(FIRST, START)
