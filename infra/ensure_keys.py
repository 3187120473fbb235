"""Ensure-keys: makes the first data keys of tenants for those who may make none, and opens nothing."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from constructs import Construct

from infra import rights
from infra.audit_trail import AuditTrail
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.keys_stack import KeysStack
from infra.settings import Settings

MEMORY_MIB: Final = 512
"""No cipher: three calls for each class."""


class EnsureKeys(Construct):
    """The function, of rotation's asset; who invokes it is the tenant API."""

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
            name="ensure-keys",
            package="rotation",
            handler="ensure.handler.handler",
            memory_mib=MEMORY_MIB,
            timeout=cdk.Duration.seconds(20),  # who asks waits for it, and API Gateway for who asks: at most 30 s
            environment={
                "SEALSTREAM_KEY_STORE": keys.key_store.table_name,
                **keys.attribute_key.environment,
            },
            rights=[
                keys.attribute_key.statement_for(keys.ensure_keys_use),
                rights.read_and_create_data_keys(keys.key_store.table_arn),
            ],
            storage_key=keys.storage_key,
            audit=audit,
        )
