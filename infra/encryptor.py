"""The encryptor: source stream in, sealed items out."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra import rights
from infra.acknowledge import acknowledge, imported
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.data_stack import DataStack
from infra.dead_letters import DeadLetters
from infra.keys_stack import KeysStack
from infra.settings import Settings
from infra.stream_mapping import Batching, StreamMapping


class Encryptor(Construct):
    """The encryptor's function, its dead letters and its event source mapping."""

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
        quarantine = data.quarantine
        self.dead_letters = DeadLetters(self, "DeadLetters", settings=settings, storage_key=keys.storage_key).queue
        self.consumer = Consumer(
            self,
            "Consumer",
            settings=settings,
            bundler=bundler,
            name="encryptor",
            memory_mib=1769,  # one whole processor: a put costs half a millisecond of it, and a batch has hundreds
            timeout=cdk.Duration.seconds(60),  # a cold batch of many tenants unwraps a key for each
            environment={
                "SEALSTREAM_TABLE": data.items.table_name,
                "SEALSTREAM_KEY_STORE": keys.key_store.table_name,
                **keys.attribute_key.environment,
                "SEALSTREAM_QUARANTINE_BUCKET": quarantine.bucket.bucket_name,
                "SEALSTREAM_QUARANTINE_TABLE": quarantine.index.table_name,
            },
            rights=[
                rights.read_kinesis_stream(data.stream.stream_arn),
                keys.attribute_key.statement_for(keys.encryptor_use),
                rights.read_and_create_data_keys(keys.key_store.table_arn),
                rights.put_items(data.items.table_arn),
                *rights.quarantine_records(quarantine.bucket.bucket_arn, quarantine.index.table_arn),
                rights.send_dead_letters(self.dead_letters.queue_arn),
            ],
            storage_key=keys.storage_key,
            audit=data.audit,
        )
        acknowledge(
            self.consumer.role,
            f"IAM5[Resource::{imported(data, quarantine.bucket.bucket_arn)}/*]",
            reason="Every object of the quarantine bucket: an object is named after the record's source position",
        )
        StreamMapping(
            self,
            "FromSource",
            function=self.consumer.function,
            stream_arn=data.stream.stream_arn,
            dead_letters=self.dead_letters,
            batching=Batching(
                batch_size=500,
                window=settings.batch_window,
                # a shard takes in 1,000 records/s and one function writes about as many: four catch up after an outage
                parallelization_factor=4,
                give_up_after=cdk.Duration.hours(6),
            ),
        )
