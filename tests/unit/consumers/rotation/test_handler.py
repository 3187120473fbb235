"""The Lambda's entry point on moto: from begin to done, and which errors pass by themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

import consumers.rotation.handler as module
from consumers.rotation.options import is_loopback
from consumers.rotation.wiring import wire
from shared.aws.clients import config, forget
from shared.aws.key_store import DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.aws.runs import DynamoRunStore
from shared.errors import RetryLater, RunRefused, SettingsError
from shared.keys.keyring import Keyring
from shared.runs.model import Phase, Segment
from shared.runtime.settings import RotationSettings

REGION = "eu-central-1"
KEYS = {"items": ("tenant_id", "item_id"), "keys": ("tenant_id", "row"), "runs": ("run_id", "row")}


class Context:
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 600_000


@pytest.fixture
def dynamodb(monkeypatch) -> Iterator[Any]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name=REGION, config=config("dynamodb"))
        for table, (partition, sort) in KEYS.items():
            client.create_table(
                TableName=table,
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in (partition, sort)],
                KeySchema=[
                    {"AttributeName": partition, "KeyType": "HASH"},
                    {"AttributeName": sort, "KeyType": "RANGE"},
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        arn = boto3.client("kms", region_name=REGION).create_key()["KeyMetadata"]["Arn"]
        environment = {
            "AWS_DEFAULT_REGION": REGION,
            "SEALSTREAM_TABLE": "items",
            "SEALSTREAM_KEY_STORE": "keys",
            "SEALSTREAM_ATTRIBUTE_KEY": arn,
            "SEALSTREAM_RUNS": "runs",
            "SEALSTREAM_QUARANTINE_TABLE": "quarantine-index",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        forget()
        wired = module._rotation
        wired.cache_clear()
        Keyring(
            store=DynamoKeyStore(client, "keys"),
            service=KmsKeyService(boto3.client("kms", region_name=REGION), arn),
            dataset="customers",
            trusted_kms_key_arns=frozenset({arn}),
        ).active("acme", "pii")
        yield client
    forget()
    wired.cache_clear()


def call(operation: str, **event: Any) -> dict[str, Any]:
    """What the Lambda answers, as JSON that it is sent through."""
    answer: dict[str, Any] = json.loads(json.dumps(module.handler({"operation": operation, **event}, Context())))
    return answer


def scanned(dynamodb: Any, run_id: str, segments: list[int], phase: Phase) -> None:
    """What the sweeper does."""
    for number in segments:
        assert DynamoRunStore(dynamodb, "runs").save_segment(Segment(run_id, phase, number, done=True))


def test_a_rotation_goes_from_begin_to_its_barrier(dynamodb, kept):
    run_id = call("begin", kind="rotation", due=False)["run_id"]
    assert call("begin", kind="rotation")["joined"]

    answer = call("advance", run_id=run_id)
    assert (answer["phase"], answer["segments"], answer["counts"]["keys"]["renewed"]) == ("sweep", [0, 1, 2, 3, 4], 1)
    scanned(dynamodb, run_id, answer["segments"], Phase.SWEEP)
    answer = call("advance", run_id=run_id)

    assert answer["phase"] == "barrier"
    assert 0 < answer["wait_seconds"] <= 2_281
    assert {"rotation.started", "key.rotated"} == set(kept.names)


def test_on_the_local_aws_a_run_may_end_at_once(dynamodb, monkeypatch):
    settings = RotationSettings.from_environment(os.environ)
    local = wire(settings, {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})
    monkeypatch.setattr(module, "_rotation", lambda: local)
    run_id = call("begin", kind="rotation", due=False, barrier_seconds=0)["run_id"]
    scanned(dynamodb, run_id, call("advance", run_id=run_id)["segments"], Phase.SWEEP)
    scanned(dynamodb, run_id, call("advance", run_id=run_id)["segments"], Phase.CENSUS)

    answer = call("advance", run_id=run_id)

    assert (answer["phase"], answer["verdict"], answer["counts"]["keys"]["retired"]) == ("done", "retired", 1)


@pytest.mark.usefixtures("dynamodb")
def test_production_refuses_a_short_barrier():
    with pytest.raises(RunRefused, match="barrier_seconds"):
        call("begin", kind="rotation", barrier_seconds=0)


def test_what_may_pass_is_one_class_and_what_may_not_is_another(dynamodb):
    dynamodb.delete_table(TableName="runs")
    with pytest.raises(RetryLater) as passing:
        call("begin", kind="rotation")
    assert type(passing.value) is RetryLater
    assert "ResourceNotFoundException" in str(passing.value)
    with pytest.raises(RunRefused, match="one of: begin, advance, cancel"):
        call("go")


def test_a_missing_setting_is_named(monkeypatch):
    module._rotation.cache_clear()
    monkeypatch.delenv("SEALSTREAM_TABLE", raising=False)
    with pytest.raises(SettingsError, match="SEALSTREAM_TABLE"):
        call("begin", kind="rotation")


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("", False),
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("http://[::1]:4566", True),
        ("https://kms.eu-central-1.amazonaws.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://10.0.0.1", False),
        ("http://user@example.com:80/127.0.0.1", False),
        ("http://[::1", False),
        ("127.0.0.1:4566", False),
    ],
)
def test_only_a_loopback_endpoint_is_the_local_aws(endpoint, expected):
    assert expected == is_loopback(endpoint)


def test_rotation_runs_without_any_cipher_library():
    # its Lambda asset holds none: it could not open a value even if it were given a key
    program = "import sys; sys.modules.update(tink=None, cryptography=None); import consumers.rotation.handler"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
