"""The auditor: every change of the items table judged, without a right to open anything."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra import rights
from infra.acknowledge import acknowledge
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.data_stack import DataStack
from infra.dead_letters import DeadLetters
from infra.keys_stack import KeysStack
from infra.settings import Settings
from infra.stream_mapping import Batching, StreamMapping


class Auditor(Construct):
    """The auditor's function, its dead letters and its event source mapping."""

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
        self.dead_letters = DeadLetters(self, "DeadLetters", settings=settings, storage_key=keys.storage_key).queue
        self.consumer = Consumer(
            self,
            "Consumer",
            settings=settings,
            bundler=bundler,
            name="auditor",
            memory_mib=1024,  # no cipher and few calls: it walks items
            timeout=cdk.Duration.seconds(60),
            environment={
                "SEALSTREAM_KEY_STORE": keys.key_store.table_name,
                "SEALSTREAM_FINDINGS_QUEUE": data.findings.queue.queue_url,
            },
            rights=[
                *rights.read_table_stream(stream_arn),
                *rights.read_key_states(keys.key_store.table_arn),
                rights.send_findings(data.findings.queue.queue_arn),
                rights.send_dead_letters(self.dead_letters.queue_arn),
            ],
            storage_key=keys.storage_key,
            audit=data.audit,
        )
        acknowledge(
            self.consumer.role,
            "IAM5[Resource::*]",
            reason="dynamodb:ListStreams knows no resource; it tells the names of streams and nothing of their content",
        )
        StreamMapping(
            self,
            "FromItems",
            function=self.consumer.function,
            stream_arn=stream_arn,
            dead_letters=self.dead_letters,
            batching=Batching(
                batch_size=200,  # old and new image of each change: stays far below an invocation's 6 MB
                window=settings.batch_window,
                parallelization_factor=2,
                give_up_after=cdk.Duration.hours(12),  # a table's stream forgets after 24
            ),
        )
