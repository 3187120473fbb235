"""What rotation tells: audit events of runs and keys, and one line of metrics per run that ended.

An event is written before the step that it belongs to is stored, so whoever comes after a killed process writes it
again, with the same id (`retold`, where nobody does). Only those of a run's end are written after it, by each who finds
the run done: a run that is about to end well may be called off before that is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from consumers.rotation.verdict import RunVerdict
from shared.keys.counts import KeyringCounts
from shared.keys.ports import DataKeyRow
from shared.public_ids import public_owner
from shared.runs.model import Run, RunKind, Tally
from shared.runtime.audit_log import (
    CENSUS_FIGURES,
    RECONCILIATION_FIGURES,
    RUN_FIGURES,
    AuditEvent,
    AuditLog,
    event_id,
)
from shared.runtime.metrics import Metric, emit

_METRICS: Final[Mapping[str, Metric]] = {
    "rewrapped": Metric.KEYS_REWRAPPED,
    "renewed": Metric.KEYS_RENEWED,
    "retired": Metric.KEYS_RETIRED,
    "destroyed": Metric.KEYS_DESTROYED,
    "kept": Metric.KEYS_KEPT,
    "failed": Metric.KEYS_FAILED,
    "corrupt": Metric.KEYS_CORRUPT,
}
_CENSUS: Final = {RunKind.RECONCILIATION: (AuditEvent.RECONCILIATION_COMPLETED, RECONCILIATION_FIGURES)}
"""What is told of a complete census, where it is another event than that of most runs, with other figures."""


@dataclass(frozen=True, slots=True)
class Report:
    """Writes audit events to the log, and metrics to standard output."""

    audit_log: AuditLog

    def started(self, run: Run) -> None:
        """A run was begun."""
        scope = run.scope
        self.audit_log.write(
            AuditEvent.ROTATION_STARTED,
            event_id=event_id(AuditEvent.ROTATION_STARTED, run.run_id),
            at=run.started_at,
            run_id=run.run_id,
            kind=run.kind.value,
            tenant_id=public_owner(scope.tenant_id) if scope.tenant_id else None,
            data_class=scope.data_class or None,
            key_id=None if scope.key_id is None else f"{scope.key_id:08x}",
        )

    def rewrapped(self, row: DataKeyRow, run: Run, *, at: float) -> None:
        """KMS wrapped a data key anew."""
        self._key(AuditEvent.KEY_REWRAPPED, row, run.run_id, at=at, key_material_id=row.key_material_id or None)

    def renewed(self, successor: DataKeyRow, replaced: DataKeyRow, run: Run) -> None:
        """A new data key took another's place."""
        replaces = f"{replaced.key_id:08x}"
        self._key(AuditEvent.KEY_ROTATED, successor, run.run_id, at=successor.created_at, replaces=replaces)

    def ended(self, event: AuditEvent, row: DataKeyRow) -> None:
        """A run retired or destroyed a data key."""
        self._key(event, row, row.state_set_by, at=row.state_set_at or 0.0)

    def completed(self, run: Run, sweep: Tally, census: Tally) -> None:
        """A run is done, and stored so; of one that was called off no census is told: it may not be complete."""
        at = run.ended_at or 0.0
        same: dict[str, Any] = {"at": at, "run_id": run.run_id, "kind": run.kind.value, "verdict": run.verdict}
        if run.census_at is not None and run.verdict != RunVerdict.CANCELLED:
            event, figures = _CENSUS.get(run.kind, (AuditEvent.CENSUS_COMPLETED, CENSUS_FIGURES))
            self.audit_log.write(
                event,
                event_id=event_id(event, run.run_id),
                **same,
                **{name: census.counts.get(name, 0) for name in figures},
            )
        done = {**sweep.counts, **run.counts}
        self.audit_log.write(
            AuditEvent.ROTATION_COMPLETED,
            event_id=event_id(AuditEvent.ROTATION_COMPLETED, run.run_id),
            **same,
            **{name: done.get(name, 0) for name in RUN_FIGURES},
        )

    def counted(self, run: Run) -> None:
        """What a run that ends did to data keys, as metrics."""
        values = {metric: run.counts.get(name, 0) for name, metric in _METRICS.items()}
        emit(values, at=run.ended_at or 0.0)

    def asked(self, counts: KeyringCounts, *, at: float) -> None:
        """What KMS made of one call's questions, as metrics."""
        emit({Metric.KMS_FAILURES: counts.kms_failed}, at=at)

    def _key(self, event: AuditEvent, row: DataKeyRow, run_id: str, *, at: float, **fields: str | None) -> None:
        owner, key_id = public_owner(row.tenant_id), f"{row.key_id:08x}"
        self.audit_log.write(
            event,
            event_id=event_id(event, run_id, owner, key_id),
            at=at,
            tenant_id=owner,
            data_class=row.data_class,
            key_id=key_id,
            run_id=run_id or None,
            **fields,
        )
