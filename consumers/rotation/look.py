"""Looks by the clock at how far runs are, so that one that stands still, or is not begun, is noticed by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from consumers.rotation.known import Known
from shared.runs.model import PHASES, Phase, Run, RunKind
from shared.runs.ports import RunStore
from shared.runtime.metrics import Metric, emit

_SCANS = frozenset({Phase.SWEEP, Phase.CENSUS})


@dataclass(frozen=True, slots=True)
class Looker:
    """Reads and changes nothing.

    Attributes:
        known: what else is to be told as it is.
        wall: seconds since the epoch.
    """

    runs: RunStore
    known: Known
    wall: Callable[[], float]

    def look(self) -> dict[str, Any]:
        """Count the runs that are not done, and write how far they are as metrics, with what is known beside them.

        Steps are how often anything of them was stored: a run that moves stores something page after page, and one
        that waits at its barrier is left out until that is over. Segments are those of the scans that are under way.

        Raises:
            StoreUnavailable, RunsCorrupt: as `RunStore.latest`.
        """
        now = self.wall()
        latest = {kind: run for kind in RunKind if (run := self.runs.latest(kind))}
        under_way = [run for run in latest.values() if run.phase is not Phase.DONE]
        moving = [run for run in under_way if run.phase is not Phase.BARRIER or now > (run.barrier_until or 0.0)]
        values: dict[Metric, float] = {Metric.RUNS_UNDER_WAY: len(under_way)}
        if RunKind.ROTATION in latest:
            values[Metric.ROTATION_AGE_SECONDS] = max(0.0, now - (latest[RunKind.ROTATION].ended_at or now))
        if moving:
            values[Metric.RUN_STEPS] = sum(map(self._steps, moving))
        scans = [run for run in moving if run.phase in _SCANS]
        if scans:
            values[Metric.RUN_SEGMENTS] = sum(run.segments + 1 for run in scans)  # and the quarantine
            values[Metric.RUN_SEGMENTS_DONE] = sum(map(self._done, scans))
        emit(values | self.known.values(now), at=now)
        return {
            "under_way": [{"run_id": run.run_id, "kind": run.kind.value, "phase": run.phase.value} for run in under_way]
        }

    def _steps(self, run: Run) -> int:
        phases = [phase for phase in PHASES[run.kind] if phase in _SCANS]
        return run.version + sum(one.version for phase in phases for one in self.runs.segments(run.run_id, phase))

    def _done(self, run: Run) -> int:
        return sum(segment.done for segment in self.runs.segments(run.run_id, run.phase))
