"""What a run did to data keys, told again from their rows.

A run that was called off, or that another process ended, has nobody who repeats the step in which one was killed after
it had changed a row and before it had told of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from consumers.rotation.report import Report
from shared.keys.barrier import CLOCK_SKEW_SECONDS
from shared.keys.ports import DataKeyRow
from shared.model import KeyState
from shared.runs.model import Run
from shared.runtime.audit_log import AuditEvent

_ENDED: Final = {KeyState.RETIRED: AuditEvent.KEY_RETIRED, KeyState.DESTROYED: AuditEvent.KEY_DESTROYED}


def tell_again(rows: Iterable[DataKeyRow], run: Run, report: Report) -> None:
    """Write the events of all that these rows say the run did, with the ids that the steps themselves gave them.

    Args:
        rows: of the whole key store; as many as the run replaced are held at once.
        run: which is done.
        report: where to.
    """
    replaced: dict[tuple[str, str, float], DataKeyRow] = {}
    made: list[DataKeyRow] = []
    for row in rows:
        if row.rewrapped_by == run.run_id:
            report.rewrapped(row, run, at=run.ended_at or 0.0)
        if row.state_set_by == run.run_id and row.state in _ENDED:
            report.ended(_ENDED[row.state], row)
        if row.made_by == run.run_id:
            made.append(row)
        if row.closed_at is not None and row.closed_at >= run.started_at - CLOCK_SKEW_SECONDS:
            replaced[row.tenant_id, row.data_class, row.closed_at] = row
    for row in made:
        before = replaced.get((row.tenant_id, row.data_class, row.created_at))
        if before:  # reopened since, it is closed since another time; then the run had come far beyond this step
            report.renewed(row, before, run)
