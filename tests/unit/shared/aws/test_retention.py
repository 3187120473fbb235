"""How long stream and landing bucket keep what comes in."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber

from shared.aws.clients import config
from shared.aws.retention import ObjectDays, object_days, stream_hours
from shared.errors import StoreUnavailable
from shared.landing import OUTCOME_TAG


@pytest.fixture
def stubbed(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

    def stub(service):
        client = boto3.client(service, region_name="eu-central-1", config=config(service))
        stubber = Stubber(client)
        stubber.activate()
        return client, stubber

    return stub


def rule(expiration=None, noncurrent=None, status="Enabled", asks=None):
    told = {"Status": status, "Filter": {"Prefix": ""} if asks is None else asks}
    if expiration:
        told["Expiration"] = expiration
    if noncurrent:
        told["NoncurrentVersionExpiration"] = {"NoncurrentDays": noncurrent}
    return told


def test_a_record_is_kept_for_the_streams_retention(stubbed):
    client, stubber = stubbed("kinesis")
    summary = {
        "StreamName": "source",
        "StreamARN": "arn:aws:kinesis:eu-central-1:111122223333:stream/source",
        "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 168,
        "StreamCreationTimestamp": datetime(2026, 1, 1, tzinfo=UTC),
        "EnhancedMonitoring": [],
        "OpenShardCount": 1,
    }
    stubber.add_response("describe_stream_summary", {"StreamDescriptionSummary": summary}, {"StreamName": "source"})
    assert 168 == stream_hours(client, "source")


DONE = {"Key": OUTCOME_TAG, "Value": "done"}
OF_DONE = {"Tag": DONE}


@pytest.mark.parametrize(
    ("rules", "ingested", "others"),
    [
        ([rule({"Days": 7}, 7, asks=OF_DONE), rule({"ExpiredObjectDeleteMarker": True}, 30)], 14, None),
        ([rule({"Days": 7}, 7)], 14, 14),
        ([rule({"Days": 7}, 7), rule({"Days": 90}, 2)], 9, 9),
        ([rule({"Days": 7}, 7, asks=OF_DONE), rule({"Days": 90}, 30)], 14, 120),
        ([rule({"Days": 7}, 7, asks={"And": {"Prefix": "", "Tags": [DONE]}})], 14, None),
        ([rule({"Days": 7}, 7, asks={"And": {"Prefix": "", "Tags": [DONE, {"Key": "a", "Value": "b"}]}})], None, None),
        ([rule({"Days": 7}, 7, asks={"Tag": {"Key": OUTCOME_TAG, "Value": "failed"}})], None, None),
        ([rule({"Days": 7}, 7, asks={"Prefix": "tenant=acme/"})], None, None),
        ([rule({"Days": 7}, 7, asks={"ObjectSizeGreaterThan": 9})], None, None),
        ([rule({"Days": 7})], None, None),
        ([rule(None, 30)], None, None),
        ([rule({"Days": 7}, 7, "Disabled")], None, None),
    ],
)
def test_an_object_is_kept_until_it_expires_and_then_as_an_old_version(stubbed, rules, ingested, others):
    client, stubber = stubbed("s3")
    stubber.add_response("get_bucket_lifecycle_configuration", {"Rules": rules}, {"Bucket": "landing"})
    assert ObjectDays(ingested, others) == object_days(client, "landing")


def test_old_versions_that_a_rule_keeps_by_number_are_kept_for_ever(stubbed):
    client, stubber = stubbed("s3")
    some = rule({"Days": 7}, 7)
    some["NoncurrentVersionExpiration"]["NewerNoncurrentVersions"] = 3
    stubber.add_response("get_bucket_lifecycle_configuration", {"Rules": [some]}, {"Bucket": "landing"})
    assert ObjectDays(None, None) == object_days(client, "landing")


def test_rules_of_the_old_form_have_their_prefix_beside_them(stubbed):
    client, stubber = stubbed("s3")
    old = rule({"Days": 7}, 7)
    del old["Filter"]
    for prefix, days in (("", 14), ("logs/", None)):
        stubber.add_response("get_bucket_lifecycle_configuration", {"Rules": [old | {"Prefix": prefix}]})
        assert ObjectDays(days, days) == object_days(client, "landing")


def test_a_bucket_without_rules_keeps_everything(stubbed):
    client, stubber = stubbed("s3")
    stubber.add_client_error("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration")
    assert ObjectDays(None, None) == object_days(client, "landing")


@pytest.mark.parametrize(
    ("service", "method", "ask"),
    [
        ("kinesis", "describe_stream_summary", stream_hours),
        ("s3", "get_bucket_lifecycle_configuration", object_days),
    ],
)
def test_what_does_not_answer_is_said(stubbed, service, method, ask):
    client, stubber = stubbed(service)
    stubber.add_client_error(method, "AccessDenied", "CANARY")
    with pytest.raises(StoreUnavailable) as caught:
        ask(client, "name")
    assert "CANARY" not in str(caught.value)
