"""The audit log: events with a static name and allow-listed fields (docs/audit_events.md).

A field that is not on its event's list is refused, always and with its name only: whoever adds a field decides, here
and in the page, that it can hold no attribute's value.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from threading import Lock
from typing import Any, Final, Protocol, TextIO

from structlog import DropEvent

from shared.model import Outcome
from shared.runtime.log import json_lines
from shared.runtime.metrics import Metric, emit


class AuditEvent(StrEnum):
    """What can happen, by its static name."""

    ITEM_WRITTEN = "item.written"
    ITEM_STALE = "item.stale"
    ITEM_PLAINTEXT_FOUND = "item.plaintext_found"
    ITEM_MALFORMED = "item.malformed"
    ITEM_UNDECLARED_SENSITIVE = "item.undeclared_sensitive"
    ITEM_REMOVED = "item.removed"
    ITEM_REENCRYPTED = "item.reencrypted"
    ITEM_REMEDIATED = "item.remediated"
    ITEM_ADOPTED = "item.adopted"
    ITEM_RECONCILED = "item.reconciled"
    OBJECT_INGESTED = "object.ingested"
    OBJECT_SKIPPED = "object.skipped"
    RECORD_QUARANTINED = "record.quarantined"
    RECORD_REENCRYPTED = "record.reencrypted"
    RECORD_REDRIVEN = "record.redriven"
    RECORD_DISCARDED = "record.discarded"
    RECORD_SKIPPED = "record.skipped"
    STREAM_REPLAYED = "stream.replayed"
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_REWRAPPED = "key.rewrapped"
    KEY_RETIRED = "key.retired"
    KEY_REOPENED = "key.reopened"
    KEY_DESTROYED = "key.destroyed"
    ROTATION_STARTED = "rotation.started"
    CENSUS_COMPLETED = "census.completed"
    ROTATION_COMPLETED = "rotation.completed"
    RECONCILIATION_COMPLETED = "reconciliation.completed"
    ACCESS_DENIED = "access.denied"
    TRAIL_VERIFICATION_FAILED = "trail.verification_failed"


COMMON_FIELDS: Final = frozenset({"event", "event_id", "at"})
FINDING_FIELDS: Final = frozenset({"kind", "where", "why", "data_class"})

CENSUS_FIGURES: Final = ("visited", "sealed_values", "stale_values", "clear_values", "unknown_values")
"""What a scan counted of all items, see `shared.scan`."""
RECONCILIATION_FIGURES: Final = (
    "visited",
    "verified",
    "stale",
    "plaintext",
    "malformed",
    "undeclared",
    "unjudged",
    "sent",
)
"""What a reconciliation found of all items, by verdict, and how many it sent to be mended."""
RUN_FIGURES: Final = (
    "rewrapped",
    "renewed",
    "retired",
    "destroyed",
    "kept",
    "failed",
    "corrupt",
    "mended",
    "reencrypted_values",
    "sealed_values",
    "left",
    "retry",
)
"""What a run did to data keys, and its sweep to items."""

_CHANGE = COMMON_FIELDS | {"tenant_id", "item_id", "change", "sequence_number", "verdict"}
_RECORD = {"source_sequence_number", "source_sub_sequence"}
_IMAGE = _CHANGE | {"findings", "finding_count", "sealed_count", "policy"} | _RECORD
_SOURCE = {"shard_id", "sequence_number", "record_count"}
_SPAN = {"shard_id", "first_sequence_number", "last_sequence_number"}
_OUTCOMES = set(Outcome)
_CALL = COMMON_FIELDS | {"request_id"}
_KEY = COMMON_FIELDS | {"tenant_id", "data_class", "key_id"}
_RUN = COMMON_FIELDS | {"run_id", "kind", "verdict"}

ALLOWED_FIELDS: Final[Mapping[AuditEvent, frozenset[str]]] = {
    AuditEvent.ITEM_WRITTEN: _IMAGE,
    AuditEvent.ITEM_STALE: _IMAGE,
    AuditEvent.ITEM_PLAINTEXT_FOUND: _IMAGE | {"exposure"},
    AuditEvent.ITEM_MALFORMED: _IMAGE | {"exposure"},
    AuditEvent.ITEM_UNDECLARED_SENSITIVE: _IMAGE,
    AuditEvent.ITEM_REMOVED: _CHANGE | {"removed_by"},
    AuditEvent.ITEM_REENCRYPTED: _IMAGE,
    AuditEvent.ITEM_REMEDIATED: _IMAGE | {"open_seconds"},
    AuditEvent.ITEM_ADOPTED: _IMAGE,
    AuditEvent.ITEM_RECONCILED: _IMAGE - {"sequence_number"},
    AuditEvent.OBJECT_INGESTED: COMMON_FIELDS | {"object", "version", "state", "lines", "rejected"},
    AuditEvent.OBJECT_SKIPPED: _CALL | {"object", "version"},
    AuditEvent.RECORD_QUARANTINED: COMMON_FIELDS | _SOURCE | {"quarantine_id", "reason", "detail"},
    AuditEvent.RECORD_REENCRYPTED: COMMON_FIELDS | {"quarantine_id"},
    AuditEvent.RECORD_REDRIVEN: _CALL
    | _SPAN
    | _OUTCOMES
    | {"quarantine_id", "reason", "kinesis_records", "written_ahead"},
    AuditEvent.RECORD_DISCARDED: _CALL | {"quarantine_id", "reason", "record_count"},
    AuditEvent.RECORD_SKIPPED: _CALL | _SPAN | {"stream", "record_count"},
    AuditEvent.STREAM_REPLAYED: _CALL
    | _SPAN
    | _OUTCOMES
    | {"kinesis_records", "stream", "record_count", "written_ahead"},
    AuditEvent.KEY_CREATED: _KEY,
    AuditEvent.KEY_ROTATED: _KEY | {"run_id", "replaces"},
    AuditEvent.KEY_REWRAPPED: _KEY | {"run_id", "key_material_id"},
    AuditEvent.KEY_RETIRED: _KEY | {"run_id"},
    AuditEvent.KEY_REOPENED: _KEY | {"run_id"},
    AuditEvent.KEY_DESTROYED: _KEY | {"run_id"},
    AuditEvent.ROTATION_STARTED: _KEY | {"run_id", "kind"},
    AuditEvent.CENSUS_COMPLETED: _RUN | {*CENSUS_FIGURES},
    AuditEvent.ROTATION_COMPLETED: _RUN | {*RUN_FIGURES},
    AuditEvent.RECONCILIATION_COMPLETED: _RUN | {*RECONCILIATION_FIGURES},
    AuditEvent.ACCESS_DENIED: _CALL | {"tenant_id", "asked_tenant_id", "operation", "why"},
    AuditEvent.TRAIL_VERIFICATION_FAILED: COMMON_FIELDS | {"findings", "finding_count"},
}

_AS_IT_SHOULD_BE: Final = frozenset({AuditEvent.ITEM_WRITTEN, AuditEvent.ITEM_RECONCILED})
"""A line in CloudWatch Logs for each write would cost as much as the write."""
_MOST_CARRIED: Final = 5_000
"""Events from invocations that failed: nearly all are told again anyway, and an outage must not fill the memory."""
_EVENT_ID_HEX_DIGITS: Final = 32


def event_id(*source: str | int) -> str:
    """The id of an event, 32 hex digits, from where its cause came from, so that a redelivery repeats it.

    Args:
        source: what identifies the cause, such as shard and sequence number; never an attribute's value, since
            a digest of few possibilities can be undone by trying them.
    """
    parts = [str(part).encode("utf-8", "surrogatepass") for part in source]
    injective = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return sha256(injective).hexdigest()[:_EVENT_ID_HEX_DIGITS]


class Trail(Protocol):
    """Where events are kept for good; see `shared.aws.segment_writer`."""

    def write(self, events: Sequence[Mapping[str, Any]], *, where: str) -> Sequence[tuple[str | None, int]]:
        """Keep events; gives the name of each thing that they are kept in, and how many of them, in their order.

        No name where just this is kept already.

        Args:
            events: at least one, each with an id of its own.
            where: what they came from.

        Raises:
            StoreUnavailable: they are not kept.
        """


class AuditLog:
    """Tells of events: of each at once in the function's log, of all in the trail, where `flush` keeps them.

    Safe to share between threads.

    Args:
        out: instead of standard output.
        trail: None: nothing is kept.
        prints_all: whether what is as it should be is printed too, item by item.
    """

    def __init__(self, out: TextIO | None = None, *, trail: Trail | None = None, prints_all: bool = True) -> None:
        self._events = json_lines(_without_absent, _only_allowed_fields, _time_in_utc, self._gathered, out=out)
        self._lines = json_lines(out=out)
        self._out = out
        self._trail = trail
        self._prints_all = prints_all
        self._where = ""
        self._unkept: dict[str, Mapping[str, Any]] = {}
        self._keeping = Lock()

    def begin(self, where: str) -> None:
        """An invocation begins; what an earlier one could not keep is kept with what this one tells.

        Beyond `_MOST_CARRIED` the oldest of that is dropped, which is logged and counted.

        Args:
            where: what its events come from: letters, digits, `.`, `_` and `-`.
        """
        self._where = where
        with self._keeping:
            dropped = [self._unkept.pop(identity) for identity in list(self._unkept)[:-_MOST_CARRIED]]
        if dropped:
            self._lines.msg("dropped", counts=_counts(dropped))
            emit({Metric.AUDIT_EVENTS_DROPPED: len(dropped)}, at=time.time(), out=self._out)

    def write(self, event: AuditEvent, *, event_id: str, at: float, **fields: Any) -> None:
        """Tell of one event.

        Args:
            event: its static name.
            event_id: from `event_id()`.
            at: when its cause happened, seconds since the epoch.
            fields: the event's other fields, of `ALLOWED_FIELDS`; those that are None are left out.

        Raises:
            ValueError: a field is not allowed, or its value is no string, integer or list of findings.
        """
        self._events.msg(event, event_id=event_id, at=at, **fields)

    def flush(self) -> None:
        """Keep in the trail what was told since the last time, each event once.

        Whoever stores a step that nobody repeats after it calls this first.

        Raises:
            StoreUnavailable: it is not kept, and is still to be.
        """
        with self._keeping:
            events = tuple(self._unkept.copy().values())
            if self._trail is None or not events:
                return
            kept = 0
            for segment, count in self._trail.write(events, where=self._where):
                self._kept(segment, events[kept : kept + count])
                kept += count

    def _kept(self, segment: str | None, events: Sequence[Mapping[str, Any]]) -> None:
        for event in events:
            del self._unkept[event["event_id"]]
        self._lines.msg("told", segment=segment, counts=_counts(events))
        figures = {
            Metric.SEGMENTS_WRITTEN: int(segment is not None),
            Metric.AUDIT_EVENTS_WRITTEN: len(events) if segment else 0,
        }
        emit(figures, at=time.time(), out=self._out)

    def _gathered(self, _logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if self._trail is not None:
            self._unkept.setdefault(fields["event_id"], dict(fields))
        if fields["event"] in _AS_IT_SHOULD_BE and not fields.get("finding_count") and not self._prints_all:
            raise DropEvent
        return fields


def _counts(events: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many there are of each name."""
    return dict(sorted(Counter(event["event"] for event in events).items()))


def _without_absent(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _only_allowed_fields(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event = AuditEvent(fields["event"])
    for name, value in fields.items():
        if name not in ALLOWED_FIELDS[event]:
            raise ValueError(f"audit event {event} has no field {name!r}")
        if name == "findings":
            _check_findings(event, value)
        elif name != "at" and (isinstance(value, bool) or not isinstance(value, str | int)):
            raise ValueError(f"field {name!r} of audit event {event} must be a string or an integer")
    return fields


def _check_findings(event: AuditEvent, findings: Any) -> None:
    for finding in findings:
        for name, value in finding.items():
            if name not in FINDING_FIELDS or not isinstance(value, str):
                raise ValueError(f"a finding of audit event {event} has no field {name!r}, or it is no string")


def _time_in_utc(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    at = datetime.fromtimestamp(fields["at"], UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {**fields, "at": at}
