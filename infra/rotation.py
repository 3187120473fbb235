"""The rotation function: wraps and renews data keys, drives runs, retires and destroys; it opens nothing."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra import rights
from infra.acknowledge import acknowledge
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.data_stack import DataStack
from infra.keys_stack import KeysStack
from infra.settings import Settings


class Rotation(Construct):
    """The rotation's function; who invokes it is its state machine."""

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
        self.consumer = Consumer(
            self,
            "Consumer",
            settings=settings,
            bundler=bundler,
            name="rotation",
            memory_mib=512,  # no cipher: one call after another
            timeout=cdk.Duration.minutes(15),  # the longest there is: it goes through the key store
            environment={
                "SEALSTREAM_TABLE": data.items.table_name,
                "SEALSTREAM_KEY_STORE": keys.key_store.table_name,
                "SEALSTREAM_RUNS": data.runs.table_name,
                "SEALSTREAM_QUARANTINE_TABLE": data.quarantine.index.table_name,
                **keys.attribute_key.environment,
            },
            rights=[
                keys.attribute_key.statement_for(keys.rotation_use),
                rights.describe_keys(keys.attribute_key.arns),
                rights.renew_data_keys(keys.key_store.table_arn),
                rights.keep_runs(data.runs.table_arn),
                rights.count_quarantine(data.quarantine.index.table_arn),
                *rights.see_backups(data.items.table_arn),
            ],
            storage_key=keys.storage_key,
            audit=data.audit,
        )
        acknowledge(
            self.consumer.role,
            "IAM5[Resource::*]",
            reason="listing backups knows no resource; it tells that they are there and nothing of their content",
        )
