"""What the integration tests share: a deployment, asked as its users ask it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import md5
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import uuid4

from boto3.dynamodb.types import TypeSerializer

from ops.demo.leaks import stream_records, table_items
from ops.demo.produce import chunks
from shared.aws.clients import client
from shared.aws.key_rows import read_data_key
from shared.keys.ports import DataKeyRow
from shared.policy.load import load_policy
from shared.policy.verify import key_ids
from shared.runtime.settings import POLICY_FILE
from shared.sealed_table import SealedTable
from tests.local_aws.support import wait_until

ARRIVES_WITHIN_SECONDS = 30
KEY_AGE_SECONDS = 10
"""For how long functions on the local AWS use a data key."""
LATE_LINES_SECONDS = 10
"""How much later than its time a line may be in its log."""
MOST_IN_A_BATCH = 25
"""Of DynamoDB's BatchWriteItem."""
FAULTS_FILE = "faults.json"
"""In a deployment's folder: what goes wrong with the calls of its functions, where there is one."""
SEALSTREAM = Path(sys.executable).with_name("sealstream")


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

    def shard_of(self, partition_key: str) -> str:
        """The shard that records of this partition key go to."""
        hash_key = int(md5(partition_key.encode(), usedforsecurity=False).hexdigest(), 16)
        shards = client("kinesis").list_shards(StreamName=self["STREAM"], ShardFilter={"Type": "AT_LATEST"})["Shards"]
        ranges = {one["ShardId"]: one["HashKeyRange"] for one in shards}
        (found,) = [
            shard_id
            for shard_id, keys in ranges.items()
            if int(keys["StartingHashKey"]) <= hash_key <= int(keys["EndingHashKey"])
        ]
        return found

    def put_json(self, record: Mapping[str, Any], *, partition_key: str | None = None) -> str:
        return self.put(json.dumps(record).encode(), partition_key=partition_key or str(record["id"]))

    def stored(self, tenant: str, item: str) -> Any:
        """The item as it lies in the table, or None."""
        key = {"tenant_id": {"S": tenant}, "item_id": {"S": item}}
        return client("dynamodb").get_item(TableName=self["TABLE"], Key=key, ConsistentRead=True).get("Item")

    def wait_for_item(self, tenant: str, item: str) -> Any:
        return wait_until(lambda: self.stored(tenant, item), ARRIVES_WITHIN_SECONDS, 0.1)

    def put_in_clear(self, tenant: str, item: str, attributes: Mapping[str, Any]) -> None:
        """Write an item straight into the table, as nobody should."""
        typed = TypeSerializer().serialize({"tenant_id": tenant, "item_id": item, **attributes})["M"]
        client("dynamodb").put_item(TableName=self["TABLE"], Item=typed)

    def remove_items(self) -> None:
        """All that lie in the table, as nobody should."""
        scan = client("dynamodb").get_paginator("scan")
        pages = scan.paginate(TableName=self["TABLE"], ProjectionExpression="tenant_id, item_id", ConsistentRead=True)
        for keys in chunks((key for page in pages for key in page["Items"]), MOST_IN_A_BATCH):
            left: Any = {self["TABLE"]: [{"DeleteRequest": {"Key": key}} for key in keys]}
            while left:
                left = client("dynamodb").batch_write_item(RequestItems=left).get("UnprocessedItems")

    def changes(self, tenant: str, item: str) -> int:
        """How many records of the table's stream are about this item."""
        key = {"tenant_id": {"S": tenant}, "item_id": {"S": item}}
        return sum(record["dynamodb"]["Keys"] == key for _, record in stream_records(self["TABLE_STREAM"]))

    def keys(self, tenant: str) -> dict[int, DataKeyRow]:
        """The tenant's data keys, by id."""
        rows = [row for _, row in table_items(self["KEY_STORE"]) if row["tenant_id"]["S"] == tenant]
        keys = [read_data_key(tenant, row) for row in rows if row["row"]["S"].startswith("key#")]
        return {key.key_id: key for key in keys}

    def keys_in_use(self, tenant: str) -> set[int]:
        """Ids of the data keys that values of the tenant's items lie under."""
        items = [item for _, item in table_items(self["TABLE"]) if item["tenant_id"]["S"] == tenant]
        return set().union(*map(key_ids, items))

    def opened(self, tenant: str, item: str) -> dict[str, Any]:
        """The item as a reader sees it who has no data key at hand yet; without its keys."""
        read = self._connect().get_item(Key={"tenant_id": tenant, "item_id": item}, ConsistentRead=True)["Item"]
        return {name: value for name, value in read.items() if name not in {"tenant_id", "item_id"}}

    def audit_events(self, **fields: str) -> list[dict[str, Any]]:
        """Audit events of all Lambdas that have these fields, those of a redelivery once, oldest first."""
        found = (event for event in self._events() if all(event.get(name) == value for name, value in fields.items()))
        return list({event["event_id"]: event for event in found}.values())

    def wait_for_event(self, **fields: str) -> dict[str, Any]:
        return wait_until(lambda: self.audit_events(**fields), ARRIVES_WITHIN_SECONDS, 0.2)[0]

    def quarantined(self, sequence_number: str) -> list[Any]:
        """Index rows of the quarantine for one Kinesis record."""
        rows = client("dynamodb").scan(TableName=self["QUARANTINE_TABLE"], ConsistentRead=True)["Items"]
        return [row for row in rows if row["sequence_number"]["S"] == sequence_number]

    def metrics(self, function: str) -> list[dict[str, Any]]:
        """What one function, given by its stage, counted of its batches, oldest first; not of its segments."""
        lines = [line for line in self._lines() if "_aws" in line and "SegmentsWritten" not in line]
        return [line for line in lines if line["Function"] == self[function.upper()]]

    def findings(self) -> int:
        """How many messages the findings queue holds, those included that are being worked off."""
        attributes = client("sqs").get_queue_attributes(QueueUrl=self["FINDINGS_QUEUE"], AttributeNames=["All"])[
            "Attributes"
        ]
        return int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"])

    def wait_until_mended(self, findings_before: int) -> None:
        """Until the re-encryptor has worked off all findings but what others left, which may come back for long."""
        wait_until(lambda: self.findings() <= findings_before, ARRIVES_WITHIN_SECONDS, 0.2)

    @contextmanager
    def paused(self, function: str) -> Iterator[None]:
        """Nothing is delivered to the function meanwhile."""
        (mapping,) = client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        self._set_mapping(mapping["UUID"], enabled=False)
        try:
            yield
        finally:
            self._set_mapping(mapping["UUID"], enabled=True)

    @cached_property
    def table(self) -> SealedTable:
        """The items table, opened with the rights of the local AWS's root user over KMS."""
        return self._connect()

    def _connect(self) -> SealedTable:
        return SealedTable.connect(
            self["TABLE"],
            key_store=self["KEY_STORE"],
            attribute_key=self["ATTRIBUTE_KEY"],
            policy=load_policy(POLICY_FILE),
        )

    def _set_mapping(self, uuid: str, *, enabled: bool) -> None:
        client("lambda").update_event_source_mapping(UUID=uuid, Enabled=enabled)
        wanted = "Enabled" if enabled else "Disabled"
        wait_until(lambda: client("lambda").get_event_source_mapping(UUID=uuid)["State"] == wanted)

    def _events(self) -> Iterator[dict[str, Any]]:
        return (line for line in self._lines() if "event_id" in line)

    def _lines(self) -> Iterator[dict[str, Any]]:
        return chain.from_iterable(log.documents() for log in self._logs)

    @cached_property
    def _logs(self) -> list[Log]:
        return [Log(group) for name, group in self.environment.items() if name.endswith("_LOG_GROUP")]


