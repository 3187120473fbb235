"""What the deployed Lambdas have reported so far, read from their log groups."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ops.demo.leaks import log_lines, stream_records
from shared.model import VerdictKind
from shared.runtime.audit_log import AuditEvent
from shared.runtime.metrics import Metric

_OUTCOMES = {
    "written": Metric.RECORDS_WRITTEN,
    "duplicate": Metric.RECORDS_DUPLICATE,
    "superseded": Metric.RECORDS_SUPERSEDED,
    "quarantined": Metric.RECORDS_QUARANTINED,
    "retry": Metric.RECORDS_RETRIED,
}


@dataclass(frozen=True, slots=True)
class Reported:
    """Sums over all batches of both Lambdas, and what the table's stream holds.

    Attributes:
        events: audit events by id, each once, however often it was delivered.
        changes: records in the table's stream.
    """

    outcomes: Counter[str]
    metrics: Counter[str]
    events: dict[str, dict[str, Any]] = field(repr=False)
    changes: int

    @property
    def settled(self) -> int:
        """Records that have their final outcome."""
        return self.outcomes.total() - self.outcomes["retry"]

    @property
    def verdicts(self) -> Counter[VerdictKind]:
        """Audited changes by verdict."""
        return Counter(VerdictKind(event["verdict"]) for event in self.item_events())

    def item_events(self) -> Iterator[dict[str, Any]]:
        """The audit events about items."""
        return (event for event in self.events.values() if event["event"].startswith("item."))

    @property
    def quarantined_by_reason(self) -> dict[str, int]:
        """Quarantined records by reason, from their audit events."""
        held = (event for event in self.events.values() if event["event"] == AuditEvent.RECORD_QUARANTINED)
        counts: Counter[str] = Counter()
        for event in held:
            counts[event["reason"]] += event["record_count"]
        return dict(counts)

    @property
    def audited(self) -> int:
        """Changes of the table that have their audit event."""
        return sum(1 for _ in self.item_events())


def read_reports(*, encryptor_log: str, auditor_log: str, table_stream: str) -> Reported:
    """Read everything that was reported since the deployment."""
    outcomes: Counter[str] = Counter()
    metrics: Counter[str] = Counter()
    events: dict[str, dict[str, Any]] = {}
    names = {str(name) for name in AuditEvent}
    for group in (encryptor_log, auditor_log):
        for document in _documents(group):
            if "_aws" in document:
                counts = {name: value for name, value in document.items() if isinstance(value, int | float)}
                metrics.update(counts)
                outcomes.update({name: counts.get(metric, 0) for name, metric in _OUTCOMES.items()})
            elif document.get("event") in names:
                events[document["event_id"]] = document
    changes = sum(1 for _ in stream_records(table_stream))
    return Reported(outcomes, metrics, events, changes)


def _documents(group: str) -> Iterator[dict[str, Any]]:
    for _, message in log_lines(group):
        if message.startswith("{"):
            yield json.loads(message)
