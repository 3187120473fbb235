"""Items restored under another table name open: what is bound is the dataset, not the table."""

from __future__ import annotations

import pytest

from shared.aws.clients import client
from shared.errors import DoesNotOpen
from shared.policy.load import load_policy, parse_policy
from shared.runtime.settings import POLICY_FILE
from shared.sealed_table import SealedTable
from tests.integration.support import Deployment, unique


@pytest.fixture
def restored(deployment: Deployment):
    """The name of a new table that holds one item as it lies in the items table; and the item's key."""
    item = unique("restored")
    deployment.put_json({"tenant_id": "acme", "id": item, "ssn": "078-05-1120", "contacts": [{"email": "a@b.example"}]})
    stored = deployment.wait_for_item("acme", item)
    name = unique("customers-restored")
    client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("tenant_id", "item_id")],
        KeySchema=[
            {"AttributeName": "tenant_id", "KeyType": "HASH"},
            {"AttributeName": "item_id", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    client("dynamodb").put_item(TableName=name, Item=stored)
    yield name, {"tenant_id": "acme", "item_id": item}
    client("dynamodb").delete_table(TableName=name)


def _table(deployment: Deployment, name: str, policy) -> SealedTable:
    return SealedTable.connect(
        name, key_store=deployment["KEY_STORE"], attribute_key=deployment["ATTRIBUTE_KEY"], policy=policy
    )


def test_items_restored_under_another_table_name_open(deployment: Deployment, restored):
    name, key = restored

    opened = _table(deployment, name, load_policy(POLICY_FILE)).get_item(Key=key)["Item"]

    assert (opened["ssn"], opened["contacts"]) == ("078-05-1120", [{"email": "a@b.example"}])


def test_they_do_not_open_as_another_dataset(deployment: Deployment, restored):
    name, key = restored
    source = POLICY_FILE.read_text(encoding="utf-8").replace('dataset = "customers"', 'dataset = "suppliers"')

    with pytest.raises(DoesNotOpen):
        _table(deployment, name, parse_policy(source, "policy.toml")).get_item(Key=key)
