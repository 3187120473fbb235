"""How long stream and landing bucket keep what comes in."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber

from shared.aws.clients import config
from shared.aws.retention import object_days, stream_hours
from shared.errors import StoreUnavailable


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


def rule(expiration=None, noncurrent=None, status="Enabled"):
    told = {"Status": status, "Filter": {"Prefix": ""}}
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


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ([rule({"Days": 7}, 7), rule({"ExpiredObjectDeleteMarker": True}, 30)], 37),
        ([rule({"Days": 7}, 7)], 14),
        ([rule({"Days": 7})], None),
        ([rule(None, 30)], None),
        ([rule({"Days": 7}, 7, "Disabled")], None),
    ],
)
def test_an_object_is_kept_until_it_expires_and_then_as_an_old_version(stubbed, rules, days):
    client, stubber = stubbed("s3")
    stubber.add_response("get_bucket_lifecycle_configuration", {"Rules": rules}, {"Bucket": "landing"})
    assert days == object_days(client, "landing")


def test_a_bucket_without_rules_keeps_everything(stubbed):
    client, stubber = stubbed("s3")
    stubber.add_client_error("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration")
    assert object_days(client, "landing") is None


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
