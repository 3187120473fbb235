"""What the integration tests share: a deployment, asked as its users ask it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from ops.demo.leaks import log_lines
from shared.aws.clients import client
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE
from shared.sealed_table import SealedTable
from tests.local_aws.support import wait_until

ARRIVES_WITHIN_SECONDS = 30


@dataclass(frozen=True)
class Deployment:
    """The stacks' outputs, and the questions that tests ask."""

    environment: Mapping[str, str]
    folder: Path

    def __getitem__(self, output: str) -> str:
        """The value of `SEALSTREAM_<output>`."""
        return self.environment[f"SEALSTREAM_{output}"]

    def put(self, payload: bytes, *, partition_key: str) -> str:
        """Put one record; its sequence number."""
        put = client("kinesis").put_record(StreamName=self["STREAM"], Data=payload, PartitionKey=partition_key)
        return put["SequenceNumber"]

    def put_json(self, record: Mapping[str, Any], *, partition_key: str | None = None) -> str:
        return self.put(json.dumps(record).encode(), partition_key=partition_key or str(record["id"]))

    def stored(self, tenant: str, item: str) -> Any:
        """The item as it lies in the table, or None."""
        key = {"tenant_id": {"S": tenant}, "item_id": {"S": item}}
        return client("dynamodb").get_item(TableName=self["TABLE"], Key=key, ConsistentRead=True).get("Item")

    def wait_for_item(self, tenant: str, item: str) -> Any:
        return wait_until(lambda: self.stored(tenant, item), ARRIVES_WITHIN_SECONDS, 0.1)

    def audit_events(self, **fields: str) -> list[dict[str, Any]]:
        """Audit events of both Lambdas that have these fields, oldest first."""
        return [event for event in self._events() if all(event.get(name) == value for name, value in fields.items())]

    def wait_for_event(self, **fields: str) -> dict[str, Any]:
        return wait_until(lambda: self.audit_events(**fields), ARRIVES_WITHIN_SECONDS, 0.2)[0]

    def quarantined(self, sequence_number: str) -> list[Any]:
        """Index rows of the quarantine for one Kinesis record."""
        rows = client("dynamodb").scan(TableName=self["QUARANTINE_TABLE"], ConsistentRead=True)["Items"]
        return [row for row in rows if row["sequence_number"]["S"] == sequence_number]

    def metrics(self, function: str) -> list[dict[str, Any]]:
        """The embedded metric lines of one function, oldest first."""
        return [line for line in self._lines() if "_aws" in line and line.get("Function") == function]

    @cached_property
    def table(self) -> SealedTable:
        """The items table, opened with the rights of the local AWS's root user over KMS."""
        return SealedTable.connect(
            self["TABLE"],
            key_store=self["KEY_STORE"],
            attribute_key=self["ATTRIBUTE_KEY"],
            policy=load_policy(POLICY_FILE),
        )

    def _events(self) -> Iterator[dict[str, Any]]:
        return (line for line in self._lines() if "event_id" in line)

    def _lines(self) -> Iterator[dict[str, Any]]:
        for group in (self["ENCRYPTOR_LOG_GROUP"], self["AUDITOR_LOG_GROUP"]):
            for _, message in log_lines(group):
                if message.startswith("{"):
                    yield json.loads(message)


def unique(name: str) -> str:
    """An id that no other test has."""
    return f"{name}-{uuid4().hex[:10]}"
