"""The notary: reads segments, signs manifests; of what events say it needs nothing."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra import rights
from infra.acknowledge import acknowledge, imported
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.data_stack import DataStack
from infra.keys_stack import KeysStack
from infra.settings import Settings


class Notary(Construct):
    """The function, one at a time, and what starts it every few minutes."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        bundler: Bundler,
        keys: KeysStack,
        data: DataStack,
    ) -> None:
        super().__init__(scope, id)
        bucket, signing_keys = data.audit.bucket, keys.signing_keys
        self.consumer = Consumer(
            self,
            "Consumer",
            settings=settings,
            bundler=bundler,
            name="notary",
            memory_mib=1024,  # 600 bytes of each segment that 36 manifests list, and it reads some at once
            timeout=cdk.Duration.minutes(5),  # what is left is for the next
            environment={
                "SEALSTREAM_NOTARY_KEYS": signing_keys.joined_arns,
                "SEALSTREAM_RUNS": data.runs.table_name,
            },
            rights=[
                rights.sign_manifests(signing_keys.arns),
                *rights.read_audit_trail(bucket.bucket_arn),
                rights.write_manifests(bucket.bucket_arn),
                rights.note_trail_end(data.runs.table_arn),
            ],
            storage_key=keys.storage_key,
            audit=data.audit,
            concurrency=1,  # two would write the same number, and one of them in vain
        )
        arn = imported(data, bucket.bucket_arn)
        for prefix, what in (("segments", "segment"), ("manifests", "manifest")):
            acknowledge(
                self.consumer.role,
                f"IAM5[Resource::{arn}/{prefix}/*]",
                reason=f"Every {what}: what it attests, and what it continues",
            )
        events.Rule(
            self,
            "Period",
            rule_name=settings.name_of("notary"),
            description="Has what was written to the audit trail attested",
            schedule=events.Schedule.rate(cdk.Duration.minutes(settings.audit.notary_minutes)),
            targets=[targets.LambdaFunction(self.consumer.function)],
        )
