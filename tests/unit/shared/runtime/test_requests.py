from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import RequestRefused
from shared.runtime.requests import Request

CANARY = "canary-4111111111111111"
OPERATIONS = {"go": frozenset({"shard_id", "first", "rate", "many", "sure", "ids"})}
ID = re.compile(r"[0-9a-f]{4}")


def request(**fields) -> Request:
    return Request({"operation": "go", **fields}, OPERATIONS)


@pytest.mark.parametrize(
    "event", [None, [], CANARY, {}, {"operation": CANARY}, {"operation": ["go"]}, {"operation": "go", CANARY: 1}]
)
def test_what_is_no_known_request_is_refused_without_being_quoted(event):
    with pytest.raises(RequestRefused) as refused:
        Request(event, OPERATIONS)

    assert CANARY not in str(refused.value)


def test_fields_are_read_as_what_they_are():
    asked = request(shard_id="shardId-000000000000", first="007", rate=0.5, many=3, sure=True, ids=["00ff", "00ff"])

    assert ("shardId-000000000000", "007") == (asked.shard_id(), asked.sequence_number("first"))
    assert (0.5, 3, True) == (asked.number("rate"), asked.whole("many"), asked.flag("sure"))
    assert ["00ff"] == asked.ids("ids", ID, most=2, wanted="ids")


def test_a_field_that_is_null_counts_as_not_given():
    asked = request(sure=None, rate=None)

    assert not asked.has("rate")
    assert not asked.flag("sure")


BAD_FIELDS: list[tuple[Callable[[Request], object], list[Any]]] = [
    (lambda one: one.shard_id(), ["", "a b", CANARY + "/", 1, None, "x" * 129]),
    (lambda one: one.sequence_number("shard_id"), ["-1", "", "x", 5, "9" * 130, "1\n"]),
    (lambda one: one.number("shard_id"), [0, -1, "1", True, float("nan"), float("inf")]),
    (lambda one: one.whole("shard_id"), [0, 1.0, True, "1"]),
    (lambda one: one.flag("shard_id"), [0, "true", []]),
    (lambda one: one.ids("shard_id", ID, most=2, wanted="ids"), [[], "00ff", [1], ["00FF"], ["00ff"] * 3]),
]


@pytest.mark.parametrize(("read", "values"), BAD_FIELDS)
def test_a_field_of_another_form_is_refused_by_its_name_and_not_quoted(read, values):
    for value in values:
        with pytest.raises(RequestRefused, match="'shard_id' must be") as refused:
            read(request(shard_id=value))
        assert CANARY not in str(refused.value)
