"""The runbook's look into quarantine, run on what the encryptor itself put there."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from consumers.encryptor import handler
from shared.aws.clients import forget
from tests.fakes.kinesis import aggregate, kinesis_record
from tests.unit.docs.pages import ROOT, blocks

REGION = "us-east-1"
TABLES = [("items", "tenant_id", "item_id"), ("keys", "tenant_id", "row"), ("held", "quarantine_id")]
BAD = [b'{"tenant_id": "acme", "id": 1, "n": %d}' % number for number in range(2)]


@pytest.fixture
def quarantine_id(monkeypatch):
    """The id of an entry of two records of one aggregate."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        dynamodb: Any = boto3.client("dynamodb")
        for table, *keys in TABLES:
            dynamodb.create_table(
                TableName=table,
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        boto3.client("s3").create_bucket(Bucket="held")
        monkeypatch.setenv("SEALSTREAM_TABLE", "items")
        monkeypatch.setenv("SEALSTREAM_KEY_STORE", "keys")
        monkeypatch.setenv("SEALSTREAM_ATTRIBUTE_KEY", boto3.client("kms").create_key()["KeyMetadata"]["Arn"])
        monkeypatch.setenv("SEALSTREAM_QUARANTINE_BUCKET", "held")
        monkeypatch.setenv("SEALSTREAM_QUARANTINE_TABLE", "held")
        forget()
        handler._wired.cache_clear()
        event = {"Records": [kinesis_record(aggregate([("key", payload) for payload in BAD]))]}
        context: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
        handler.handler(event, context)
        (row,) = dynamodb.scan(TableName="held")["Items"]
        yield row["quarantine_id"]["S"]
        handler._wired.cache_clear()
        forget()


def test_every_payload_of_an_entry_is_shown_as_it_was_sent(quarantine_id, monkeypatch, capfdbinary):
    capfdbinary.readouterr()
    (snippet,) = (block for block in blocks(ROOT / "docs" / "runbook.md", "python") if "SEALSTREAM_QUARANTINE" in block)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["-", quarantine_id])

    exec(compile(snippet, "runbook.md", "exec"), {})  # noqa: S102 - the page's own snippet

    sys.stdout.flush()
    shown = capfdbinary.readouterr().out.splitlines()
    assert [b"record 0 of partition key b'key'", BAD[0], b"record 1 of partition key b'key'", BAD[1]] == shown
    assert all(json.loads(line) for line in shown[1::2])
