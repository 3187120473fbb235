"""Whom alarms tell: a topic, encrypted, that takes nothing but this deployment's alarms."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.settings import Settings


class Notifications(Construct):
    """The topic; whoever is to be told subscribes to it."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, storage_key: kms.IKey) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.topic = sns.Topic(
            self,
            "Topic",
            topic_name=settings.name_of("alarms"),
            display_name=f"{settings.prefix} alarms",
            master_key=storage_key,
            enforce_ssl=True,
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisDeployment",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=_of_own_alarms(settings, cdk.Stack.of(self)),
            )
        )
        if settings.watch.alarm_email:
            sns.Subscription(
                self,
                "Email",
                topic=self.topic,
                protocol=sns.SubscriptionProtocol.EMAIL,
                endpoint=settings.watch.alarm_email,
            )


def _of_own_alarms(settings: Settings, stack: cdk.Stack) -> dict[str, dict[str, str]]:
    """CloudWatch acts for an alarm of this deployment, and for none that somebody else points here."""
    arns = stack.format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name=settings.name_of("*"),
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    return {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": arns}}
