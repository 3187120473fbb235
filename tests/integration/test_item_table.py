"""What is newer, on a table of the local AWS and on the fake that unit tests trust."""

from __future__ import annotations

from typing import Any

import pytest

from shared.aws.clients import client
from shared.aws.items import DynamoItemTable
from shared.model import SOURCE, PutResult, SealedItem
from shared.source_position import (
    FOUND,
    SourcePosition,
    counter_position,
    integer_position,
    kinesis_position,
    time_position,
)
from tests.fakes.items import FakeItemTable
from tests.integration.support import Deployment, unique

LOW, HIGH = kinesis_position(b"p", "5", 0), kinesis_position(b"p", "5", 1)
LATER = kinesis_position(b"p", "49590338271490256608559692538361571095921575989136588898", 0)


def item(item_id: str, position: SourcePosition) -> SealedItem:
    attributes: dict[str, Any] = {
        "tenant_id": {"S": "acme"},
        "item_id": {"S": item_id},
        SOURCE: {"B": position.to_bytes()},
    }
    return SealedItem("acme", item_id, position, attributes, sealed_count=0)


@pytest.fixture(params=["fake", "local AWS"])
def items(request, deployment: Deployment) -> Any:
    return FakeItemTable() if request.param == "fake" else DynamoItemTable(client("dynamodb"), deployment["TABLE"])


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (LOW, HIGH),
        (HIGH, LATER),
        (integer_position(-1, LATER, ordered_by="n"), integer_position(0, LOW, ordered_by="n")),
        (time_position(1, LATER, ordered_by="t"), time_position(2, LOW, ordered_by="t")),
        (counter_position(255), counter_position(256)),
    ],
)
def test_the_newer_replaces_the_older_and_not_the_other_way(items, older, newer):
    item_id = unique("order")

    assert items.put_if_newer(item(item_id, older)).stored
    assert items.put_if_newer(item(item_id, newer)).stored
    assert PutResult(stored=False, found_source={"B": newer.to_bytes()}) == items.put_if_newer(item(item_id, older))
    assert not items.put_if_newer(item(item_id, newer)).stored


@pytest.mark.parametrize(
    "other", [kinesis_position(b"q", "9", 0), integer_position(1, LOW, ordered_by="n"), counter_position(1)]
)
def test_positions_of_different_lanes_never_replace_each_other(items, other):
    item_id = unique("lanes")

    assert items.put_if_newer(item(item_id, LOW)).stored
    assert PutResult(stored=False, found_source={"B": LOW.to_bytes()}) == items.put_if_newer(item(item_id, other))


@pytest.mark.parametrize("found", [{"S": "text"}, {"N": "5"}, {"B": b"k"}, {"NULL": True}])
def test_a_source_of_another_form_is_shown_and_replaced_only_as_seen(items, deployment, found):
    item_id = unique("foreign")
    key = {"tenant_id": {"S": "acme"}, "item_id": {"S": item_id}}
    if isinstance(items, FakeItemTable):
        items.items["acme", item_id] = {**key, SOURCE: found}
    else:
        client("dynamodb").put_item(TableName=deployment["TABLE"], Item={**key, SOURCE: found})

    assert PutResult(stored=False, found_source=found) == items.put_if_newer(item(item_id, LOW))
    assert items.put_if_source_is(item(item_id, LOW), found).stored


@pytest.mark.parametrize("standing", [FOUND, LOW, counter_position(1)])
def test_what_compares_with_nothing_is_put_only_where_no_item_stands(items, standing):
    item_id = unique("absent")

    assert items.put_if_absent(item(item_id, FOUND)).stored
    assert items.put_if_newer(item(item_id, LOW)).stored
    other = unique("standing")
    items.put_if_newer(item(other, standing))
    assert PutResult(stored=False, found_source={"B": standing.to_bytes()}) == items.put_if_absent(item(other, FOUND))
