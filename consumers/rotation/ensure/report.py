"""What ensure-keys counts."""

from __future__ import annotations

from shared.keys.ports import DataKeyRow
from shared.runtime.metrics import Metric, emit


def count_made(row: DataKeyRow) -> None:
    """Write the metric of one data key that was made and stored."""
    emit({Metric.KEYS_CREATED: 1}, at=row.created_at)
