"""Where the positions of records, and references to items, go that outlasted every retry."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.settings import DEAD_LETTER_HOURS, Settings


class DeadLetters(Construct):
    """A queue of positions or references; SQS, because an S3 destination would store the records themselves."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, storage_key: kms.IKey) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=storage_key,
            enforce_ssl=True,
            retention_period=cdk.Duration.hours(DEAD_LETTER_HOURS),
            removal_policy=settings.removal_policy,
        )
        acknowledge(self.queue, "SQS3", reason="It is itself a dead-letter queue")