@dataclass
class Log:
    """A function's log since a time (seconds since the epoch), of which each line is read once."""

    group: str
    since: float = 0.0
    _seen: set[tuple[str, int, str]] = field(default_factory=set)
    _read: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def documents(self) -> list[dict[str, Any]]:
        """The JSON lines, oldest first."""
        newest = self._read[-1][0] / 1_000 if self._read else 0.0
        begin = max(self.since, newest - LATE_LINES_SECONDS)
        pages = client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=self.group, startTime=int(begin * 1_000)):
            for event in page["events"]:
                line = event["logStreamName"], event["timestamp"], event["message"]
                if line not in self._seen:
                    self._seen.add(line)
                    self._read += [(line[1], document) for document in json_lines([line[2]])]
        self._read.sort(key=itemgetter(0))
        return [document for _, document in self._read]


def unique(name: str) -> str:
    """An id that no other test has."""
    return f"{name}-{uuid4().hex[:10]}"


def sealstream(*arguments: str, output: Path) -> subprocess.Popen[bytes]:
    """A started command of the operator; what it prints goes to the file."""
    with output.open("wb") as out:
        return subprocess.Popen([str(SEALSTREAM), *arguments], stdout=out, stderr=subprocess.STDOUT)


def printed(output: Path) -> list[dict[str, Any]]:
    """The JSON documents that a command printed so far."""
    return json_lines(output.read_text(encoding="utf-8").splitlines())


def json_lines(lines: Iterable[str]) -> list[dict[str, Any]]:
    """The JSON documents among some lines; one that is not complete is none."""
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
