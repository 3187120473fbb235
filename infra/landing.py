"""The landing bucket, the queue that S3 tells of its objects, and how far each object is.

In clear by nature, as the source stream is: encrypted at rest, reached over TLS alone, and gone some days after it was
ingested. What was not stays, and an alarm tells of it.
"""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.dead_letters import DeadLetters
from infra.one_key import only_with
from infra.private_bucket import private_bucket
from infra.protected_table import ProtectedTable
from infra.settings import Settings
from infra.storage_key import of_landing_bucket

INGEST_TIMEOUT_SECONDS = 900
"""The longest there is; stands here because the queue hides a message for as long as the ingest may work on it."""
_SLACK_SECONDS = 60
"""Not six times the timeout, as for batches that wait for a free function: what was killed is to go on soon."""
_MOST_DELIVERIES = 24
"""Some six hours, as long as the encryptor tries."""
OUTCOME_TAG = "sealstream-ingest"
DONE = "done"


class Landing(Construct):
    """Bucket, queue with dead letters, and the table of progress."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, storage_key: kms.IKey) -> None:  # noqa: A002
        super().__init__(scope, id)
        stack = cdk.Stack.of(self)
        self.dead_letters = DeadLetters(self, "DeadLetters", settings=settings, storage_key=storage_key).queue
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=storage_key,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),  # the longest there is
            visibility_timeout=cdk.Duration.seconds(INGEST_TIMEOUT_SECONDS + _SLACK_SECONDS),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=_MOST_DELIVERIES),
            removal_policy=settings.removal_policy,
        )
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="EventsOfLandingBucket",
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions=of_landing_bucket(settings, stack),
            )
        )
        self.bucket = self._bucket(settings, storage_key, stack)
        self.progress = ProtectedTable(
            self,
            "Progress",
            settings=settings,
            storage_key=storage_key,
            partition_key="object",
            expires_at="expires_at",
        ).table

    def _bucket(self, settings: Settings, storage_key: kms.IKey, stack: cdk.Stack) -> s3.Bucket:
        days = cdk.Duration.days(settings.landing_days)
        bucket = private_bucket(
            self,
            settings=settings,
            bucket_name=settings.landing_bucket_name(stack),
            storage_key=storage_key,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="what-was-ingested",
                    tag_filters={OUTCOME_TAG: DONE},
                    expiration=days,
                    noncurrent_version_expiration=days,
                ),
                s3.LifecycleRule(
                    id="what-was-deleted-or-replaced",  # of two rules that hold for a version, the earlier counts
                    noncurrent_version_expiration=cdk.Duration.days(settings.landing_kept_days),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                    expired_object_delete_marker=True,
                ),
            ],
        )
        for statement in only_with(storage_key, bucket):
            bucket.add_to_resource_policy(statement)
        acknowledge(
            bucket,
            "S1",
            reason="No access log is kept: CloudTrail's data events, where they are switched on, say who read what; "
            "an access log would hold the objects' keys, which are the producers' data",
        )
        template = cast("s3.CfnBucket", bucket.node.default_child)
        # written out: the construct's own way is a function with rights on every bucket
        template.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(event="s3:ObjectCreated:*", queue=self.queue.queue_arn)
            ]
        )
        template.node.add_dependency(self.queue.node.find_child("Policy"))  # S3 tries it when it is told
        return bucket
