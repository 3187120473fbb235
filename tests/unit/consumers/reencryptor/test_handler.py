"""The Lambda's entry point on moto: messages in, Lambda's answer out, nothing but its own lines printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from consumers.reencryptor import handler
from shared.aws.clients import config, forget
from shared.errors import SettingsError
from shared.findings import ItemReference, to_messages
from shared.model import VerdictKind
from shared.source_position import FOUND

REGION = "us-east-1"
CANARY = "canary-4111111111111111"
SETTINGS = {
    "AWS_DEFAULT_REGION": REGION,
    "SEALSTREAM_TABLE": "items",
    "SEALSTREAM_KEY_STORE": "keys",
    "SEALSTREAM_REOPENER": "reopener",
}


class Context:
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def dynamodb(monkeypatch) -> Iterator[Any]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION, config=config("dynamodb"))
        for name, sort_key in (("items", "item_id"), ("keys", "row")):
            dynamodb.create_table(
                TableName=name,
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("tenant_id", sort_key)],
                KeySchema=[
                    {"AttributeName": "tenant_id", "KeyType": "HASH"},
                    {"AttributeName": sort_key, "KeyType": "RANGE"},
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        key = boto3.client("kms", region_name=REGION).create_key()["KeyMetadata"]["Arn"]
        for name, value in (SETTINGS | {"SEALSTREAM_ATTRIBUTE_KEY": key}).items():
            monkeypatch.setenv(name, value)
        forget()
        handler._wired.cache_clear()
        yield dynamodb
        handler._wired.cache_clear()
        forget()


def event(*references, **foreign):
    bodies = {f"m{n}": body for n, body in enumerate(to_messages(references))} | foreign
    about = {"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000000"}
    return {
        "Records": [{"messageId": message_id, "body": body, "attributes": about} for message_id, body in bodies.items()]
    }


def test_an_item_that_somebody_else_wrote_is_sealed_answered_and_reported(dynamodb, capsys):
    keys = {"tenant_id": {"S": "acme"}, "item_id": {"S": "rogue"}}
    dynamodb.put_item(TableName="items", Item=keys | {"ssn": {"S": CANARY}, "amount": {"N": "1"}})
    rogue = ItemReference("acme", "rogue", VerdictKind.PLAINTEXT, 1_700_000_000.0)
    gone = ItemReference("acme", "gone", VerdictKind.STALE, 1_700_000_000.0)

    answer = handler.handler(event(rogue, gone, foreign="{}"), Context())

    assert {"batchItemFailures": [{"itemIdentifier": "foreign"}]} == answer
    (item,) = dynamodb.scan(TableName="items")["Items"]
    assert {"B"} == item["ssn"].keys()
    assert ({"B": FOUND.to_bytes()}, {"N": "1700000000"}) == (item["_src"], item["_open_since"])
    assert {"N": "1"} == item["amount"]
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert ["key.created", "failure", "told"] == [line["event"] for line in lines if "event" in line]
    (figures,) = (line for line in lines if "FindingsReceived" in line)
    assert (2, 1, 1, 1) == tuple(
        figures[name] for name in ("FindingsReceived", "ItemsMended", "ItemsClean", "ValuesSealed")
    )
    assert CANARY not in printed.out + printed.err


def test_the_policy_is_published_before_anything_is_sealed_under_it(dynamodb):
    handler.handler(event(), Context())
    (row,) = dynamodb.scan(TableName="keys")["Items"]
    assert row["row"]["S"].startswith("policy#")


def test_a_missing_setting_is_named(monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    handler._wired.cache_clear()
    with pytest.raises(SettingsError, match="SEALSTREAM_TABLE"):
        handler.handler(event(), Context())
