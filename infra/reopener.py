"""The reopener: takes a data key's retirement back, and can do nothing else."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra import rights
from infra.audit_trail import AuditTrail
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.keys_stack import KeysStack
from infra.settings import Settings


class Reopener(Construct):
    """The reopener's function; who invokes it are the re-encryptor and the sweeper."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        bundler: Bundler,
        keys: KeysStack,
        audit: AuditTrail,
    ) -> None:
        super().__init__(scope, id)
        self.consumer = Consumer(
            self,
            "Consumer",
            settings=settings,
            bundler=bundler,
            name="reopener",
            memory_mib=512,  # no cipher: a read and a write
            timeout=cdk.Duration.minutes(1),  # who asks does not wait so long, and asks again
            environment={"SEALSTREAM_KEY_STORE": keys.key_store.table_name},
            rights=[rights.reopen_data_keys(keys.key_store.table_arn)],
            storage_key=keys.storage_key,
            audit=audit,
        )
