"""The source stream read again, on moto; records come as Lambda gives them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

from consumers.encryptor.deaggregate import user_records
from shared.aws.clients import config
from shared.aws.kinesis_records import KinesisRecords
from shared.model import InboundRecord
from shared.runtime.rereading import AfterRecord, AtRecord, AtTime

ARN = f"arn:aws:kinesis:us-east-1:{DEFAULT_ACCOUNT_ID}:stream/records"
SHARD = "shardId-000000000000"


@pytest.fixture
def kinesis() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("kinesis", region_name="us-east-1", config=config("kinesis"))
        client.create_stream(StreamName="records", ShardCount=1)
        yield client


def put(kinesis: Any, *payloads: bytes) -> list[str]:
    return [
        kinesis.put_record(StreamName="records", Data=payload, PartitionKey="Žofie")["SequenceNumber"]
        for payload in payloads
    ]


def read(kinesis: Any, place: Any) -> list[Any]:
    stream = KinesisRecords(kinesis, ARN, wait=lambda _: None)
    found: list[Any] = []
    for page in stream.pages(SHARD, place):
        found += page.records
        if page.caught_up:
            return found
    return found


def test_records_come_as_lambda_gives_them(kinesis):
    (number,) = put(kinesis, b"\xff\x00payload")

    (record,) = read(kinesis, AtRecord(number))

    assert number == record.sequence_number == record.event["kinesis"]["sequenceNumber"]
    assert b64encode(b"\xff\x00payload").decode() == record.event["kinesis"]["data"]
    (taken,) = user_records(record.event)
    assert isinstance(taken, InboundRecord)
    assert (b"\xff\x00payload", "Žofie".encode(), SHARD) == (taken.payload, taken.partition_key, taken.shard_id)
    assert record.arrived_at == taken.arrived_at == round(taken.arrived_at, 3)
    assert "payload" not in repr(record)
    assert 9 == record.size_bytes


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (lambda numbers: AtRecord(numbers[1]), [1, 2]),
        (lambda numbers: AfterRecord(numbers[1]), [2]),
        (lambda _: AtTime(0.0), [0, 1, 2]),
        (lambda _: AtTime(-60.0), [0, 1, 2]),
    ],
)
def test_reading_begins_at_a_record_after_one_or_at_a_time(kinesis, place, expected):
    numbers = put(kinesis, b"0", b"1", b"2")

    assert [numbers[index] for index in expected] == [one.sequence_number for one in read(kinesis, place(numbers))]


class Scripted:
    """A Kinesis that answers as AWS does where moto does not."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def get_shard_iterator(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if asked["ShardIteratorType"] == "AT_SEQUENCE_NUMBER":
            raise ClientError({"Error": {"Code": "InvalidArgumentException", "Message": "x"}}, "GetShardIterator")
        return {"ShardIterator": "oldest"}

    def get_records(self, **asked: Any) -> Any:
        self.asked.append(asked)
        arrived = datetime(2026, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)
        record = {"SequenceNumber": "7", "Data": b"x", "PartitionKey": "p", "ApproximateArrivalTimestamp": arrived}
        return {"Records": [record], "MillisBehindLatest": 5_000, "ChildShards": [{"ShardId": "child"}]}


def test_a_closed_shard_ends_and_where_retention_took_a_number_reading_begins_at_the_oldest():
    kinesis: Any = Scripted()
    stream = KinesisRecords(kinesis, ARN, wall=lambda: 100.0, wait=lambda _: None)

    (page,) = stream.pages(SHARD, AtRecord("5"))

    assert (True, 95.0) == (page.caught_up, page.reached)
    assert ["7"] == [one.sequence_number for one in page.records]
    assert [1_767_225_600.123] == [one.arrived_at for one in page.records], "to the millisecond, as Lambda gives it"
    assert ["AT_SEQUENCE_NUMBER", "TRIM_HORIZON"] == [one["ShardIteratorType"] for one in kinesis.asked[:2]]
    assert all(one["StreamARN"] == ARN for one in kinesis.asked)


def test_each_read_takes_as_many_as_it_is_told():
    class Endless(Scripted):
        def get_records(self, **asked: Any) -> Any:
            return {**super().get_records(**asked), "NextShardIterator": "next"}

    kinesis: Any = Endless()
    sizes = iter([1, 30, 7])
    pages = KinesisRecords(kinesis, ARN, wait=lambda _: None).pages(SHARD, AtTime(0.0), most=lambda: next(sizes))
    for _ in range(3):
        next(pages)

    assert [1, 30, 7] == [one["Limit"] for one in kinesis.asked if "Limit" in one]
    kinesis.asked.clear()
    next(KinesisRecords(kinesis, ARN).pages(SHARD, AtTime(0.0)))
    assert 1_000 == kinesis.asked[-1]["Limit"]


def test_a_read_that_is_throttled_asks_for_half_and_the_next_for_as_many_as_it_is_told():
    class Busy(Scripted):
        def get_records(self, **asked: Any) -> Any:
            answer = {**super().get_records(**asked), "NextShardIterator": "next"}
            if len(self.limits()) in {1, 2, 5}:
                code = "ProvisionedThroughputExceededException"
                raise ClientError({"Error": {"Code": code, "Message": "x"}}, "GetRecords")
            return answer

        def limits(self) -> list[int]:
            return [one["Limit"] for one in self.asked if "Limit" in one]

    kinesis: Any = Busy()
    pages = KinesisRecords(kinesis, ARN, wait=lambda _: None).pages(SHARD, AtTime(0.0), most=lambda: 30)
    for _ in range(3):
        next(pages)

    assert [30, 15, 7, 30, 30, 15] == kinesis.limits()
