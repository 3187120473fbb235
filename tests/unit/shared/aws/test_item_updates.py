"""One contract for conditional updates of the items table in DynamoDB and its fake.

What moto cannot show (its equality is held against the local AWS elsewhere) is asserted on the request.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from shared.aws.clients import TOTAL_ATTEMPTS, config
from shared.aws.item_updates import DynamoItemUpdates, stands_already
from shared.errors import Reason, RecordRejected, StoreUnavailable
from shared.model import SOURCE
from shared.reencrypt.model import Change, ItemUpdate
from shared.reencrypt.parts import ATTRIBUTES_PER_UPDATE
from shared.source_position import FOUND, kinesis_position
from tests.fakes.items import FakeItemTable

KEYS = {"tenant_id": {"S": "acme"}, "item_id": {"S": "1"}}
PLACE = {"B": kinesis_position(b"p", "1", 0).to_bytes()}
OTHER_PLACE = {"B": kinesis_position(b"p", "2", 0).to_bytes()}
MAX_OPERATORS, MAX_EXPRESSION_BYTES = 300, 4_096


@pytest.fixture(params=["fake", "moto"])
def table(request) -> Iterator[Any]:
    """`updates`, how somebody else writes the item, and how it is read."""
    if request.param == "fake":
        fake = FakeItemTable()
        yield SimpleNamespace(
            updates=fake,
            write=lambda **attributes: fake.write("acme", "1", **attributes),
            read=lambda: fake.items.get(("acme", "1")),
        )
        return
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="eu-central-1", config=config("dynamodb"))
        dynamodb.create_table(
            TableName="items",
            KeySchema=[
                {"AttributeName": "tenant_id", "KeyType": "HASH"},
                {"AttributeName": "item_id", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in KEYS],
            BillingMode="PAY_PER_REQUEST",
        )
        yield SimpleNamespace(
            updates=DynamoItemUpdates(dynamodb, "items"),
            write=lambda **attributes: dynamodb.put_item(TableName="items", Item={**KEYS, **attributes}),
            read=lambda: dynamodb.get_item(TableName="items", Key=KEYS).get("Item"),
        )


def update(source: Any = PLACE, **changes: tuple[Any, Any]) -> ItemUpdate:
    return ItemUpdate("acme", "1", source, {name: Change(*change) for name, change in changes.items()})


NESTED: dict[str, Any] = {
    "M": {"b": {"L": [{"S": "x"}, {"B": b"\x00\xff"}, {"NULL": True}]}, "c": {"N": "1"}, "d": {"SS": ["u", "v"]}}
}
AFTER = {"B": b"\x01sealed"}


@pytest.mark.parametrize(
    "before",
    [
        {"S": ""},
        {"N": "1.50"},
        {"B": b"\x01\x02"},
        {"BOOL": False},
        {"NULL": True},
        {"SS": ["a", "b"]},
        {"BS": [b"a", b"b"]},
        {"M": {}},
        {"L": []},
        NESTED,
    ],
)
def test_what_still_is_as_it_was_read_is_replaced_and_all_else_stays(table, before):
    table.write(_src=PLACE, a=before, other={"S": "y"})

    assert table.updates.update(update(a=(table.read()["a"], AFTER))).stored
    assert {**KEYS, "_src": PLACE, "a": AFTER, "other": {"S": "y"}} == table.read()


@pytest.mark.parametrize(
    "standing",
    [
        {"a": {"S": "rewritten"}},
        {"a": {"M": {**NESTED["M"], "c": {"N": "2"}}}},
        {"a": {"M": {**NESTED["M"], "b": {"L": NESTED["M"]["b"]["L"][1:]}}}},
        {"a": {"M": {"b": NESTED["M"]["b"]}}},
        {},
    ],
)
def test_an_attribute_that_changed_anywhere_within_is_a_lost_race_that_shows_the_item(table, standing):
    table.write(_src=PLACE, **standing)

    result = table.updates.update(update(a=(NESTED, AFTER)))

    assert not result.stored
    assert {**KEYS, "_src": PLACE, **standing} == result.found == table.read()


@pytest.mark.parametrize("standing", [{"_src": OTHER_PLACE}, {}, {"_src": {"S": "text"}}])
def test_an_item_whose_source_changed_is_a_lost_race_though_the_attribute_is_the_same(table, standing):
    table.write(a={"S": "x"}, **standing)

    result = table.updates.update(update(a=({"S": "x"}, AFTER)))

    assert not result.stored
    assert table.read() == result.found == {**KEYS, "a": {"S": "x"}, **standing}


def test_an_item_that_got_a_source_meanwhile_is_a_lost_race(table):
    table.write(_src=PLACE, a={"S": "x"})
    assert not table.updates.update(update(None, a=({"S": "x"}, AFTER))).stored


def test_attributes_appear_and_go_in_one_update(table):
    table.write(a={"S": "x"}, _open_since={"N": "5"})

    written = update(None, a=({"S": "x"}, AFTER), _src=(None, {"B": FOUND.to_bytes()}), _open_since=({"N": "5"}, None))

    assert table.updates.update(written).stored
    assert {**KEYS, "a": AFTER, "_src": {"B": FOUND.to_bytes()}} == table.read()


def test_an_attribute_that_appeared_meanwhile_is_a_lost_race(table):
    table.write(_src=PLACE, _policy={"B": b"another"})

    assert not table.updates.update(update(_policy=(None, {"B": b"mine"}))).stored
    assert {"B": b"another"} == table.read()["_policy"]


@pytest.mark.parametrize("changes", [{"a": (None, AFTER)}, {"a": ({"S": "x"}, AFTER)}])
def test_an_item_that_is_gone_does_not_come_back_as_a_ghost(table, changes):
    result = table.updates.update(update(None, **changes))

    assert (False, None) == (result.stored, result.found)
    assert table.read() is None


@pytest.mark.parametrize("source", [PLACE, None])
def test_an_update_whose_answer_was_lost_finds_itself_and_is_stored(table, source):
    table.write(a=NESTED, _open_since={"N": "5"}, **({} if source is None else {"_src": source}))
    mine = update(
        source,
        a=(NESTED, {"M": {**NESTED["M"], "b": AFTER, "d": {"SS": ["v", "u"]}}}),
        _open_since=({"N": "5"}, None),
        **({"_src": (None, PLACE)} if source is None else {}),
    )
    assert table.updates.update(mine).stored

    assert table.updates.update(mine).stored


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"SS": ["b", "a"]}, True),
        ({"SS": ["b", "c"]}, False),
        ({"L": []}, False),
        (None, False),
    ],
)
def test_an_update_finds_itself_whatever_the_order_of_a_set(found, expected):
    image = {"a": {"M": {"set": found, "new": AFTER}}} if found else {}
    mine = update(a=(None, {"M": {"set": {"SS": ["a", "b"]}, "new": AFTER}}))
    assert expected is stands_already(mine, image)


def test_names_may_hold_anything(table):
    name = "a.b[0] #: AND \u00fc"
    table.write(_src=PLACE, **{name: {"S": "x"}})
    assert table.updates.update(update(**{name: ({"S": "x"}, AFTER)})).stored
    assert AFTER == table.read()[name]


class Recorder:
    """Takes the place of a client and keeps what it is asked."""

    def __init__(self) -> None:
        self.request: dict[str, Any] = {}

    def update_item(self, **request: Any) -> None:
        self.request = request


def test_the_largest_update_is_within_the_limits_of_an_expression():
    recorder: Any = Recorder()
    system = {name: ({"B": b"x"}, AFTER) for name in ("_policy", "_open_since", SOURCE)}
    many = {f"a{number}": ({"S": "x"}, AFTER) for number in range(ATTRIBUTES_PER_UPDATE)}

    DynamoItemUpdates(recorder, "items").update(update(**many, **system))

    for expression in ("ConditionExpression", "UpdateExpression"):
        text = recorder.request[expression]
        assert len(text.encode()) < MAX_EXPRESSION_BYTES
        assert text.count("=") + text.count(" AND ") + text.count("(") < MAX_OPERATORS


def test_every_attribute_and_the_source_are_in_the_condition():
    recorder: Any = Recorder()

    DynamoItemUpdates(recorder, "items").update(
        update(a=({"S": "x"}, AFTER), b=(None, AFTER), _open_since=({"N": "5"}, None))
    )

    assert {
        "TableName": "items",
        "Key": KEYS,
        "UpdateExpression": "SET #n0 = :n0, #n1 = :n1 REMOVE #n2",
        "ConditionExpression": "attribute_exists(#tenant) AND #src = :src"
        " AND #n0 = :o0 AND attribute_not_exists(#n1) AND #n2 = :o2",
        "ExpressionAttributeNames": {
            "#tenant": "tenant_id",
            "#src": "_src",
            "#n0": "a",
            "#n1": "b",
            "#n2": "_open_since",
        },
        "ExpressionAttributeValues": {":src": PLACE, ":o0": {"S": "x"}, ":n0": AFTER, ":n1": AFTER, ":o2": {"N": "5"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    } == recorder.request


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        ("ProvisionedThroughputExceededException", "canary-4111", StoreUnavailable),
        ("InternalServerError", "canary-4111", StoreUnavailable),
        ("AccessDeniedException", "canary-4111", StoreUnavailable),
        ("ValidationException", "Item size to update has exceeded the maximum: canary-4111", RecordRejected),
        ("ValidationException", "Nesting Levels have exceeded supported limits", RecordRejected),
        ("ValidationException", "Invalid UpdateExpression: canary-4111", StoreUnavailable),
    ],
)
def test_a_refusal_is_told_without_values(code, message, error):
    keys: dict[str, Any] = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    dynamodb = boto3.client("dynamodb", region_name="eu-central-1", config=config("dynamodb"), **keys)
    canary = update(a=({"S": "canary"}, {"S": "canary-new"}))
    with Stubber(dynamodb) as stubber:
        for _ in range(TOTAL_ATTEMPTS):  # botocore tries again what may pass
            stubber.add_client_error("update_item", code, message, 400)

        with pytest.raises(error) as refused:
            DynamoItemUpdates(dynamodb, "items").update(canary)

    assert "canary" not in str(refused.value) + repr(canary)
    assert refused.value.__suppress_context__
    if error is RecordRejected:
        assert Reason.STORE_REFUSED == refused.value.reason
