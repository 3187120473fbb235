"""One entry; what it holds is opened only where that is asked for, and only with the right to."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from consumers.encryptor import handler
from ops.quarantine.content import opened
from ops.quarantine.show import show
from shared.aws.clients import client, forget
from shared.errors import DoesNotOpen, KeyDenied, SettingsError
from shared.model import InboundRecord
from tests.fakes.files import file_source, line_payload, wrapped_payload
from tests.fakes.kept_events import kept_in_memory
from tests.fakes.kinesis import aggregate, kinesis_record
from tests.unit.ops.quarantine.world import IDS, index

REGION = "us-east-1"
TABLES = [("items", "tenant_id", "item_id"), ("keys", "tenant_id", "row"), ("held", "quarantine_id")]
BAD = [b'{"tenant_id": "acme", "id": 1, "n": %d}' % number for number in range(2)]
NAMES = {"TABLE": "items", "KEY_STORE": "keys", "QUARANTINE_BUCKET": "held", "QUARANTINE_TABLE": "held"}


@pytest.fixture
def kept(monkeypatch):
    """The id of an entry of two records of one aggregate, as the encryptor itself kept it."""
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
        kinesis = boto3.client("kinesis")
        kinesis.create_stream(StreamName="records", ShardCount=1)
        stream = kinesis.describe_stream_summary(StreamName="records")["StreamDescriptionSummary"]["StreamARN"]
        for name, value in NAMES.items():
            monkeypatch.setenv(f"SEALSTREAM_{name}", value)
        monkeypatch.setenv("SEALSTREAM_ATTRIBUTE_KEY", boto3.client("kms").create_key()["KeyMetadata"]["Arn"])
        forget()
        handler._wired.cache_clear()
        record = kinesis_record(aggregate([("key", payload) for payload in BAD])) | {"eventSourceARN": stream}
        context: Any = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 60_000)
        with kept_in_memory():
            handler.handler({"Records": [record]}, context)
        (row,) = dynamodb.scan(TableName="held")["Items"]
        yield row["quarantine_id"]["S"]
        handler._wired.cache_clear()
        forget()


@pytest.fixture
def in_terminal(monkeypatch):
    for module in ("listing", "show"):
        monkeypatch.setattr(f"ops.quarantine.{module}.for_programs", lambda *, as_json: as_json)


@pytest.mark.usefixtures("in_terminal")
def test_every_payload_is_shown_as_it_was_sent(kept, capsys):
    capsys.readouterr()
    show(kept, open_content=True)

    shown = capsys.readouterr().out.splitlines()
    at = shown.index("record 0 of partition key key")
    assert ["record 0 of partition key key", f"  {BAD[0].decode()}"] == shown[at : at + 2]
    assert ["record 1 of partition key key", f"  {BAD[1].decode()}"] == shown[at + 2 :]


def test_for_programs_it_is_one_document(kept, capsys):
    capsys.readouterr()
    show(kept, open_content=True)

    document = json.loads(capsys.readouterr().out)
    assert (kept, "id_invalid", 2) == tuple(document[name] for name in ("quarantine_id", "reason", "record_count"))
    assert [one.decode() for one in BAD] == [record["payload"] for record in document["records"]]
    assert ["key", "key"] == [record["partition_key"] for record in document["records"]]


def test_nothing_is_opened_unless_that_is_asked_for(kept, capsys):
    capsys.readouterr()
    show(kept)

    text = capsys.readouterr().out
    assert "records" not in json.loads(text)
    assert '"n"' not in text


def test_a_refusal_of_kms_is_said_with_who_may(kept, monkeypatch):
    def denied(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "5500005555555559"}}, "Decrypt")

    monkeypatch.setattr(client("kms"), "decrypt", denied)
    with pytest.raises(KeyDenied, match="your credentials may not open what is in quarantine") as raised:
        show(kept, open_content=True)
    assert "AccessDeniedException" in str(raised.value)
    assert "docs/runbook.md" in str(raised.value)
    assert "5500005555555559" not in str(raised.value)


def test_content_that_was_changed_does_not_open(kept):
    row = client("dynamodb").get_item(TableName="held", Key={"quarantine_id": {"S": kept}})["Item"]
    place: Any = {"Bucket": "held", "Key": row["object_key"]["S"]}
    content = bytearray(client("s3").get_object(**place)["Body"].read())
    content[-1] ^= 1
    client("s3").put_object(**place, Body=bytes(content))

    with pytest.raises(DoesNotOpen):
        opened(kept)


def test_content_that_is_gone_is_said(kept):
    row = client("dynamodb").get_item(TableName="held", Key={"quarantine_id": {"S": kept}})["Item"]
    client("s3").delete_object(Bucket="held", Key=row["object_key"]["S"])

    with pytest.raises(SystemExit, match="is gone"):
        opened(kept)
    with pytest.raises(SystemExit, match="is gone"):
        opened("f" * 32)


def test_a_missing_name_is_said(kept, monkeypatch):
    monkeypatch.delenv("SEALSTREAM_QUARANTINE_BUCKET")
    with pytest.raises(SettingsError, match="SEALSTREAM_QUARANTINE_BUCKET"):
        opened(kept)


def test_an_entry_that_is_not_there_is_said():
    with pytest.raises(SystemExit, match="there is no entry"):
        show("f" * 32, index=index())


@pytest.mark.usefixtures("in_terminal")
def test_what_a_terminal_takes_for_a_command_is_escaped_and_binary_is_base64(capsys):
    records = [
        InboundRecord("1", "shard-1", 0, b"\x1b[2J", 0.0, b'{"a": "\x1b[2J"}'),
        InboundRecord("1", "shard-1", 1, b"\xff", 0.0, b"\xff\x00", explicit_hash_key=5),
    ]
    show(IDS[1], open_content=True, index=index(), open_entry=lambda quarantine_id: records)

    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "\\u001b[2J" in text
    assert ["record 1 of partition key (binary) /w==, explicit hash key 5", "  (binary) /wA="] == text.splitlines()[-2:]
    assert ["tenant_id", "acme"] in [line.split() for line in text.splitlines()]


WRAPPED = wrapped_payload(file_source(7), "not_json", b'{"a": 1')


@pytest.mark.usefixtures("in_terminal")
def test_a_line_that_is_no_record_is_shown_as_it_stands_in_the_file(capsys):
    show(IDS[0], open_content=True, index=index(), open_entry=lambda _: [_of(WRAPPED)])

    assert ["the line of the file, which is no record, and came wrapped:", '  {"a": 1'] == (
        capsys.readouterr().out.splitlines()[-2:]
    )


def test_for_programs_it_stands_beside_what_came(capsys):
    plain = line_payload(file_source(7), line="eA==")
    too_long = wrapped_payload(file_source(7), "line_too_long", offset=1, bytes=2)
    no_base64 = WRAPPED.replace(b'"line": "', b'"line": "=')
    payloads = [WRAPPED, plain, too_long, no_base64, b'{"line": "eA=="}', b"no json"]
    show(IDS[0], open_content=True, as_json=True, index=index(), open_entry=lambda _: [_of(one) for one in payloads])

    records = json.loads(capsys.readouterr().out)["records"]
    assert [one.decode() for one in payloads] == [record["payload"] for record in records]
    assert ['{"a": 1', *[None] * 5] == [record.get("line") for record in records]


def _of(payload: bytes) -> InboundRecord:
    return InboundRecord("1", "shard-1", 0, b"p", 0.0, payload)
