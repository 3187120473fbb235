"""The findings queue: which items are to be looked at again; keys and reasons, never values."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.dead_letters import DeadLetters
from infra.settings import Settings

REENCRYPTOR_TIMEOUT_SECONDS = 90
"""Stands here because the queue hides a message for as long as the re-encryptor may work on it, and longer."""
_MOST_DELIVERIES = 10


class Findings(Construct):
    """The queue between the auditor and the re-encryptor, and its dead letters."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, storage_key: kms.IKey) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.dead_letters = DeadLetters(self, "DeadLetters", settings=settings, storage_key=storage_key).queue
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=storage_key,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),  # the longest there is
            visibility_timeout=settings.invisible_for(REENCRYPTOR_TIMEOUT_SECONDS),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=_MOST_DELIVERIES),
            removal_policy=settings.removal_policy,
        )
