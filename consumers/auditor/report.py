"""The metrics of an audited batch."""

from __future__ import annotations

from consumers.auditor.audit import AuditResult
from shared.runtime.metrics import Metric, emit, verdict_metrics


def report_batch(result: AuditResult, *, started: float, ended: float) -> None:
    """Write the batch's metrics to standard output; times in seconds since the epoch."""
    values = verdict_metrics(result.verdicts)
    values[Metric.RECORDS_RECEIVED] = result.received
    values[Metric.RECORDS_RETRIED] = result.received - sum(result.verdicts.values())
    values[Metric.FINDINGS_SENT] = result.findings_sent
    values[Metric.BATCH_DURATION_MS] = round((ended - started) * 1000, 1)
    if result.oldest_changed_at is not None:
        # stream times are whole seconds, so a fresh record may seem to come from the future
        values[Metric.OLDEST_RECORD_AGE_SECONDS] = max(0.0, round(ended - result.oldest_changed_at, 3))
    emit(values, at=ended)
