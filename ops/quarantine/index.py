"""Entries of the quarantine as its index knows them: where records came from and why, never what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from ops.clock import iso
from shared.aws.errors import AWS_ERRORS, store_error
from shared.public_ids import public_tenant

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LATEST: Final = datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp()
"""The last second that can be shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one Kinesis record, or line of a file, brought of one tenant, rejected for one reason.

    A row may lack anything but its id.

    Attributes:
        reason: why its records cannot be written, as far as is known by now; `detail` is of the first of them.
        kept_reason: why they were kept, where that is another.
        tenant_id: "" where nobody knows.
        arrived_at: in Kinesis, seconds since the epoch; 0 where the row does not say, as all times here.
        object_key: of the content; "" once it is gone.
        decided_at: when somebody had it redriven or discarded.
        object: of the line's file, `s3://bucket/key`; "" where it is none of a file, as its version.
        line: from 1; 0 where it is none.
    """

    quarantine_id: str
    state: str = ""
    reason: str = ""
    detail: str = ""
    tenant_id: str = ""
    record_count: int = 0
    arrived_at: float = 0.0
    stream_arn: str = ""
    shard_id: str = ""
    sequence_number: str = ""
    object_key: str = ""
    kept_reason: str = ""
    kept_at: float = 0.0
    decided_at: float = 0.0
    object: str = ""
    version: str = ""
    line: int = 0

    def document(self) -> dict[str, Any]:
        """For programs; the tenant as logs may show it."""
        return {
            "quarantine_id": self.quarantine_id,
            "state": self.state,
            "reason": self.reason,
            "detail": self.detail,
            "kept_reason": self.kept_reason or self.reason,
            "tenant_id": self.public_tenant,
            "record_count": self.record_count,
            "arrived_at": iso(self.arrived_at or None),
            "kept_at": iso(self.kept_at or None),
            "decided_at": iso(self.decided_at or None),
            "stream_arn": self.stream_arn,
            "shard_id": self.shard_id,
            "sequence_number": self.sequence_number,
            "object": self.object,
            "version": self.version,
            "line": self.line or None,
            "object_key": self.object_key,
        }

    @property
    def public_tenant(self) -> str:
        """As logs may show it; "" where nobody knows."""
        return public_tenant(self.tenant_id) if self.tenant_id else ""

    @property
    def place_in_file(self) -> str:
        """Object and line; "" where it is none of a file."""
        return f"{self.object} line {self.line:,}" if self.object else ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries are meant; what is left open means all.

    Attributes:
        since: seconds since the epoch; the records arrived then or later.
        until: they arrived before; where nobody knows when they did, neither is so.
        decided: those too that are decided and have no content any more.
    """

    reasons: tuple[str, ...] = ()
    tenant_id: str = ""
    since: float | None = None
    until: float | None = None
    decided: bool = False

    def means(self, entry: Entry) -> bool:
        """Whether this entry is one of them."""
        return (
            (not self.reasons or entry.reason in self.reasons)
            and self.tenant_id in {"", entry.tenant_id}
            and (self.since is None or entry.arrived_at >= self.since)
            and (self.until is None or 0 < entry.arrived_at < self.until)
            and (self.decided or bool(entry.object_key))
        )

    @property
    def narrows(self) -> bool:
        """Whether anything was said at all."""
        return bool(self.reasons or self.tenant_id) or self.since is not None or self.until is not None


@dataclass(frozen=True, slots=True)
class QuarantineIndex:
    """The table of entries."""

    dynamodb: DynamoDBClient
    table: str

    def entries(self, selection: Selection) -> list[Entry]:
        """Those that are meant, the oldest first; raises StoreUnavailable."""
        return sorted(filter(selection.means, map(entry_of, self._rows())), key=lambda entry: entry.arrived_at)

    def get(self, quarantine_ids: Iterable[str]) -> dict[str, Entry]:
        """Those of these that there are; raises StoreUnavailable."""
        found = {}
        for quarantine_id in quarantine_ids:
            key = {"quarantine_id": {"S": quarantine_id}}
            try:
                row = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
            except AWS_ERRORS as error:
                raise store_error(error, "reading the quarantine index") from None
            if row:
                found[quarantine_id] = entry_of(row)
        return found

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        try:
            for page in pages:
                yield from page["Items"]
        except AWS_ERRORS as error:
            raise store_error(error, "reading the quarantine index") from None


def entry_of(row: Mapping[str, Any]) -> Entry:
    """A row, read."""

    def text(name: str) -> str:
        value = row.get(name, {}).get("S")
        return value if isinstance(value, str) else ""

    def number(name: str) -> float:
        try:
            value = float(row[name]["N"])
        except (KeyError, TypeError, ValueError):
            return 0.0
        return value if isfinite(value) else 0.0

    def time(name: str) -> float:
        value = number(name)
        return value if 0 <= value <= _LATEST else 0.0

    return Entry(
        quarantine_id=text("quarantine_id"),
        state=text("state"),
        reason=text("reason"),
        detail=text("detail"),
        tenant_id=text("tenant_id"),
        record_count=int(number("record_count")),
        arrived_at=time("arrived_at"),
        stream_arn=text("stream_arn"),
        shard_id=text("shard_id"),
        sequence_number=text("sequence_number"),
        object_key=text("object_key"),
        kept_reason=text("kept_reason"),
        kept_at=time("kept_at"),
        decided_at=time("decided_at"),
        object=text("object"),
        version=text("version"),
        line=int(number("line")),
    )
