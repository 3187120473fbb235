"""One contract for the items table in DynamoDB and its fake.

moto compares binary values as base64 text, so what is newer is held against the local AWS
(tests/integration/test_item_table.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from shared.aws.clients import TOTAL_ATTEMPTS, config
from shared.aws.items import DynamoItemTable
from shared.errors import Reason, RecordRejected, StoreUnavailable
from shared.model import SOURCE, PutResult, SealedItem
from shared.source_position import FOUND, SourcePosition, kinesis_position
from tests.fakes.items import FakeItemTable

KEYS = {"tenant_id": {"S": "acme"}, "item_id": {"S": "1"}}


def at(sequence: int, partition_key: bytes = b"p") -> SourcePosition:
    return kinesis_position(partition_key, str(sequence), 0)


def item(position: SourcePosition, value: str = "x") -> SealedItem:
    attributes: dict[str, Any] = {**KEYS, SOURCE: {"B": position.to_bytes()}, "a": {"S": value}}
    return SealedItem("acme", "1", position, attributes, sealed_count=0)


@pytest.fixture(params=["fake", "moto"])
def table(request) -> Iterator[tuple[Any, Callable[[dict[str, Any]], object], Callable[[], Any]]]:
    """The table, how somebody else writes the item, and how it is read."""
    if request.param == "fake":
        fake = FakeItemTable()
        yield (
            fake,
            lambda attributes: fake.items.update({("acme", "1"): {**KEYS, **attributes}}),
            lambda: fake.items.get(("acme", "1")),
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
        yield (
            DynamoItemTable(dynamodb, "items"),
            lambda attributes: dynamodb.put_item(TableName="items", Item={**KEYS, **attributes}),
            lambda: dynamodb.get_item(TableName="items", Key=KEYS).get("Item"),
        )


def test_an_absent_item_is_stored(table):
    items, _, read = table

    assert PutResult(stored=True) == items.put_if_newer(item(at(1)))
    assert item(at(1)).attributes == read()


@pytest.mark.parametrize("standing", [at(2), at(3), at(1, b"other")])
def test_what_is_not_newer_in_the_same_lane_is_shown_its_obstacle(table, standing):
    items, write, read = table
    write({SOURCE: {"B": standing.to_bytes()}})

    result = items.put_if_newer(item(at(2)))

    assert PutResult(stored=False, found_source={"B": standing.to_bytes()}) == result
    assert read() == result.found
    assert "a" not in read()


def test_an_item_without_source_is_replaced(table):
    items, write, _ = table
    write({"b": {"S": "y"}})

    assert PutResult(stored=True) == items.put_if_newer(item(at(1)))


def test_an_item_without_source_can_be_replaced_as_just_that(table):
    items, write, read = table

    assert PutResult(stored=False) == items.put_if_unsourced(item(at(1)))
    assert read() is None
    write({"b": {"S": "y"}})
    assert PutResult(stored=True) == items.put_if_unsourced(item(at(1)))
    for standing in (FOUND, at(1)):
        write({SOURCE: {"B": standing.to_bytes()}})
        assert PutResult(stored=False, found_source={"B": standing.to_bytes()}) == items.put_if_unsourced(item(at(2)))


def test_an_item_may_be_put_only_where_none_stands(table):
    items, write, read = table

    assert PutResult(stored=True) == items.put_if_absent(item(FOUND))
    assert item(FOUND).attributes == read()
    for standing in ({SOURCE: {"B": FOUND.to_bytes()}}, {"b": {"S": "somebody else's"}}):
        write(standing)
        refused = items.put_if_absent(item(FOUND))
        assert PutResult(stored=False, found_source=standing.get(SOURCE)) == refused
        assert read() == refused.found == {**KEYS, **standing}


@pytest.mark.parametrize("found", [{"S": "text"}, {"N": "5"}, {"B": b"k"}, {"M": {}}, {"NULL": True}])
def test_a_foreign_source_is_replaced_only_as_exactly_what_was_seen(table, found):
    items, write, _ = table
    write({SOURCE: found})

    assert PutResult(stored=False, found_source=found) == items.put_if_newer(item(at(1)))
    assert items.put_if_source_is(item(at(1)), {"S": "something else"}).stored is False
    assert PutResult(stored=True) == items.put_if_source_is(item(at(1)), found)


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        ("ProvisionedThroughputExceededException", "canary-4111", StoreUnavailable),
        ("InternalServerError", "canary-4111", StoreUnavailable),
        ("AccessDeniedException", "canary-4111", StoreUnavailable),
        ("ResourceNotFoundException", "canary-4111", StoreUnavailable),
        ("ValidationException", "Item size has exceeded the maximum allowed size: canary-4111", RecordRejected),
        ("ValidationException", "Nesting Levels have exceeded supported limits", RecordRejected),
        # the table's own fault, which every record would meet
        ("ValidationException", "One or more parameter values were invalid: Missing the key pk", StoreUnavailable),
        ("ValidationException", "Type mismatch for Index Key: canary-4111", StoreUnavailable),
    ],
)
def test_a_refusal_is_told_as_what_becomes_of_the_record_and_without_its_values(code, message, error):
    keys: dict[str, Any] = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    dynamodb = boto3.client("dynamodb", region_name="eu-central-1", config=config("dynamodb"), **keys)
    with Stubber(dynamodb) as stubber:
        for _ in range(TOTAL_ATTEMPTS):  # botocore tries again what may pass
            stubber.add_client_error("put_item", code, message, 400)

        with pytest.raises(error) as refused:
            DynamoItemTable(dynamodb, "items").put_if_newer(item(at(1), "canary-4111"))

    assert "canary" not in str(refused.value)
    assert refused.value.__suppress_context__
    if error is RecordRejected:
        assert Reason.STORE_REFUSED == refused.value.reason
