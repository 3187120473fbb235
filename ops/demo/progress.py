"""What encryptor and auditor have reported so far, read from their log groups; and waiting for more of it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ops.demo.leaks import log_lines, stream_records
from ops.demo.screen import bars
from shared.runtime.audit_log import AuditEvent
from shared.runtime.metrics import Metric

DEADLINE_SECONDS: Final = 120
_OUTCOMES: Final = {
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

    def item_events(self) -> Iterator[dict[str, Any]]:
        """The audit events about items."""
        return (event for event in self.events.values() if event["event"].startswith("item."))

    def events_of(self, item: tuple[str, str]) -> list[dict[str, Any]]:
        """The audit events about one item, given by tenant and id, in the order of its changes."""
        found = (event for event in self.item_events() if (event.get("tenant_id"), event.get("item_id")) == item)
        return sorted(found, key=lambda event: int(event["sequence_number"]))

    @property
    def item_event_counts(self) -> Counter[str]:
        """Audited changes by the name of their event."""
        return Counter(event["event"] for event in self.item_events())

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

    @property
    def is_audited(self) -> bool:
        """Whether every change of the table has its audit event."""
        return self.audited >= self.changes > 0


def wait_until(is_so: Callable[[Reported], bool], environment: Mapping[str, str], *, records: int = 0) -> Reported:
    """Show what is reported, until it is as wanted.

    Args:
        is_so: whether it is.
        environment: the stacks' outputs as `SEALSTREAM_*`.
        records: how many are to have their outcome, if that is waited for.

    Raises:
        TimeoutError: after `DEADLINE_SECONDS` it is not.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    with bars() as progress:
        settled = progress.add_task("records with their outcome", total=records, visible=records > 0)
        audited = progress.add_task("changes audited", total=None)
        while True:
            reported = read_reports(
                encryptor_log=environment["SEALSTREAM_ENCRYPTOR_LOG_GROUP"],
                auditor_log=environment["SEALSTREAM_AUDITOR_LOG_GROUP"],
                table_stream=environment["SEALSTREAM_TABLE_STREAM"],
            )
            progress.update(settled, completed=reported.settled)
            progress.update(audited, completed=reported.audited, total=reported.changes)
            if is_so(reported):
                return reported
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"after {DEADLINE_SECONDS} s {reported.settled} records have their outcome, and {reported.audited} "
                    f"of {reported.changes} changes are audited: {dict(reported.item_event_counts)}"
                )
            time.sleep(0.5)


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
