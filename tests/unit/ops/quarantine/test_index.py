"""Entries are known by their rows, whatever these lack; and those are meant that fit."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws

from ops.quarantine.index import Entry, QuarantineIndex, Selection, entry_of
from shared.aws.clients import config
from shared.errors import StoreUnavailable
from tests.fakes.moto_aws import REGION

ONE = "1" * 32


def row(number, **changed):
    written = {
        "quarantine_id": {"S": f"{number:032x}"},
        "state": {"S": "held"},
        "reason": {"S": "not_json"},
        "detail": {"S": "at byte 3"},
        "object_key": {"S": f"2023/11/14/{number:032x}"},
        "record_count": {"N": "2"},
        "arrived_at": {"N": str(1_700_000_000 + number)},
        "tenant_id": {"S": "acme"},
        **changed,
    }
    return {name: value for name, value in written.items() if value is not None}


@pytest.fixture
def table():
    with mock_aws():
        dynamodb: Any = boto3.client("dynamodb", region_name=REGION, config=config("dynamodb"))
        dynamodb.create_table(
            TableName="index",
            AttributeDefinitions=[{"AttributeName": "quarantine_id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "quarantine_id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield dynamodb


@pytest.fixture
def index(table):
    return QuarantineIndex(table, "index")


def meant(index, selection):
    return [int(entry.quarantine_id, 16) for entry in index.entries(selection)]


def test_the_oldest_come_first(table, index):
    for number in (3, 1, 2):
        table.put_item(TableName="index", Item=row(number))
    assert [1, 2, 3] == meant(index, Selection())


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), [1, 2, 3, 4]),
        (Selection(reasons=("too_deep", "id_missing")), [2]),
        (Selection(tenant_id="acme"), [1, 2, 3]),
        (Selection(tenant_id="globex"), []),
        (Selection(since=1_700_000_002), [2, 3, 4]),
        (Selection(until=1_700_000_002), [1]),
        (Selection(since=1_700_000_002, until=1_700_000_004, tenant_id="acme"), [2, 3]),
        (Selection(decided=True), [1, 2, 3, 4, 5]),
    ],
)
def test_those_are_meant_that_fit_and_still_have_their_content(table, index, selection, expected):
    table.put_item(TableName="index", Item=row(1))
    table.put_item(TableName="index", Item=row(2, reason={"S": "too_deep"}))
    table.put_item(TableName="index", Item=row(3, state={"S": "redriven"}))
    table.put_item(TableName="index", Item=row(4, tenant_id=None))
    table.put_item(TableName="index", Item=row(5, state={"S": "discarded"}, object_key=None))
    assert expected == meant(index, selection)


@pytest.mark.parametrize("selection", [Selection(since=1.0), Selection(until=1_700_000_002)])
def test_whose_arrival_nobody_knows_is_meant_by_no_time(table, index, selection):
    table.put_item(TableName="index", Item=row(1, arrived_at=None))
    assert [] == meant(index, selection)
    assert 1 == len(meant(index, Selection()))


@pytest.mark.parametrize(
    ("selection", "narrows"),
    [
        (Selection(), False),
        (Selection(decided=True), False),
        (Selection(("not_json",)), True),
        (Selection(tenant_id="acme"), True),
        (Selection(since=0.0), True),
        (Selection(until=0.0), True),
    ],
)
def test_whether_anything_was_said(selection, narrows):
    assert narrows is selection.narrows


def test_entries_are_found_by_their_ids(table, index):
    table.put_item(TableName="index", Item=row(1))
    found = index.get([f"{1:032x}", f"{9:032x}"])
    assert [f"{1:032x}"] == list(found)


@pytest.mark.parametrize("call", ["entries", "get"])
def test_an_index_that_does_not_answer_may_do_so_later(table, index, call):
    table.delete_table(TableName="index")
    with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
        index.entries(Selection()) if call == "entries" else index.get([ONE])


@pytest.mark.parametrize(
    "changed",
    [
        {name: None for name in row(1) if name != "quarantine_id"},
        {"record_count": {"N": "Infinity"}, "arrived_at": {"S": "yesterday"}, "reason": {"N": "5"}},
        {"record_count": {"NULL": True}, "arrived_at": {"N": "NaN"}, "reason": {"BOOL": True}},
        {"record_count": None, "arrived_at": {"N": "1E+120"}, "reason": None},
        {"record_count": None, "arrived_at": {"N": "-1E+120"}, "reason": None},
        {"record_count": None, "arrived_at": {"N": "253402300800"}, "reason": None},
    ],
)
def test_a_row_that_somebody_else_wrote_is_an_entry_all_the_same(changed):
    entry = entry_of(row(1, **changed))
    assert (f"{1:032x}", 0, 0.0, "") == (entry.quarantine_id, entry.record_count, entry.arrived_at, entry.reason)
    assert entry.document()["arrived_at"] is None


def test_a_tenant_that_looks_sensitive_is_shown_as_a_digest():
    entry = Entry(ONE, tenant_id="078-05-1120")
    assert entry.public_tenant.startswith("sha256:")
    assert "078-05-1120" not in str(entry.document())


def test_why_an_entry_was_kept_stays_known():
    assert ("not_json", "not_json") == _reasons(Entry(ONE, reason="not_json"))
    assert ("too_deep", "not_json") == _reasons(Entry(ONE, reason="too_deep", kept_reason="not_json"))


def _reasons(entry):
    return entry.document()["reason"], entry.document()["kept_reason"]


def test_a_line_of_a_file_is_named_by_object_version_and_line():
    held = {"object": {"S": "s3://landing/a"}, "version": {"S": "v1"}, "line": {"N": "7"}}
    of_file, other = entry_of(row(1, **held)), entry_of(row(2))

    named = ("object", "version", "line")
    assert ["s3://landing/a", "v1", 7] == [of_file.document()[name] for name in named]
    assert ["", "", None] == [other.document()[name] for name in named]
    assert ["s3://landing/a line 7", ""] == [of_file.place_in_file, other.place_in_file]
