"""The re-encryptor: findings in, items sealed under the active keys out."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import rights
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.data_stack import DataStack
from infra.findings import REENCRYPTOR_TIMEOUT_SECONDS
from infra.keys_stack import KeysStack
from infra.reopener import Reopener
from infra.settings import Settings

_MOST_AT_ONCE = 8
"""Functions. Findings come in floods after a change of the policy; they wait in the queue, the table does not."""


class Reencryptor(Construct):
    """The re-encryptor's function and its event source mapping."""

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
        reopens = reopener.consumer.function
        self.consumer = Consumer(
            self,
            "Consumer",
            settings=settings,
            bundler=bundler,
            name="reencryptor",
            memory_mib=1769,  # one whole processor, as the encryptor
            timeout=cdk.Duration.seconds(REENCRYPTOR_TIMEOUT_SECONDS),
            environment={
                "SEALSTREAM_TABLE": data.items.table_name,
                "SEALSTREAM_KEY_STORE": keys.key_store.table_name,
                "SEALSTREAM_REOPENER": reopens.function_name,
                **keys.attribute_key.environment,
            },
            rights=[
                rights.receive_findings(data.findings.queue.queue_arn),
                keys.attribute_key.statement_for(keys.reencryptor_use),
                rights.read_and_create_data_keys(keys.key_store.table_arn),
                rights.mend_items(data.items.table_arn),
                rights.invoke(reopens.function_arn),
            ],
            storage_key=keys.storage_key,
            audit=data.audit,
        )
        lambda_.CfnEventSourceMapping(
            self,
            "FromFindings",
            function_name=self.consumer.function.function_name,
            event_source_arn=data.findings.queue.queue_arn,
            batch_size=10,  # messages, each of up to a hundred items
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=_MOST_AT_ONCE),
        )
