"""The reauditor: the auditor's dead letters are judged again, when an operator asks."""

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


class Reauditor(Construct):
    """The reauditor's function, of the auditor's asset; operators invoke it, and nobody else does."""

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
        stream_arn = data.items_stream_arn
        self.consumer = Consumer(
            self,
            "Consumer",
            settings=settings,
            bundler=bundler,
            name="reauditor",
            package="auditor",
            handler="again.handler.handler",
            memory_mib=1024,  # as the auditor
            timeout=cdk.Duration.minutes(15),  # the longest there is: a call goes on where the last one ended
            environment={
                "SEALSTREAM_KEY_STORE": keys.key_store.table_name,
                "SEALSTREAM_FINDINGS_QUEUE": data.findings.queue.queue_url,
                "SEALSTREAM_TABLE_STREAM": stream_arn,
            },
            rights=[
                *rights.read_table_stream(stream_arn),
                *rights.read_key_states(keys.key_store.table_arn),
                rights.send_findings(data.findings.queue.queue_arn),
            ],
            storage_key=keys.storage_key,
            audit=data.audit,
        )
        acknowledge(
            self.consumer.role,
            "IAM5[Resource::*]",
            reason="dynamodb:ListStreams knows no resource; it tells the names of streams and nothing of their content",
        )
