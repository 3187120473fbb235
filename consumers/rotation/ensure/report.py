"""What ensure-keys counts."""

from __future__ import annotations

from shared.keys.ports import DataKeyRow
from shared.runtime.metrics import Metric, emit


def count_made(row: DataKeyRow) -> None:
    """Write the metric of one data key that was made and stored."""
    emit({Metric.KEYS_CREATED: 1}, at=row.created_at)


def count_failure(at: float) -> None:
    """Write the metric of one call that KMS refused or left unanswered, at this time, seconds since the epoch."""
    emit({Metric.KMS_FAILURES: 1}, at=at)
