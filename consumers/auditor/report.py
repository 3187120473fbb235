"""The metrics of an audited batch."""

from __future__ import annotations

from consumers.auditor.audit import AuditResult
from consumers.auditor.lag import lags
from shared.runtime.metrics import Metric, Value, emit, verdict_metrics


def report_batch(result: AuditResult, *, started: float, ended: float) -> None:
    """Write the batch's metrics to standard output; times in seconds since the epoch."""
    values: dict[str, Value] = {**verdict_metrics(result.verdicts)}
    values[Metric.RECORDS_RECEIVED] = result.received
    values[Metric.RECORDS_RETRIED] = result.received - sum(result.verdicts.values())
    values[Metric.FINDINGS_SENT] = result.findings_sent
    values[Metric.BATCH_DURATION_MS] = round((ended - started) * 1000, 1)
    if result.oldest_changed_at is not None:
        # stream times are whole seconds, so a fresh record may seem to come from the future
        values[Metric.OLDEST_RECORD_AGE_SECONDS] = max(0.0, round(ended - result.oldest_changed_at, 3))
    if passed := lags(result.arrivals, verified_at=ended):
        values[Metric.PUT_TO_VERIFIED_SECONDS] = passed
    emit(values, at=ended)
