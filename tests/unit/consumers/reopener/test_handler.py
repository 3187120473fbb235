"""The Lambda's entry point on moto: a retired key opens again; what cannot be done is an error that quotes nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from consumers.reopener import handler as module
from shared.aws.clients import config, forget
from shared.aws.key_rows import data_key_item
from shared.aws.key_store import DynamoKeyStore
from shared.errors import KeyUnknown, SettingsError, StoreUnavailable
from shared.keys.ports import DataKeyRow
from shared.model import KeyState

REGION = "us-east-1"
RETIRED = DataKeyRow(
    "acme", 0xAB, "pii", b"wrapped", "arn", "", KeyState.RETIRED, 1.0, "", 2.0, state_set_by="5" * 32, state_set_at=3.0
)


class Context:
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def dynamodb(monkeypatch) -> Iterator[Any]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("SEALSTREAM_KEY_STORE", "keys")
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION, config=config("dynamodb"))
        dynamodb.create_table(
            TableName="keys",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("tenant_id", "row")],
            KeySchema=[
                {"AttributeName": "tenant_id", "KeyType": "HASH"},
                {"AttributeName": "row", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        forget()
        module._reopener.cache_clear()
        yield dynamodb
        module._reopener.cache_clear()
        forget()


def reopen() -> Any:
    return module.handler({"tenant_id": "acme", "key_id": "000000ab"}, Context())


def test_a_retired_key_opens_again_and_its_event_is_kept(dynamodb, kept):
    dynamodb.put_item(TableName="keys", Item=data_key_item(RETIRED))

    assert {"state": "decrypt_only"} == reopen()

    row = DynamoKeyStore(dynamodb, "keys").rows("acme", [0xAB])[0xAB]
    reopened = replace(RETIRED, state=KeyState.DECRYPT_ONLY, closed_at=row.closed_at, state_set_at=row.state_set_at)
    assert reopened == row
    (event,) = kept.events
    assert ("key.reopened", "acme", "pii", "000000ab", "5" * 32) == tuple(
        event[name] for name in ("event", "tenant_id", "data_class", "key_id", "run_id")
    )


def test_an_outage_and_a_key_that_is_not_there_are_told_apart(dynamodb):
    with pytest.raises(KeyUnknown):
        reopen()
    dynamodb.delete_table(TableName="keys")
    with pytest.raises(StoreUnavailable):
        reopen()


@pytest.mark.usefixtures("dynamodb")
def test_a_missing_setting_is_named(monkeypatch):
    monkeypatch.delenv("SEALSTREAM_KEY_STORE")
    with pytest.raises(SettingsError, match="SEALSTREAM_KEY_STORE"):
        reopen()


def test_the_reopener_runs_without_any_cipher_library():
    program = "import sys; sys.modules.update(tink=None, cryptography=None); import consumers.reopener.handler"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
