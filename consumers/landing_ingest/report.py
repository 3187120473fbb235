"""What the landing ingest tells: an event per object, a line where there was nothing to do, metrics per batch."""

from __future__ import annotations

from collections.abc import Sequence

from consumers.landing_ingest.ingest import Worked
from shared.landing import Progress, State
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id
from shared.runtime.log import json_lines
from shared.runtime.metrics import Metric, emit


def report_ended(progress: Progress, audit_log: AuditLog) -> None:
    """Write the event of an object whose ingest has ended."""
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


def report_batch(worked: Sequence[Worked], *, started: float, ended: float) -> None:
    """Write the batch's lines to standard output; times in seconds since the epoch."""
    for one in worked:
        if one.before.has_ended:
            about = one.before.object
            json_lines().msg(
                "already_ingested", object=about.public_name, version=about.version, state=one.before.state.value
            )
    values = {
        Metric.LANDING_LINES: sum(one.lines for one in worked),
        Metric.LANDING_REJECTED_LINES: sum(one.rejected for one in worked),
        Metric.LANDING_OBJECTS: sum(one.ended for one in worked),
        Metric.LANDING_FAILED_OBJECTS: sum(one.ended and one.after.state is State.FAILED for one in worked),
        Metric.BATCH_DURATION_MS: (ended - started) * 1_000,
    }
    emit(values, at=ended)
