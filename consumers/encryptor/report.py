"""What the encryptor tells of a batch: an audit event per quarantine entry, a line of metrics."""

from __future__ import annotations

from collections import Counter

from consumers.encryptor.results import BatchResult
from shared.keys.counts import KeyringCounts
from shared.model import Outcome, QuarantineEntry
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id
from shared.runtime.metrics import Metric, emit, outcome_metrics, reason_metrics


def report_batch(
    result: BatchResult, counts: KeyringCounts, audit_log: AuditLog, *, started: float, ended: float
) -> None:
    """Write the batch's audit events and metrics to standard output; times in seconds since the epoch."""
    report_quarantined(result, audit_log, at=ended)
    emit_metrics(result, counts, started=started, ended=ended)


def report_quarantined(result: BatchResult, audit_log: AuditLog, *, at: float) -> None:
    """Write an audit event for each entry that records were kept in."""
    entries = {one.kept.quarantine_id: one.kept for one in result.results if one.kept}
    for entry in entries.values():
        _report_quarantined(entry, audit_log, at=at)


def emit_metrics(result: BatchResult, counts: KeyringCounts, *, started: float, ended: float) -> None:
    """Write the batch's metrics; the five outcomes add up to the records received."""
    # 0 where not even the time could be read
    oldest = min((one.record.arrived_at for one in result.results if one.record.arrived_at), default=ended)
    values = {
        Metric.RECORDS_RECEIVED: result.received,
        **outcome_metrics(result.outcomes()),
        **reason_metrics(Counter(one.kept.reason for one in result.results if one.kept)),
        Metric.ATTRIBUTES_SEALED: sum(one.sealed_count for one in result.results if one.outcome is Outcome.WRITTEN),
        Metric.KEY_CACHE_HITS: counts.cache_hits,
        Metric.KEY_CACHE_MISSES: counts.cache_misses,
        Metric.KMS_CALLS: counts.kms_generate + counts.kms_decrypt,
        Metric.KMS_FAILURES: counts.kms_failed,
        Metric.KEYS_CREATED: counts.keys_created,
        Metric.OLDEST_RECORD_AGE_SECONDS: max(0.0, ended - oldest),
        Metric.BATCH_DURATION_MS: (ended - started) * 1_000,
    }
    emit(values, at=ended)


def _report_quarantined(entry: QuarantineEntry, audit_log: AuditLog, *, at: float) -> None:
    audit_log.write(
        AuditEvent.RECORD_QUARANTINED,
        event_id=event_id("quarantine", entry.quarantine_id),
        at=at,
        quarantine_id=entry.quarantine_id,
        reason=entry.reason,
        detail=entry.detail,
        shard_id=entry.shard_id,
        sequence_number=entry.sequence_number,
        record_count=entry.record_count,
    )
