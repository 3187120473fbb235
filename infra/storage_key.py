"""The KMS key that the services use for their own encryption at rest."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.attribute_key import CRYPTOGRAPHIC_USE, administration
from infra.denial import denied
from infra.deployments import other_than_deployments
from infra.settings import Settings

_DATA_SERVICES = ("dynamodb", "kinesis", "s3", "sqs")
_USE = [*CRYPTOGRAPHIC_USE, "kms:DescribeKey"]


class StorageKey(Construct):
    """One key for tables, streams, buckets, queues, the topic and logs; usable through those services only."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        stack = cdk.Stack.of(self)
        via = [f"{service}.{stack.region}.{stack.url_suffix}" for service in _DATA_SERVICES]
        log_groups = [
            stack.format_arn(
                service="logs",
                resource="log-group",
                resource_name=f"/aws/{of}/{settings.name_of('*')}",
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            )
            for of in ("lambda", "vendedlogs/states", "vendedlogs/apis")
        ]
        self.key = kms.Key(
            self,
            "Key",
            alias=f"alias/{settings.name_of('storage')}",
            description="Encryption at rest of sealstream's tables, streams, buckets, queues and logs",
            enable_key_rotation=True,
            removal_policy=settings.removal_policy,
            policy=iam.PolicyDocument(
                statements=[
                    administration("Administration"),
                    # what lies in the audit bucket, locked or not, nobody could read without it
                    denied(
                        "KeptByAll",
                        ["kms:DisableKey", "kms:ScheduleKeyDeletion"],
                        conditions=other_than_deployments(self),
                    ),
                    iam.PolicyStatement(
                        sid="ThroughTheDataServices",
                        # whoever may use the table, stream, bucket or queue; never the key itself
                        principals=[iam.AnyPrincipal()],
                        actions=_USE,
                        resources=["*"],
                        conditions={"StringEquals": {"kms:CallerAccount": stack.account, "kms:ViaService": via}},
                    ),
                    iam.PolicyStatement(
                        sid="GrantsForDynamoDb",
                        # DynamoDB works on a table's key through grants, also after the caller has gone
                        principals=[iam.AnyPrincipal()],
                        actions=["kms:CreateGrant"],
                        resources=["*"],
                        conditions={
                            "StringEquals": {"kms:CallerAccount": stack.account, "kms:ViaService": via[0]},
                            "Bool": {"kms:GrantIsForAWSResource": "true"},
                        },
                    ),
                    iam.PolicyStatement(
                        sid="EventsOfLandingBucket",
                        # S3 puts its events into an encrypted queue
                        principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                        actions=["kms:GenerateDataKey", "kms:Decrypt"],
                        resources=["*"],
                        conditions=of_landing_bucket(settings, stack),
                    ),
                    iam.PolicyStatement(
                        sid="AlarmsOfThisAccount",
                        # CloudWatch publishes to an encrypted topic, whose own policy names the alarms; whether its
                        # call of KMS names one too, AWS does not promise, and without it no alarm would be told
                        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                        actions=["kms:GenerateDataKey", "kms:Decrypt"],
                        resources=["*"],
                        conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
                    ),
                    iam.PolicyStatement(
                        sid="LogGroups",
                        principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
                        actions=_USE,
                        resources=["*"],
                        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
                    ),
                ]
            ),
        )


def of_landing_bucket(settings: Settings, stack: cdk.Stack) -> dict[str, dict[str, str]]:
    """S3 acts for this deployment's landing bucket, and for no other that somebody points here."""
    arn = stack.format_arn(service="s3", region="", account="", resource=settings.landing_bucket_name(stack))
    return {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnEquals": {"aws:SourceArn": arn}}
