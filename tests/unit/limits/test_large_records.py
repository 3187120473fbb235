"""Records of 1 MB, as Kinesis takes them by default, and of 10 MB, as it takes them at most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bench.limits.large_records import KINDS, KINESIS_DEFAULT_BYTES, KINESIS_MOST_BYTES, payload
from consumers.encryptor.again.entries import Entries
from consumers.encryptor.again.operations import Redriver
from consumers.encryptor.again.stretches import Stretches
from consumers.encryptor.again.telling import Telling
from consumers.encryptor.quarantine import Quarantine
from ops.local_aws.event_source_mappings.delivery import MAX_PAYLOAD_BYTES
from shared.aws.quarantine import S3Quarantine
from shared.errors import Reason
from shared.model import Outcome
from shared.policy.load import load_policy
from shared.runtime.audit_log import AuditLog
from shared.runtime.settings import POLICY_FILE
from tests.fakes.encryptor import EncryptorWorld, encryptor_world
from tests.fakes.held_entries import FakeHeldEntries
from tests.fakes.kinesis import STREAM_ARN, kinesis_record
from tests.fakes.shard_records import FakeShardRecords, of_kinesis

SHARD = "shardId-000000000000"
SMALL = b'{"tenant_id": "acme", "id": "2"}'


@pytest.fixture
def world() -> Iterator[EncryptorWorld]:
    with encryptor_world(load_policy(POLICY_FILE)) as world:
        yield world


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_of_1_mb_is_quarantined_whole_and_its_neighbours_are_written(world, kind):
    large = payload(KINESIS_DEFAULT_BYTES, kind)

    result = world.process(kinesis_record(large), kinesis_record(SMALL, sequence=1, partition_key="2"))

    assert {Outcome.QUARANTINED: 1, Outcome.WRITTEN: 1} == result.outcomes()
    (entry,) = world.quarantine.entries.values()
    assert Reason.ITEM_TOO_LARGE == entry.reason
    assert large == world.held(entry)["M"]["records"]["L"][0]["M"]["payload"]["B"]


def test_what_of_it_lies_in_the_bucket_is_sealed_and_no_larger_than_what_came(world):
    large = payload(KINESIS_DEFAULT_BYTES, "one string")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="held")
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb.create_table(
            TableName="index",
            KeySchema=[{"AttributeName": "quarantine_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "quarantine_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        store = S3Quarantine(s3, dynamodb, bucket="held", table="index")
        quarantine = Quarantine(store, world.keyring, "customers", world.shards)
        world.encryptor = replace(world.encryptor, quarantine=quarantine)

        assert {Outcome.QUARANTINED: 1} == world.process(kinesis_record(large)).outcomes()

        (listed,) = s3.list_objects_v2(Bucket="held")["Contents"]
        content = s3.get_object(Bucket="held", Key=listed["Key"])["Body"].read()
        (row,) = dynamodb.scan(TableName="index")["Items"]
    assert b"xxxx" not in content
    assert len(large) < len(content) < 1.01 * len(large)
    assert ({"S": "item_too_large"}, {"S": "held"}) == (row["reason"], row["state"])


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_10_mb_fits_no_event_and_goes_to_quarantine_by_the_redriver(world, kind):
    large = payload(KINESIS_MOST_BYTES, kind)
    events = [kinesis_record(one, sequence=place, partition_key="2") for place, one in enumerate((SMALL, large, SMALL))]
    assert len(events[1]["kinesis"]["data"]) > MAX_PAYLOAD_BYTES
    first, last = (events[1]["kinesis"]["sequenceNumber"],) * 2  # what a dead letter says of it

    answer = _redriver(world, events).answer(
        {"operation": "reread", "shard_id": SHARD, "first": first, "last": last},
        request_id="request-1",
        seconds_left=lambda: 900.0,
    )

    assert (True, 1, {"item_too_large": 1}) == (answer["done"], answer["kinesis_records"], answer["reasons"])
    (entry,) = world.quarantine.entries.values()
    assert large == world.held(entry)["M"]["records"]["L"][0]["M"]["payload"]["B"]


def _redriver(world: EncryptorWorld, events: list[dict[str, Any]]) -> Redriver:
    stream = FakeShardRecords({SHARD: [of_kinesis(event) for event in events]})
    telling = Telling(world.keyring, AuditLog(), world.clock.wall)
    return Redriver(
        stretches=Stretches(world.encryptor, stream, telling, STREAM_ARN, lambda seconds: None, world.clock.monotonic),
        entries=Entries(
            world.encryptor,
            FakeHeldEntries(world.quarantine),
            world.keyring,
            world.encryptor.policy.dataset,
            telling,
            world.clock.wall,
        ),
        shards=lambda since: [],
        forgotten_before=lambda now: None,
        prepare=lambda: None,
        telling=telling,
        wall=world.clock.wall,
        monotonic=world.clock.monotonic,
    )
