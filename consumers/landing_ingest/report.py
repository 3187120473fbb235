"""What the landing ingest tells: of an object that has ended an event and metrics; of each batch its metrics."""

from __future__ import annotations

from consumers.landing_ingest.ingest import Tally
from shared.landing import Progress, State
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id
from shared.runtime.log import json_lines
from shared.runtime.metrics import Metric, emit


def report_ended(progress: Progress, is_tagged: bool, audit_log: AuditLog) -> None:
    """Tell of an object whose ingest has ended, and count it: before its end is stored, so at least once.

    Raises:
        StoreUnavailable: it is not in the audit trail.
    """
    audit_log.write(
        AuditEvent.OBJECT_INGESTED,
        event_id=event_id("object", progress.object.name, progress.run),
        at=progress.updated_at,
        object=progress.object.public_name,
        version=progress.object.version,
        state=progress.state.value,
        lines=progress.lines,
        rejected=progress.rejected,
    )
    audit_log.flush()
    if not is_tagged:
        json_lines().msg("not_tagged", object=progress.object.public_name, version=progress.object.version)
    values = {
        Metric.LANDING_OBJECTS: 1,
        Metric.LANDING_FAILED_OBJECTS: int(progress.state is State.FAILED),
        Metric.LANDING_UNTAGGED_OBJECTS: int(not is_tagged),
    }
    emit(values, at=progress.updated_at)


def report_batch(tally: Tally, *, retried: int, started: float, ended: float) -> None:
    """Write the batch's lines to standard output; times in seconds since the epoch; `retried`: messages."""
    for one in tally.already:
        json_lines().msg(
            "already_ingested", object=one.object.public_name, version=one.object.version, state=one.state.value
        )
    values = {
        Metric.LANDING_LINES: tally.lines,
        Metric.LANDING_REJECTED_LINES: tally.rejected,
        Metric.LANDING_RETRIED: retried,
        Metric.BATCH_DURATION_MS: (ended - started) * 1_000,
    }
    emit(values, at=ended)
