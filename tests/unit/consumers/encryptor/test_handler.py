"""The Lambda's entry point on moto: an event in, Lambda's answer out, nothing but its own lines printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

from consumers.encryptor import handler
from shared.aws.clients import config, forget
from shared.errors import SettingsError
from tests.fakes.kinesis import kinesis_record

REGION = "us-east-1"
CANARY = "canary-4111111111111111"


class Context:
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


CONTEXT = Context()


def _table(dynamodb: Any, name: str, *keys: str) -> None:
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def dynamodb(monkeypatch) -> Iterator[Any]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION, config=config("dynamodb"))
        _table(dynamodb, "items", "tenant_id", "item_id")
        _table(dynamodb, "keys", "tenant_id", "row")
        _table(dynamodb, "held", "quarantine_id")
        boto3.client("s3", region_name=REGION).create_bucket(Bucket="held")
        boto3.client("kinesis", region_name=REGION).create_stream(StreamName="records", ShardCount=1)
        key = boto3.client("kms", region_name=REGION).create_key()["KeyMetadata"]["Arn"]
        settings = {
            "AWS_DEFAULT_REGION": REGION,
            "SEALSTREAM_TABLE": "items",
            "SEALSTREAM_KEY_STORE": "keys",
            "SEALSTREAM_ATTRIBUTE_KEY": key,
            "SEALSTREAM_QUARANTINE_BUCKET": "held",
            "SEALSTREAM_QUARANTINE_TABLE": "held",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        forget()
        handler._wired.cache_clear()
        yield dynamodb
        handler._wired.cache_clear()
        forget()


def event(*records: Any) -> dict[str, Any]:
    """An event of the stream of moto's account."""
    arn = f"arn:aws:kinesis:{REGION}:{DEFAULT_ACCOUNT_ID}:stream/records"
    return {"Records": [{**record, "eventSourceARN": arn} for record in records]}


def test_an_event_is_sealed_written_answered_and_reported(dynamodb, capsys):
    good = json.dumps({"tenant_id": "acme", "id": "1", "ssn": CANARY}).encode()

    answer = handler.handler(event(kinesis_record(good), kinesis_record(CANARY.encode(), sequence=1)), CONTEXT)

    assert {"batchItemFailures": []} == answer
    (item,) = dynamodb.scan(TableName="items")["Items"]
    assert {"B"} == item["ssn"].keys()
    assert 1 == len(dynamodb.scan(TableName="held")["Items"])
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert ["key.created", "key.created", "record.quarantined", "told"] == sorted(
        line["event"] for line in lines if "event" in line
    )
    (figures,) = (line for line in lines if "RecordsReceived" in line)
    assert (2, 1, 1) == tuple(figures[f"Records{name}"] for name in ("Received", "Written", "Quarantined"))
    assert CANARY not in printed.out + printed.err + repr(item)


def test_the_policy_is_published_before_anything_is_sealed_under_it(dynamodb):
    handler.handler(event(kinesis_record(b"no json")), CONTEXT)

    rows = dynamodb.scan(TableName="keys")["Items"]
    (published,) = [row for row in rows if row["row"]["S"].startswith("policy#")]
    assert "_system" == published["tenant_id"]["S"]
    assert "[attributes]" in published["source"]["S"]


def test_what_cannot_be_kept_is_answered_with_its_own_sequence_number(dynamodb):
    dynamodb.delete_table(TableName="items")
    record = kinesis_record(json.dumps({"tenant_id": "acme", "id": "1"}).encode())

    answer = handler.handler(event(record), CONTEXT)

    assert {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]} == answer


def test_a_missing_setting_is_named(dynamodb, monkeypatch):
    monkeypatch.delenv("SEALSTREAM_KEY_STORE")

    with pytest.raises(SettingsError, match="SEALSTREAM_KEY_STORE"):
        handler.handler(event(kinesis_record(b"{}")), CONTEXT)
