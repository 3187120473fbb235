"""The example of docs/reading.md reads an item."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from moto import mock_aws

from shared.aws import clients
from shared.errors import KeyDenied
from shared.policy.load import load_policy
from shared.sealed_table import SealedTable
from tests.fakes.moto_aws import KEY_STORE_TABLE, REGION, dynamodb_with_key_store, kms_with_attribute_key
from tests.unit.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "reading.md"
POLICY_FILE = ROOT / "policy.toml"
(EXAMPLE,) = blocks(PAGE, "python")
KEY = {"tenant_id": "acme", "item_id": "c-1"}


@pytest.fixture
def environment(monkeypatch) -> Iterator[dict[str, str]]:
    """An account with an item in it, and what the example finds in its environment."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    clients.forget()
    with mock_aws():
        dynamodb = dynamodb_with_key_store()
        dynamodb.create_table(
            TableName="items",
            KeySchema=[
                {"AttributeName": "tenant_id", "KeyType": "HASH"},
                {"AttributeName": "item_id", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in KEY],
            BillingMode="PAY_PER_REQUEST",
        )
        _, attribute_key = kms_with_attribute_key()
        table = SealedTable.connect(
            "items", key_store=KEY_STORE_TABLE, attribute_key=attribute_key, policy=load_policy(POLICY_FILE)
        )
        table.put_item(Item={**KEY, "amount": Decimal("12.5"), "ssn": "078-05-1120"})
        found = {"TABLE": "items", "KEY_STORE": KEY_STORE_TABLE, "ATTRIBUTE_KEY": attribute_key}
        for name, value in found.items():
            monkeypatch.setenv(f"SEALSTREAM_{name}", value)
        yield found
    clients.forget()


def handler() -> Any:
    """The example's handler, with the policy of this checkout for the layer's."""
    assert EXAMPLE.count("/opt/sealstream/policy.toml") == 1
    module: dict[str, Any] = {}
    exec(EXAMPLE.replace("/opt/sealstream/policy.toml", str(POLICY_FILE)), module)  # noqa: S102 - as a reader would
    return module["handler"]


def test_the_example_reads_what_was_sealed(environment):
    assert {**KEY, "amount": "12.5", "ssn": "078-05-1120"} == handler()(KEY, None)
    assert {} == handler()({**KEY, "item_id": "c-2"}, None)


def test_the_example_says_what_its_credentials_may_not_open(environment, monkeypatch):
    def refuse(*_: object) -> None:
        raise KeyDenied("no")

    monkeypatch.setattr("shared.aws.kms.KmsKeyService.decrypt", refuse)

    assert {**KEY, "amount": "12.5", "ssn": "(sealed)"} == handler()(KEY, None)


def test_the_example_is_short():
    assert 15 >= len([line for line in EXAMPLE.splitlines() if line.strip()])
