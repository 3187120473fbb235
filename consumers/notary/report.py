"""What the notary tells: metrics each time, and an event where the trail is not as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from consumers.notary.notary import Tally
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id
from shared.runtime.log import json_lines
from shared.runtime.metrics import Metric, emit
from shared.trail.findings import TrailFinding

MOST_FINDINGS: Final = 50
"""In an event, so that its line stays one log event."""


def report(tally: Tally, *, started: float, ended: float, audit_log: AuditLog) -> None:
    """Write the event, if there is one, a line for each manifest, and the metrics; times in seconds since the epoch."""
    for one in tally.written:
        json_lines().msg("manifest", number=one.number, sha256=one.sha256)
    if tally.findings:
        _tell(list(tally.findings), ended, audit_log)
    values = {
        Metric.MANIFESTS_WRITTEN: tally.manifests,
        Metric.MANIFESTS_COMPLETE: tally.complete,
        Metric.SEGMENTS_ATTESTED: tally.segments,
        Metric.TRAIL_VERIFICATION_FAILED: len(tally.findings),
        Metric.KMS_FAILURES: tally.kms_failures,
        Metric.BATCH_DURATION_MS: (ended - started) * 1_000,
    }
    emit(values, at=ended)


def _tell(findings: Sequence[TrailFinding], at: float, audit_log: AuditLog) -> None:
    """One event for what is found; the same findings at the next time repeat its id."""
    told = sorted({(one.kind.value, one.key, one.why) for one in findings})
    audit_log.write(
        AuditEvent.TRAIL_VERIFICATION_FAILED,
        event_id=event_id("trail", *(part for one in told for part in one)),
        at=at,
        findings=[{"kind": kind, "where": key, "why": why} for kind, key, why in told[:MOST_FINDINGS]],
        finding_count=len(told),
    )
