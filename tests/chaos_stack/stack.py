"""What a deployment holds of one campaign: read for the verdict, and every document of it searched for plaintext."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from boto3.dynamodb.conditions import Key

from ops.audit.distinct import Event
from ops.demo.leaks import LeakSearch, log_lines, queue_messages, shard_records, table_items, text_of
from ops.quarantine.content import opened
from ops.quarantine.index import Entry, QuarantineIndex, Selection
from shared.aws.audit_bucket import AuditBucket
from shared.aws.clients import client
from shared.model import SOURCE
from tests.chaos.model import ItemKey
from tests.chaos.world import Held
from tests.chaos_stack.records import CANARIES
from tests.chaos_stack.told import Told
from tests.integration.support import Deployment, Log

LOCAL_AWS_LOG: Final = "local_aws.log"
DEAD_LETTERS: Final = tuple(f"{of}_DEAD_LETTER_QUEUE" for of in ("ENCRYPTOR", "AUDITOR", "REENCRYPTOR"))


@dataclass
class Search:
    """Looks for canaries in whatever it is shown.

    Attributes:
        documents: how many it was shown, by place.
        hits: in how many one was found.
    """

    leaks: LeakSearch = field(default_factory=lambda: LeakSearch(CANARIES))
    documents: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)

    def look(self, where: str, document: Any) -> None:
        """At one document, in whatever form it came."""
        text = document.decode("utf-8", "replace") if isinstance(document, bytes) else document
        self.documents[where] += 1
        self.hits[where] += bool(self.leaks.hits(where, text if isinstance(text, str) else text_of(text)))

    def look_at_all(self, found: Iterable[tuple[str, Any]]) -> None:
        """At each; (where, document)."""
        for where, document in found:
            self.look(where, document)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the items table: its number, its item, and `_src` before and after it."""

    number: str
    key: ItemKey
    old_source: bytes | None
    new_source: bytes | None


