"""The table's stream read again, on moto; records come as Lambda gives them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

from shared.aws.clients import config
from shared.aws.stream_records import item_change
from shared.aws.table_stream import EMPTY_PAGES, TableStream
from shared.model import ChangeKind, ItemChange
from shared.runtime.rereading import AfterRecord, AtRecord, AtTime

KEYS = {"tenant_id": {"S": "acme"}, "item_id": {"S": "1"}}
SEALED = {"B": b"\x01sealed"}
NESTED = {"M": {"a": {"L": [{"B": b"\x00"}, {"N": "1"}]}, "b": {"BS": [b"\x01"]}}}


class Scripted:
    """Pages of a shard; then it is closed, or empty for ever."""

    def __init__(self, *pages: list[Any], closed: bool = True) -> None:
        self.pages = list(pages)
        self.closed = closed
        self.asked: list[Any] = []

    def get_shard_iterator(self, **asked: Any) -> Any:
        self.asked.append(asked)
        return {"ShardIterator": "it"}

    def get_records(self, **_: Any) -> Any:
        page = self.pages.pop(0) if self.pages else []
        return {"Records": page} | ({} if self.closed and not self.pages else {"NextShardIterator": "it"})


def change(number: int, **more: Any) -> dict[str, Any]:
    body = {
        "Keys": KEYS,
        "NewImage": KEYS | {"ssn": SEALED, "x": NESTED},
        "SequenceNumber": str(number),
        "SizeBytes": 321,
    }
    at = {"ApproximateCreationDateTime": datetime.fromtimestamp(1_700_000_000, UTC)}
    return {"eventName": "INSERT", "dynamodb": body | at, **more}


def read(client: Any, place: Any) -> list[Any]:
    return list(TableStream(client, "arn:stream", wait=lambda _: None).pages("shard", place))


def test_a_change_is_what_lambda_would_have_given():
    client = Scripted([change(1)])

    (page,) = read(client, AtRecord("1"))

    found = item_change(page.records[0].event)
    assert isinstance(found, ItemChange)
    assert (ChangeKind.INSERT, "acme", "1", 1_700_000_000.0) == (
        found.kind,
        found.tenant_id,
        found.item_id,
        found.changed_at,
    )
    assert KEYS | {"ssn": SEALED, "x": NESTED} == found.new
    assert 321 == page.records[0].size_bytes
    assert {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": "1"}.items() <= client.asked[0].items()


def test_a_read_that_is_throttled_asks_for_half():
    class Busy(Scripted):
        def get_records(self, **asked: Any) -> Any:
            self.asked.append(asked)
            if len(self.asked) < 4:
                raise ClientError({"Error": {"Code": "LimitExceededException", "Message": "x"}}, "GetRecords")
            return super().get_records()

    client = Busy([change(1)])

    assert 1 == len(read(client, AtRecord("1")))
    assert [1_000, 500, 250] == [one["Limit"] for one in client.asked[1:]]


def test_an_expiry_is_told_from_a_deletion():
    identity = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    removed = change(1, userIdentity=identity) | {"eventName": "REMOVE"}

    (page,) = read(Scripted([removed]), AfterRecord("0"))

    found = item_change(page.records[0].event)
    assert isinstance(found, ItemChange)
    assert found.by_expiry


def test_an_open_shard_is_not_read_to_its_end_however_many_pages_of_it_are_empty():
    empty: list[Any] = [[]] * (2 * EMPTY_PAGES)
    pages = TableStream(Scripted(*empty, [change(1)], closed=False), "arn", wait=lambda _: None).pages(  # type: ignore[arg-type]
        "s", AtRecord("1")
    )

    assert not any(next(pages).caught_up for _ in empty)
    assert ["1"] == [one.sequence_number for one in next(pages).records]


def test_where_the_place_is_gone_and_nothing_comes_any_more_an_open_shard_counts_as_read():
    class Trimmed(Scripted):
        def get_shard_iterator(self, **asked: Any) -> Any:
            if asked["ShardIteratorType"] != "TRIM_HORIZON":
                raise ClientError({"Error": {"Code": "TrimmedDataAccessException", "Message": "x"}}, "x")
            return super().get_shard_iterator(**asked)

    pages = TableStream(Trimmed(closed=False), "arn", wait=lambda _: None).pages("s", AtRecord("1"))  # type: ignore[arg-type]

    assert [False] * (EMPTY_PAGES - 1) + [True] == [next(pages).caught_up for _ in range(EMPTY_PAGES)]


def test_it_reads_a_real_stream():
    with mock_aws():
        dynamodb: Any = boto3.client("dynamodb", region_name="us-east-1", config=config("dynamodb"))
        table = dynamodb.create_table(
            TableName="items",
            KeySchema=[
                {"AttributeName": "tenant_id", "KeyType": "HASH"},
                {"AttributeName": "item_id", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("tenant_id", "item_id")],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]
        dynamodb.put_item(TableName="items", Item={**KEYS, "ssn": SEALED})
        streams: Any = boto3.client("dynamodbstreams", region_name="us-east-1")
        arn = table["LatestStreamArn"]
        (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]

        page = next(TableStream(streams, arn, wait=lambda _: None).pages(shard["ShardId"], AtTime(0)))

    found = item_change(page.records[0].event)
    assert isinstance(found, ItemChange)
    assert SEALED == (found.new or {})["ssn"]
