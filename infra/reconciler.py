"""The reconciler: audits every item as it stands, without a right to open anything or to write an item."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra import rights
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.data_stack import DataStack
from infra.keys_stack import KeysStack
from infra.settings import Settings


class Reconciler(Construct):
    """The reconciler's function, of the auditor's asset; who invokes it is the rotation's state machine."""

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
            name="reconciler",
            package="auditor",
            handler="standing.handler.handler",
            memory_mib=1769,  # one whole processor: it walks items, one after another
            timeout=cdk.Duration.minutes(15),  # the longest there is: a segment goes on where the last call ended
            environment={
                "SEALSTREAM_TABLE": data.items.table_name,
                "SEALSTREAM_KEY_STORE": keys.key_store.table_name,
                "SEALSTREAM_FINDINGS_QUEUE": data.findings.queue.queue_url,
                "SEALSTREAM_RUNS": data.runs.table_name,
            },
            rights=[
                rights.scan_items(data.items.table_arn),
                *rights.read_key_states(keys.key_store.table_arn),
                rights.send_findings(data.findings.queue.queue_arn),
                *rights.keep_segments(data.runs.table_arn),
            ],
            storage_key=keys.storage_key,
            audit=data.audit,
        )
