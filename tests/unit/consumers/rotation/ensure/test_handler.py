"""The Lambda's entry point on moto: keys are made, told of and usable; the policy is published first."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from consumers.rotation.ensure import handler as module
from shared.aws.clients import config, forget
from shared.aws.key_store import DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.aws.kms_wrapping import KmsWrappingService
from shared.errors import KeyServiceUnavailable, RequestRefused, RetryLater, SettingsError
from shared.keys.keyring import Keyring
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE

REGION = "eu-central-1"


class Context:
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@pytest.fixture
def dynamodb(monkeypatch) -> Iterator[Any]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
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
        arn = boto3.client("kms", region_name=REGION).create_key()["KeyMetadata"]["Arn"]
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        monkeypatch.setenv("SEALSTREAM_KEY_STORE", "keys")
        monkeypatch.setenv("SEALSTREAM_ATTRIBUTE_KEY", arn)
        forget()
        module._ensurer.cache_clear()
        yield dynamodb
        module._ensurer.cache_clear()
        forget()


def ensure(*data_classes: str) -> Any:
    return module.handler({"tenant_id": "acme", "data_classes": list(data_classes)}, Context())


def test_a_reader_opens_what_was_made_and_its_event_is_kept_and_counted(dynamodb, kept, capsys):
    assert {} == ensure("pii", "phi")

    arn = module._ensurer().attribute_key
    keyring = Keyring(
        store=DynamoKeyStore(dynamodb, "keys"),
        service=KmsKeyService(boto3.client("kms", region_name=REGION), arn),
        dataset="customers",
        trusted_kms_key_arns=frozenset({arn}),
    )
    assert [("key.created", "acme", name, f"{keyring.active('acme', name).key_id:08x}") for name in ("pii", "phi")] == [
        tuple(event[name] for name in ("event", "tenant_id", "data_class", "key_id")) for event in kept.events
    ]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [1, 1] == [line["KeysCreated"] for line in lines if "KeysCreated" in line]


def test_the_policy_is_published_before_anything_can_be_sealed_under_it(dynamodb):
    assert {} == ensure()

    [published] = DynamoKeyStore(dynamodb, "keys").published_policies()
    assert load_policy(POLICY_FILE).digest == published.digest


def test_an_outage_passes_and_a_request_of_another_form_does_not(dynamodb):
    with pytest.raises(RequestRefused):
        ensure("quarantine")
    dynamodb.delete_table(TableName="keys")
    with pytest.raises(RetryLater) as outage:
        ensure("pii")
    assert RetryLater is type(outage.value), "the name by which who called knows it"


@pytest.mark.usefixtures("dynamodb")
def test_a_kms_that_does_not_answer_is_counted(monkeypatch, capsys):
    def throttle(*_: Any) -> Any:
        raise KeyServiceUnavailable("throttled")

    monkeypatch.setattr(KmsWrappingService, "generate_wrapped", throttle)

    with pytest.raises(RetryLater):
        ensure("pii", "phi")
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert [1] == [line["KmsFailures"] for line in lines if "KmsFailures" in line]


@pytest.mark.usefixtures("dynamodb")
def test_a_missing_setting_is_named(monkeypatch):
    monkeypatch.delenv("SEALSTREAM_KEY_STORE")
    with pytest.raises(SettingsError, match="SEALSTREAM_KEY_STORE"):
        ensure()


def test_ensure_keys_runs_without_any_cipher_library():
    program = "import sys; sys.modules.update(tink=None, cryptography=None); import consumers.rotation.ensure.handler"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
