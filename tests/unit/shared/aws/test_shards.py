"""Shards as Kinesis lists them; what moto cannot show (a page, a refusal) is answered by botocore's own stub."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from shared.aws.clients import TOTAL_ATTEMPTS, config
from shared.aws.shards import KinesisShards, Shard
from shared.errors import StoreUnavailable
from tests.fakes.shards import ALL_HASH_KEYS, FakeShards

ARN = "arn:aws:kinesis:eu-central-1:000000000000:stream/records"
HALF = 1 << 127


def kinesis() -> Any:
    keys: dict[str, Any] = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client("kinesis", region_name="eu-central-1", config=config("kinesis"), **keys)


def described(number: int, hash_keys: range, *, parents: tuple[str, ...] = (), is_closed: bool = False) -> Any:
    numbers = {"StartingSequenceNumber": "1"} | ({"EndingSequenceNumber": "9"} if is_closed else {})
    bounds = {"StartingHashKey": str(hash_keys[0]), "EndingHashKey": str(hash_keys[-1])}
    shard = {"ShardId": f"shardId-{number:012}", "HashKeyRange": bounds, "SequenceNumberRange": numbers}
    return shard | dict(zip(("ParentShardId", "AdjacentParentShardId"), parents, strict=False))


@pytest.fixture
def stubbed() -> Iterator[tuple[KinesisShards, Stubber]]:
    client = kinesis()
    with Stubber(client) as stubber:
        yield KinesisShards(client), stubber


def test_the_shards_of_all_pages_are_listed_with_their_parents_and_whether_they_are_closed(stubbed):
    shards, stubber = stubbed
    first, second = described(0, range(2**128), is_closed=True), described(1, range(HALF), parents=("shardId-0",))
    merged = described(2, range(HALF, 2**128), parents=("shardId-0", "shardId-9"))
    stubber.add_response("list_shards", {"Shards": [first, second], "NextToken": "more"}, {"StreamARN": ARN})
    # Kinesis takes a token alone: it names the stream
    stubber.add_response("list_shards", {"Shards": [merged]}, {"NextToken": "more"})

    expected = [
        Shard("shardId-000000000000", (), ALL_HASH_KEYS, is_closed=True),
        Shard("shardId-000000000001", ("shardId-0",), range(HALF), is_closed=False),
        Shard("shardId-000000000002", ("shardId-0", "shardId-9"), range(HALF, 2**128), is_closed=False),
    ]
    assert expected == shards.shards(ARN)


NOW = 1_700_000_000.0
DAY = 86_400


@pytest.mark.parametrize(
    ("created", "forgotten_before"),
    [(NOW - 30 * DAY, NOW - 7 * DAY), (NOW - 7 * DAY, None), (NOW - 60, None)],
)
def test_how_far_back_the_stream_goes_is_what_it_keeps_or_its_whole_life(stubbed, created, forgotten_before):
    shards, stubber = stubbed
    summary = {
        "StreamName": "records",
        "StreamARN": ARN,
        "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 7 * 24,
        "StreamCreationTimestamp": datetime.fromtimestamp(created, UTC),
        "EnhancedMonitoring": [],
        "OpenShardCount": 1,
    }
    stubber.add_response("describe_stream_summary", {"StreamDescriptionSummary": summary}, {"StreamARN": ARN})

    assert forgotten_before == shards.forgotten_before(ARN, now=NOW)


def test_a_stream_that_does_not_say_how_far_back_it_goes_may_say_it_later(stubbed):
    shards, stubber = stubbed
    stubber.add_client_error("describe_stream_summary", "LimitExceededException")

    with pytest.raises(StoreUnavailable, match="LimitExceededException"):
        shards.forgotten_before(ARN, now=NOW)


def test_shards_can_be_listed_from_a_time_on(stubbed):
    shards, stubber = stubbed
    wanted = {"Type": "FROM_TIMESTAMP", "Timestamp": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)}
    stubber.add_response("list_shards", {"Shards": []}, {"StreamARN": ARN, "ShardFilter": wanted})

    assert [] == shards.shards(ARN, since=1_700_000_000)


def test_what_falls_into_a_shard_is_asked_once_and_again_only_for_a_shard_that_is_new(stubbed):
    shards, stubber = stubbed
    parent, child = described(0, range(2**128)), described(1, range(HALF))
    stubber.add_response("list_shards", {"Shards": [parent]}, {"StreamARN": ARN})
    stubber.add_response("list_shards", {"Shards": [parent, child]}, {"StreamARN": ARN})

    assert [ALL_HASH_KEYS] * 2 == [shards.hash_keys(ARN, parent["ShardId"]) for _ in range(2)]
    assert [range(HALF)] * 2 == [shards.hash_keys(ARN, child["ShardId"]) for _ in range(2)]
    stubber.assert_no_pending_responses()


def test_a_shard_that_is_not_listed_any_more_has_no_hash_keys_but_one_that_was_known_keeps_them(stubbed):
    shards, stubber = stubbed
    stubber.add_response("list_shards", {"Shards": [described(0, range(2**128))]}, {"StreamARN": ARN})
    shards.hash_keys(ARN, "shardId-000000000000")
    stubber.add_response("list_shards", {"Shards": []}, {"StreamARN": ARN})

    assert shards.hash_keys(ARN, "shardId-000000000007") is None
    assert ALL_HASH_KEYS == shards.hash_keys(ARN, "shardId-000000000000")


@pytest.mark.parametrize("code", ["LimitExceededException", "AccessDeniedException", "ResourceNotFoundException"])
def test_where_kinesis_does_not_say_the_records_wait(stubbed, code):
    shards, stubber = stubbed
    for _ in range(TOTAL_ATTEMPTS):  # botocore tries again what may pass
        stubber.add_client_error("list_shards", code, "canary-4111", 400)

    with pytest.raises(StoreUnavailable) as refused:
        shards.hash_keys(ARN, "shardId-000000000000")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("which", ["fake", "moto"])
def test_the_shards_of_a_split_share_what_fell_into_their_parent(which):
    if which == "fake":
        fake = FakeShards({"a": ALL_HASH_KEYS, "b": range(HALF), "c": range(HALF, 2**128)})
        assert [ALL_HASH_KEYS, range(HALF), range(HALF, 2**128), None] == [fake.hash_keys(ARN, one) for one in "abcd"]
        return
    with mock_aws():
        client = kinesis()
        client.create_stream(StreamName="records", ShardCount=1)
        arn = client.describe_stream_summary(StreamName="records")["StreamDescriptionSummary"]["StreamARN"]
        client.split_shard(StreamName="records", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(HALF))
        shards = KinesisShards(client)

        found = {shard.shard_id: shard for shard in shards.shards(arn)}

        assert (ALL_HASH_KEYS, True) == (
            found["shardId-000000000000"].hash_keys,
            found["shardId-000000000000"].is_closed,
        )
        children = [shard for shard in found.values() if shard.parents == ("shardId-000000000000",)]
        assert [range(HALF), range(HALF, 2**128)] == sorted((one.hash_keys for one in children), key=lambda one: one[0])
        assert shards.hash_keys(arn, "shardId-999999999999") is None
