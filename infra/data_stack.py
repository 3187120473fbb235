"""Data: landing bucket and source stream, items table with its own stream, quarantine, findings, audit trail, runs."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.audit_trail import AuditTrail
from infra.findings import Findings
from infra.landing import Landing
from infra.notifications import Notifications
from infra.protected_table import ProtectedTable
from infra.quarantine import Quarantine
from infra.settings import Settings


class DataStack(cdk.Stack):
    """What comes in, what is kept, what could not be kept, what is to be mended, what tells of it, how far runs are."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, storage_key: kms.IKey) -> None:  # noqa: A002
        super().__init__(
            scope,
            id,
            stack_name=settings.stack_name("Data"),
            description="sealstream: landing bucket, source stream, items, quarantine, findings, audit trail, runs",
            termination_protection=settings.protected,
        )
        self.stream = kinesis.Stream(
            self,
            "Source",
            stream_mode=kinesis.StreamMode.ON_DEMAND,
            encryption=kinesis.StreamEncryption.KMS,
            encryption_key=storage_key,
            retention_period=cdk.Duration.hours(settings.retention_hours),
            removal_policy=settings.removal_policy,
        )
        acknowledge(
            self.stream,
            "KDS3",
            reason="The storage key instead of aws/kinesis: its policy says who may use it, and who may disable it",
        )
        self.landing = Landing(self, "Landing", settings=settings, storage_key=storage_key)
        self.items = ProtectedTable(
            self,
            "Items",
            settings=settings,
            storage_key=storage_key,
            partition_key="tenant_id",
            sort_key="item_id",
            expires_at="_expires_at",
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
        ).table
        self.items_stream_arn = _stream_of(self.items)
        self.quarantine = Quarantine(self, "Quarantine", settings=settings, storage_key=storage_key)
        self.findings = Findings(self, "Findings", settings=settings, storage_key=storage_key)
        self.notifications = Notifications(self, "Notifications", settings=settings, storage_key=storage_key)
        self.audit = AuditTrail(self, "Audit", settings=settings, storage_key=storage_key)
        self.runs = ProtectedTable(
            self, "RunStore", settings=settings, storage_key=storage_key, partition_key="run_id", sort_key="row"
        ).table

        cdk.CfnOutput(self, "Stream", value=self.stream.stream_name)
        cdk.CfnOutput(self, "LandingBucket", value=self.landing.bucket.bucket_name)
        cdk.CfnOutput(self, "LandingQueue", value=self.landing.queue.queue_url)
        cdk.CfnOutput(self, "LandingDeadLetterQueue", value=self.landing.dead_letters.queue_url)
        cdk.CfnOutput(self, "LandingRuns", value=self.landing.progress.table_name)
        cdk.CfnOutput(self, "Table", value=self.items.table_name)
        cdk.CfnOutput(self, "TableStream", value=self.items_stream_arn)
        cdk.CfnOutput(self, "QuarantineBucket", value=self.quarantine.bucket.bucket_name)
        cdk.CfnOutput(self, "QuarantineTable", value=self.quarantine.index.table_name)
        cdk.CfnOutput(self, "AuditBucket", value=self.audit.bucket.bucket_name)
        cdk.CfnOutput(self, "FindingsQueue", value=self.findings.queue.queue_url)
        cdk.CfnOutput(self, "ReencryptorDeadLetterQueue", value=self.findings.dead_letters.queue_url)
        cdk.CfnOutput(self, "AlarmTopic", value=self.notifications.topic.topic_arn)
        cdk.CfnOutput(self, "Runs", value=self.runs.table_name)


def _stream_of(table: dynamodb.Table) -> str:
    if table.table_stream_arn is None:
        message = "the items table has no stream to audit"
        raise ValueError(message)
    return table.table_stream_arn
