"""The redriver's entry point on moto: an operator's request in, an answer or a refusal out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

from consumers.encryptor import handler as encryptor
from consumers.encryptor.again import handler
from shared.aws.clients import forget
from shared.errors import RequestRefused, RetryLater, SettingsError

REGION = "us-east-1"
ARN = f"arn:aws:kinesis:{REGION}:{DEFAULT_ACCOUNT_ID}:stream/records"
SHARD = "shardId-000000000000"
CANARY = "canary-4111111111111111"
TABLES = [("items", "tenant_id", "item_id"), ("keys", "tenant_id", "row"), ("held", "quarantine_id")]
CONTEXT: Any = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 900_000)


@pytest.fixture
def aws(monkeypatch) -> Iterator[Any]:
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
        boto3.client("kinesis").create_stream(StreamName="records", ShardCount=1)
        settings = {
            "TABLE": "items",
            "KEY_STORE": "keys",
            "ATTRIBUTE_KEY": boto3.client("kms").create_key()["KeyMetadata"]["Arn"],
            "QUARANTINE_BUCKET": "held",
            "QUARANTINE_TABLE": "held",
            "STREAM_ARN": ARN,
        }
        for name, value in settings.items():
            monkeypatch.setenv(f"SEALSTREAM_{name}", value)
        _forget()
        yield dynamodb
        _forget()


def _forget() -> None:
    forget()
    handler._redriver.cache_clear()
    encryptor._wired.cache_clear()


def put(payload: bytes) -> str:
    kinesis = boto3.client("kinesis")
    return kinesis.put_record(StreamName="records", Data=payload, PartitionKey="p")["SequenceNumber"]


def call(operation: str, **fields: Any) -> dict[str, Any]:
    return handler.handler({"operation": operation, **fields}, CONTEXT)


def test_the_stream_is_listed_planned_and_replayed(aws, capsys):
    put(json.dumps({"tenant_id": "acme", "id": "1", "ssn": CANARY}).encode())
    number = put(CANARY.encode())

    (shard,) = call("shards", **{"from": 1.0})["shards"]
    plan = call("replay", shard_id=SHARD, **{"from": 1.0}, dry_run=True)
    assert not aws.scan(TableName="keys")["Items"], "not even the policy"
    replay = call("replay", shard_id=SHARD, **{"from": 1.0})

    assert {"shard_id": SHARD, "parents": [], "closed": False} == shard
    assert {"sendable": 1, "quarantined": 1, "retry": 0} == plan["outcomes"]
    assert (True, number, 1, 1) == (
        replay["done"],
        replay["after"],
        replay["outcomes"]["written"],
        replay["outcomes"]["quarantined"],
    )
    rest = call("replay", shard_id=SHARD, **{"from": 1.0}, after=number)
    assert (True, False, 0) == (rest["done"], rest["missing"], rest["kinesis_records"]), "what is done is met again"
    assert {"B"} == aws.scan(TableName="items")["Items"][0]["ssn"].keys()
    assert {"active#pii", "active#quarantine"} <= {row["row"]["S"] for row in aws.scan(TableName="keys")["Items"]}
    assert CANARY not in capsys.readouterr().out


def test_a_replay_finds_the_very_entry_that_the_stream_fed_encryptor_kept(aws):
    number = put(CANARY.encode())
    (record,) = boto3.client("kinesis").get_records(
        ShardIterator=boto3.client("kinesis").get_shard_iterator(
            StreamName="records", ShardId=SHARD, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
    )["Records"]
    event = {
        "kinesis": {
            "partitionKey": "p",
            "sequenceNumber": number,
            "data": "Y2FuYXJ5LTQxMTExMTExMTExMTExMTE=",
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
        },
        "eventID": f"{SHARD}:{number}",
        "eventSourceARN": ARN,
    }
    encryptor.handler({"Records": [event]}, CONTEXT)
    (row,) = aws.scan(TableName="held")["Items"]
    asked = row["quarantine_id"]["S"]

    discarded = call("discard", quarantine_ids=[asked])["entries"][asked]
    answer = call("reread", shard_id=SHARD, first=number, last=number)

    assert "discarded" == discarded["state"]
    assert 1 == answer["outcomes"]["quarantined"]
    (again,) = aws.scan(TableName="held")["Items"]
    assert (asked, "held", row["object_key"]) == (
        again["quarantine_id"]["S"],
        again["state"]["S"],
        again["object_key"],
    )
    assert "held" == call("redrive", quarantine_ids=[asked])["entries"][asked]["state"]


def test_what_is_asked_for_otherwise_is_refused(aws, capsys):
    with pytest.raises(RequestRefused, match="operation"):
        call(CANARY)

    assert CANARY not in capsys.readouterr().out


def test_an_outage_is_a_retry_by_that_name(aws):
    aws.delete_table(TableName="keys")

    with pytest.raises(RetryLater) as raised:
        call("reread", shard_id=SHARD, first="1", last="2")

    assert RetryLater is type(raised.value)


def test_a_missing_setting_is_named(aws, monkeypatch):
    monkeypatch.delenv("SEALSTREAM_STREAM_ARN")

    with pytest.raises(SettingsError, match="SEALSTREAM_STREAM_ARN"):
        call("shards", **{"from": 1.0})
