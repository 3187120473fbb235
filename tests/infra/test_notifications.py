"""Whom alarms tell: the topic, who may publish to it, and what its key lets them."""

from __future__ import annotations

import pytest

from tests.infra.synthesis import ACCOUNT, REGION
from tests.infra.watching import alarms_of

OWN_ALARMS = {
    "StringEquals": {"aws:SourceAccount": ACCOUNT},
    "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:sealstream-*"},
}


@pytest.fixture
def topic(cloud):
    return cloud.one("AWS::SNS::Topic")


def test_every_alarm_is_told_when_it_begins_and_when_it_is_over(cloud, topic):
    alarms = alarms_of(cloud)

    assert alarms
    assert {(topic.arn,)} == {tuple(alarm["AlarmActions"]) for alarm in alarms.values()}
    assert {(topic.arn,)} == {tuple(alarm["OKActions"]) for alarm in alarms.values()}


def test_the_topic_is_encrypted_under_the_storage_key_whose_policy_lets_these_alarms_use_it(cloud, topic):
    key = cloud.one("AWS::KMS::Key", under="Storage")
    (statement,) = (
        one
        for one in key.properties["KeyPolicy"]["Statement"]
        if one["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    )

    assert key.arn == topic.properties["KmsMasterKeyId"]
    assert {"kms:Decrypt", "kms:GenerateDataKey"} == set(statement["Action"])
    assert OWN_ALARMS == statement["Condition"]


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
