"""The sweeper: goes through segments of the items table, and through the quarantine, and mends or counts."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra import rights
from infra.acknowledge import acknowledge, imported
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.data_stack import DataStack
from infra.keys_stack import KeysStack
from infra.reopener import Reopener
from infra.settings import Settings


class Sweeper(Construct):
    """The sweeper's function; the rotation's state machine invokes it for each segment of a run."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        bundler: Bundler,
        keys: KeysStack,
        data: DataStack,
        reopener: Reopener,
    ) -> None:
        super().__init__(scope, id)
        reopens, bucket = reopener.consumer.function, data.quarantine.bucket
        self.consumer = Consumer(
            self,
            "Consumer",
            settings=settings,
            bundler=bundler,
            name="sweeper",
            memory_mib=1769,  # one whole processor, as the encryptor
            timeout=cdk.Duration.minutes(15),  # the longest there is: a segment goes on where the last call ended
            environment={
                "SEALSTREAM_TABLE": data.items.table_name,
                "SEALSTREAM_KEY_STORE": keys.key_store.table_name,
                "SEALSTREAM_QUARANTINE_BUCKET": bucket.bucket_name,
                "SEALSTREAM_RUNS": data.runs.table_name,
                "SEALSTREAM_REOPENER": reopens.function_name,
                **keys.attribute_key.environment,
            },
            rights=[
                keys.attribute_key.statement_for(keys.sweeper_use),
                rights.read_and_create_data_keys(keys.key_store.table_arn),
                rights.scan_items(data.items.table_arn),
                rights.mend_items(data.items.table_arn),
                *rights.reseal_quarantine(bucket.bucket_arn),
                *rights.keep_segments(data.runs.table_arn),
                rights.invoke(reopens.function_arn),
            ],
            storage_key=keys.storage_key,
            audit=data.audit,
        )
        acknowledge(
            self.consumer.role,
            f"IAM5[Resource::{imported(data, bucket.bucket_arn)}/*]",
            reason="Every object of the quarantine bucket: what is held there is sealed anew, too",
        )
