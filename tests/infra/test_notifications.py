"""Whom alarms tell: the topic, who may publish to it, and what its key lets them."""

from __future__ import annotations

import pytest

from tests.infra.synthesis import ACCOUNT, REGION
from tests.infra.watching import alarms_of

OWN_ALARMS = {
    "StringEquals": {"aws:SourceAccount": ACCOUNT},
    "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:sealstream-*"},
}
EVENTS = {
    *("plaintext-found", "census-found-plaintext", "malformed", "undeclared-sensitive", "findings-left"),
    *("trail-verification-failed", "quarantined", "landing-failed", "landing-untagged", "rotation-failed"),
    *("keys-kept", "keys-failed", "keys-corrupt", "tenant-api-errors", "item-events-dropped", "key-events-dropped"),
}


@pytest.fixture
def topic(cloud):
    return cloud.one("AWS::SNS::Topic")


def test_every_alarm_is_told_when_it_begins(cloud, topic):
    alarms = alarms_of(cloud)

    assert alarms
    assert {(topic.arn,)} == {tuple(alarm["AlarmActions"]) for alarm in alarms.values()}


def test_nobody_is_told_that_an_event_is_over(cloud, topic):
    """Five minutes without another one do not mend what the first one was about."""
    told = {name: tuple(alarm.get("OKActions", ())) for name, alarm in alarms_of(cloud).items()}

    assert {(topic.arn,), ()} == set(told.values())
    assert EVENTS == {name for name, actions in told.items() if not actions}


def test_the_topic_is_encrypted_under_the_storage_key_which_an_alarm_of_the_account_may_use(cloud, topic):
    """A call of KMS that named no alarm would otherwise be refused, and every notification fail without a sound."""
    key = cloud.one("AWS::KMS::Key", under="Storage")
    (statement,) = (
        one
        for one in key.properties["KeyPolicy"]["Statement"]
        if one["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    )

    assert key.arn == topic.properties["KmsMasterKeyId"]
    assert {"kms:Decrypt", "kms:GenerateDataKey"} == set(statement["Action"])
    assert {"StringEquals": {"aws:SourceAccount": ACCOUNT}} == statement["Condition"]


def test_only_alarms_of_this_deployment_publish_and_nobody_without_tls(cloud, topic):
    statements = cloud.one("AWS::SNS::TopicPolicy").properties["PolicyDocument"]["Statement"]
    allowed = [one for one in statements if one["Effect"] == "Allow"]
    (denied,) = [one for one in statements if one["Effect"] == "Deny"]

    assert [({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish", topic.arn, OWN_ALARMS)] == [
        (one["Principal"], one["Action"], one["Resource"], one["Condition"]) for one in allowed
    ]
    assert {"Bool": {"aws:SecureTransport": "false"}} == denied["Condition"]


def test_whoever_is_named_gets_a_mail_and_nobody_where_none_is_named(cloud, topic, other_and_unacceptable):
    (mail,) = cloud.resources("AWS::SNS::Subscription")

    assert {"Protocol": "email", "TopicArn": topic.arn, "Endpoint": "oncall@example.com"} == mail.properties
    assert [] == other_and_unacceptable.resources("AWS::SNS::Subscription")
