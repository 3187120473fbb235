"""Data keys counted by class, state and age; and what is read of them."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from ops.report.keys import KeyFacts, age_of, bin_of, inventory
from ops.report.stored_keys import stored_keys, stored_policy
from shared.aws.key_rows import data_key_item, pointer_item, policy_item, primary_key
from shared.errors import StoreUnavailable
from shared.keys.ports import DataKeyRow
from shared.model import KeyState
from shared.policy.load import parse_policy

DAY = 86_400
NOW = 400.0 * DAY
POLICY = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
unknown_order = "quarantine"
[defaults]
undeclared = "seal"
data_class = "pii"
[classes.pii]
[classes.pci]
rotate_after_days = 90
[attributes]
"ssn" = { seal = "pii" }
"card" = { seal = "pci" }
"""


def row(key_id: int, state: KeyState = KeyState.ACTIVE, **fields) -> DataKeyRow:
    return DataKeyRow("acme", key_id, "pii", b"encrypted", "arn:aws:kms:::key/1", "", state, 5.0, **fields)


def test_keys_are_counted_by_class_and_state():
    keys = [
        KeyFacts("pci", KeyState.ACTIVE, NOW - 89 * DAY),
        KeyFacts("pci", KeyState.ACTIVE, NOW - 90 * DAY),
        KeyFacts("pii", KeyState.ACTIVE, NOW - 300 * DAY),
        KeyFacts("pii", KeyState.RETIRED, NOW - 300 * DAY, NOW - 299 * DAY, NOW),
    ]
    found = inventory(keys, {"pci": 90, "pii": None}, NOW)
    assert [("pci", 1), ("pii", 0)] == [(one.data_class, one.overdue) for one in found.classes]
    assert (3, 1, 1) == (found.count(KeyState.ACTIVE), found.count(KeyState.RETIRED), found.overdue)
    assert NOW - 300 * DAY == found.oldest_active_at
    assert 1 == found.classes[1].ages[KeyState.RETIRED, bin_of(DAY)], "its age when it was replaced"


def test_without_a_policy_nobody_knows_what_is_overdue():
    found = inventory([KeyFacts("pii", KeyState.ACTIVE, NOW - 300 * DAY)], None, NOW)
    assert (None, False) == (found.overdue, found.is_limited)


def test_a_row_that_cannot_be_read_is_counted_as_such():
    assert 1 == inventory([KeyFacts("", None, 0.0)], {}, NOW).unreadable


@pytest.mark.parametrize("age", [1.0, 60.0, 3_600.0, 90.0 * DAY])
def test_an_age_is_near_the_middle_of_its_bin(age):
    assert age / 1.5 < age_of(bin_of(age)) < age * 1.5


def test_ages_under_a_second_are_one_second():
    assert bin_of(1.0) == bin_of(0.2) == bin_of(-3.0)


@pytest.fixture
def table(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="keys",
            KeySchema=[
                {"AttributeName": "tenant_id", "KeyType": "HASH"},
                {"AttributeName": "row", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("tenant_id", "row")],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


def test_of_the_key_store_states_and_times_are_read_and_no_key(table):
    items = [
        data_key_item(row(1)),
        data_key_item(row(2, KeyState.RETIRED, closed_at=7.0, state_set_at=9.0)),
        data_key_item(row(3, KeyState.DECRYPT_ONLY, closed_at=7.0, state_set_at=9.0)),
        primary_key("acme", "key#00000004"),
        pointer_item("acme", "pii", 1),
    ]
    for item in items:
        table.put_item(TableName="keys", Item=item)
    asked = []
    table.meta.events.register("before-parameter-build.dynamodb.Scan", lambda params, **_: asked.append(params))
    assert {
        KeyFacts("pii", KeyState.ACTIVE, 5.0),
        KeyFacts("pii", KeyState.RETIRED, 5.0, 7.0, 9.0),
        KeyFacts("pii", KeyState.DECRYPT_ONLY, 5.0, 7.0),
        KeyFacts("", None, 0.0),
    } == set(stored_keys(table, "keys"))
    assert "encrypted_data_key" not in asked[0]["ExpressionAttributeNames"].values()
    assert asked[0]["ProjectionExpression"]


def test_a_key_store_that_does_not_answer_is_told(table):
    with pytest.raises(StoreUnavailable):
        list(stored_keys(table, "another"))


def test_the_policy_is_the_one_that_changes_name(table):
    digest = parse_policy(POLICY, "policy.toml").digest
    table.put_item(TableName="keys", Item=policy_item(digest, POLICY, 1.0))
    table.put_item(TableName="keys", Item=policy_item(b"\1" * 8, "no policy", 2.0))
    found = stored_policy(table, "keys", digest.hex())
    assert found is not None
    assert {"pii": None, "pci": 90} == {name: one.rotate_after_days for name, one in found.classes.items()}
    assert stored_policy(table, "keys", "01" * 8) is stored_policy(table, "keys", "02" * 8) is None
