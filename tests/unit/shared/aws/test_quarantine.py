from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from shared.aws.clients import config
from shared.aws.quarantine import S3Quarantine, object_key
from shared.errors import Reason, StoreUnavailable
from shared.file_source import FileSource
from shared.model import QuarantineEntry
from tests.fakes.items import FakeQuarantine

ENTRY = QuarantineEntry(
    quarantine_id="0123456789abcdef0123456789abcdef",
    reason=Reason.NOT_JSON,
    detail="the payload is not one JSON value",
    tenant_id="",
    stream_arn="arn:aws:kinesis:eu-central-1:111122223333:stream/records",
    shard_id="shardId-000000000000",
    sequence_number="49590338271490256608559692538361571095921575989136588898",
    arrived_at=1_700_000_000.25,
    record_count=3,
    sealed_content=b"\x01sealed",
)


@pytest.fixture
def aws() -> Iterator[tuple[S3Quarantine, Any, Any]]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1", config=config("s3"))
        dynamodb = boto3.client("dynamodb", region_name="us-east-1", config=config("dynamodb"))
        s3.create_bucket(Bucket="held")
        dynamodb.create_table(
            TableName="index",
            KeySchema=[{"AttributeName": "quarantine_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "quarantine_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield S3Quarantine(s3, dynamodb, bucket="held", table="index"), s3, dynamodb


def _rows(dynamodb: Any) -> list[Any]:
    return dynamodb.scan(TableName="index")["Items"]


def test_an_entry_is_a_sealed_object_and_a_row_that_names_it(aws):
    quarantine, s3, dynamodb = aws

    quarantine.keep(ENTRY)

    (row,) = _rows(dynamodb)
    assert "2023/11/14/0123456789abcdef0123456789abcdef" == row["object_key"]["S"] == object_key(ENTRY)
    assert b"\x01sealed" == s3.get_object(Bucket="held", Key=row["object_key"]["S"])["Body"].read()
    assert {"not_json", "held", "3", "1700000000.250"} == {
        next(iter(row[name].values())) for name in ("reason", "state", "record_count", "arrived_at")
    }
    assert "tenant_id" not in row


def test_a_known_tenant_stands_in_the_row(aws):
    quarantine, _, dynamodb = aws

    quarantine.keep(replace(ENTRY, tenant_id="acme"))

    assert {"S": "acme"} == _rows(dynamodb)[0]["tenant_id"]


def test_a_line_of_a_file_is_named_by_it_in_the_row_and_lies_with_its_files_day(aws):
    quarantine, s3, dynamodb = aws
    source = FileSource("landing", "tenant=acme/a.json", "v1", 7, 1_699_900_000, "00")
    entry = replace(ENTRY, source=source)

    quarantine.keep(entry)
    quarantine.keep(replace(entry, arrived_at=1_700_100_000.0))

    (row,) = _rows(dynamodb)
    assert ("s3://landing/tenant=acme/a.json", "v1", "7") == tuple(
        next(iter(row[name].values())) for name in ("object", "version", "line")
    )
    assert "2023/11/13/0123456789abcdef0123456789abcdef" == row["object_key"]["S"] == object_key(entry)
    assert 1 == len(s3.list_objects_v2(Bucket="held")["Contents"])


@pytest.fixture(params=["fake", "moto"])
def either(request, aws) -> tuple[Any, Callable[[], list[bytes]]]:
    """A quarantine, and the contents that it holds."""
    quarantine, s3, _ = aws
    if request.param == "fake":
        fake = FakeQuarantine()
        return fake, lambda: [entry.sealed_content for entry in fake.entries.values()]
    return quarantine, lambda: [
        s3.get_object(Bucket="held", Key=found["Key"])["Body"].read()
        for found in s3.list_objects_v2(Bucket="held").get("Contents", [])
    ]


def test_keeping_it_again_leaves_what_is_there(either):
    quarantine, contents = either

    quarantine.keep(ENTRY)
    quarantine.keep(replace(ENTRY, sealed_content=b"\x01sealed anew"))

    assert [b"\x01sealed"] == contents()


@pytest.mark.parametrize("content_is_gone", [False, True])
def test_what_was_decided_about_is_held_again_with_its_content_once_its_record_comes_again(aws, content_is_gone):
    quarantine, s3, dynamodb = aws
    quarantine.keep(ENTRY)
    decided = {**_rows(dynamodb)[0], "state": {"S": "discarded"}, "decided_at": {"N": "1"}}
    if content_is_gone:
        s3.delete_object(Bucket="held", Key=decided.pop("object_key")["S"])
    dynamodb.put_item(TableName="index", Item=decided)

    quarantine.keep(replace(ENTRY, sealed_content=b"\x01sealed anew"))

    (row,) = _rows(dynamodb)
    assert "held" == row["state"]["S"]
    assert "decided_at" not in row
    # put after the row, so that it is not what the decision was about
    assert b"\x01sealed anew" == s3.get_object(Bucket="held", Key=row["object_key"]["S"])["Body"].read()


def test_a_row_says_when_it_was_kept(aws):
    _, s3, dynamodb = aws

    S3Quarantine(s3, dynamodb, bucket="held", table="index", wall=lambda: 1_700_000_009.5).keep(ENTRY)

    assert {"N": "1700000009.500"} == _rows(dynamodb)[0]["kept_at"]


def test_without_its_object_there_is_no_row(aws):
    _, s3, dynamodb = aws

    with pytest.raises(StoreUnavailable):
        S3Quarantine(s3, dynamodb, bucket="not-there", table="index").keep(ENTRY)

    assert [] == _rows(dynamodb)


@pytest.mark.parametrize("code", ["SlowDown", "ConditionalRequestConflict", "AccessDenied"])
def test_an_object_that_s3_refuses_is_not_taken_for_one_that_is_there(aws, code, monkeypatch):
    quarantine, s3, dynamodb = aws

    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code}}, "PutObject")

    monkeypatch.setattr(s3, "put_object", refused)
    with pytest.raises(StoreUnavailable, match=code):
        quarantine.keep(ENTRY)

    assert [] == _rows(dynamodb)


def test_an_object_without_its_row_is_not_kept_and_a_repetition_mends_it(aws):
    quarantine, s3, dynamodb = aws
    with pytest.raises(StoreUnavailable):
        S3Quarantine(s3, dynamodb, bucket="held", table="not-there").keep(ENTRY)

    quarantine.keep(ENTRY)

    assert 1 == len(_rows(dynamodb)) == s3.list_objects_v2(Bucket="held")["KeyCount"]