@dataclass
class Stack:
    """One campaign's view of a deployment.

    Attributes:
        since: seconds since the epoch, when it began.
        changes: of the table, as far as they are read.
    """

    deployment: Deployment
    since: float
    search: Search = field(default_factory=Search)
    changes: list[Change] = field(default_factory=list, repr=False)
    _last: dict[str, str] = field(default_factory=dict)
    _log_offset: int = 0

    def __post_init__(self) -> None:
        self._of_others = {change.number for change in self.read_changes()}
        self.changes.clear()
        self.search = Search()
        self._told = Told(AuditBucket(client("s3"), self.deployment["AUDIT_BUCKET"]), self.since, self.search.look)
        self._audit_logs = [Log(self.deployment[f"{of}_LOG_GROUP"], self.since) for of in ("AUDITOR", "REAUDITOR")]
        self._log_offset = (self.deployment.folder / LOCAL_AWS_LOG).stat().st_size

    def read_changes(self) -> list[Change]:
        """All changes so far; each is read, and searched, once."""
        streams, arn = client("dynamodbstreams"), self.deployment["TABLE_STREAM"]
        for shard_id in (
            one["ShardId"] for one in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        ):
            for where, record in shard_records(streams, arn, shard_id, after=self._last.get(shard_id, "")):
                self.search.look(where, record)
                self.changes.append(change := _change(record["dynamodb"]))
                self._last[shard_id] = change.number
        return self.changes

    def items(self, tenants: Collection[str]) -> dict[ItemKey, Any]:
        """The tenants' items as they lie in the table."""
        pages = client("dynamodb").get_paginator("query")
        found: dict[ItemKey, Any] = {}
        for tenant in tenants:
            for page in pages.paginate(
                TableName=self.deployment["TABLE"],
                ConsistentRead=True,
                KeyConditionExpression="tenant_id = :tenant",
                ExpressionAttributeValues={":tenant": {"S": tenant}},
            ):
                found |= {(tenant, item["item_id"]["S"]): item for item in page["Items"]}
        return found

    def opened(self, tenants: Collection[str]) -> dict[ItemKey, dict[str, Any]]:
        """The tenants' items as a reader sees them, without their keys; deleted ones are not there."""
        found: dict[ItemKey, dict[str, Any]] = {}
        for tenant in tenants:
            after: dict[str, Any] = {}
            while True:
                page = self.deployment.table.query(
                    KeyConditionExpression=Key("tenant_id").eq(tenant), ConsistentRead=True, **after
                )
                for item in page["Items"]:
                    key = item.pop("tenant_id"), item.pop("item_id")
                    found[key] = item
                if "LastEvaluatedKey" not in page:
                    break
                after = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        return found

    def entries(self) -> list[Entry]:
        """What is held in quarantine of what arrived since then."""
        index = QuarantineIndex(client("dynamodb"), self.deployment["QUARANTINE_TABLE"])
        return index.entries(Selection(since=self.since))

    def held(self) -> list[Held]:
        """Each record in quarantine, opened."""
        return [
            Held(
                (int(record.sequence_number), record.sub_sequence),
                entry.reason,
                entry.quarantine_id,
                record.partition_key,
                record.payload,
            )
            for entry in self.entries()
            for record in opened(entry.quarantine_id)
        ]

    def told(self) -> dict[str, Sequence[Event]]:
        """The audit events of the table's changes since then, as the trail has them, by the change's number."""
        return {number: events for number, events in self._told.by_change().items() if number not in self._of_others}

    def printed(self) -> Mapping[str, Sequence[Event]]:
        """The same as the functions' logs have them."""
        found: dict[str, list[Event]] = defaultdict(list)
        for line in (line for log in self._audit_logs for line in log.documents()):
            if "event_id" in line and "sequence_number" in line:
                found[line["sequence_number"]].append(line)
        return found

    def look_at_dead_letters(self) -> None:
        """Before they are worked off."""
        for queue in DEAD_LETTERS:
            self.search.look_at_all(queue_messages(self.deployment[queue]))

    def look_everywhere(self, tenants: Collection[str]) -> None:
        """At everything else that was stored or said about this campaign."""
        self.read_changes()
        self.told()
        self.search.look_at_all(("items table", item) for item in self.items(tenants).values())
        self.search.look_at_all(table_items(self.deployment["KEY_STORE"]))
        self.search.look_at_all(table_items(self.deployment["RUNS"]))
        self.search.look_at_all(self._quarantine())
        self.search.look_at_all(queue_messages(self.deployment["FINDINGS_QUEUE"]))
        self.look_at_dead_letters()
        for page in client("logs").get_paginator("describe_log_groups").paginate():
            for group in page["logGroups"]:
                self.search.look_at_all(log_lines(group["logGroupName"], since=self.since))
        metrics = client("cloudwatch").get_paginator("list_metrics").paginate()
        self.search.look_at_all(("metrics", metric) for page in metrics for metric in page["Metrics"])
        with (self.deployment.folder / LOCAL_AWS_LOG).open("rb") as log:
            log.seek(self._log_offset)
            self.search.look_at_all(("the local AWS's own log", line) for line in log)

    def _quarantine(self) -> Iterator[tuple[str, Any]]:
        s3, bucket = client("s3"), self.deployment["QUARANTINE_BUCKET"]
        for entry in self.entries():
            yield "quarantine index", entry.document() | {"tenant_id": entry.tenant_id}
            yield "quarantine bucket", s3.get_object(Bucket=bucket, Key=entry.object_key)["Body"].read()


def _change(record: Any) -> Change:
    keys = record["Keys"]
    old, new = (record.get(image, {}).get(SOURCE, {}).get("B") for image in ("OldImage", "NewImage"))
    return Change(record["SequenceNumber"], (keys["tenant_id"]["S"], keys["item_id"]["S"]), old, new)
