"""The redriver: what was given up, or is wanted once more, goes through the encryptor's path again."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra import rights
from infra.acknowledge import acknowledge, imported
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.data_stack import DataStack
from infra.keys_stack import KeysStack
from infra.settings import Settings


class Redriver(Construct):
    """The redriver's function, of the encryptor's asset; operators invoke it, and nobody else does."""

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
        bucket, index = data.quarantine.bucket, data.quarantine.index
        self.consumer = Consumer(
            self,
            "Consumer",
            settings=settings,
            bundler=bundler,
            name="redriver",
            package="encryptor",
            handler="again.handler.handler",
            memory_mib=1769,  # one whole processor, as the encryptor
            timeout=cdk.Duration.minutes(15),  # the longest there is: a call goes on where the last one ended
            environment={
                "SEALSTREAM_TABLE": data.items.table_name,
                "SEALSTREAM_KEY_STORE": keys.key_store.table_name,
                **keys.attribute_key.environment,
                "SEALSTREAM_QUARANTINE_BUCKET": bucket.bucket_name,
                "SEALSTREAM_QUARANTINE_TABLE": index.table_name,
                "SEALSTREAM_STREAM_ARN": data.stream.stream_arn,
            },
            rights=[
                rights.reread_kinesis_stream(data.stream.stream_arn),
                keys.attribute_key.statement_for(keys.redriver_use),
                rights.read_and_create_data_keys(keys.key_store.table_arn),
                rights.put_items(data.items.table_arn),
                *rights.quarantine_records(bucket.bucket_arn, index.table_arn),
                *rights.decide_about_quarantine(bucket.bucket_arn, index.table_arn),
            ],
            storage_key=keys.storage_key,
            audit=data.audit,
        )
        acknowledge(
            self.consumer.role,
            f"IAM5[Resource::{imported(data, bucket.bucket_arn)}/*]",
            reason="Every object of the quarantine bucket: which of them is put back or given up, operators say",
        )
