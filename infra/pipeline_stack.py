"""Pipeline: the encryptor between the source stream and the items table, the auditor behind the table's stream."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra.auditor import Auditor
from infra.bundling import Bundler
from infra.data_stack import DataStack
from infra.encryptor import Encryptor
from infra.keys_stack import KeysStack
from infra.settings import Settings


class PipelineStack(cdk.Stack):
    """The functions, in flow order; what they work on lives in the other stacks and outlives them."""

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
        super().__init__(
            scope,
            id,
            stack_name=settings.stack_name("Pipeline"),
            description="sealstream: encryptor and auditor",
        )
        encryptor = Encryptor(self, "Sealing", settings=settings, bundler=bundler, keys=keys, data=data)
        auditor = Auditor(self, "Auditing", settings=settings, bundler=bundler, keys=keys, data=data)

        cdk.CfnOutput(self, "Encryptor", value=encryptor.consumer.function.function_name)
        cdk.CfnOutput(self, "EncryptorLogGroup", value=encryptor.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "EncryptorDeadLetterQueue", value=encryptor.dead_letters.queue_url)
        cdk.CfnOutput(self, "Auditor", value=auditor.consumer.function.function_name)
        cdk.CfnOutput(self, "AuditorLogGroup", value=auditor.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "AuditorDeadLetterQueue", value=auditor.dead_letters.queue_url)
