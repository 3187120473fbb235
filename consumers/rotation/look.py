"""Looks by the clock at how far runs are, so that one that stands still is noticed although nobody drives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.runs.model import PHASES, Phase, Run, RunKind
from shared.runs.ports import RunStore
from shared.runtime.metrics import Metric, emit

_SCANS = frozenset({Phase.SWEEP, Phase.CENSUS})


@dataclass(frozen=True, slots=True)
class Looker:
    """Reads the runs table and changes nothing.

    Attributes:
        wall: seconds since the epoch.
    """

    runs: RunStore
    wall: Callable[[], float]

    def look(self) -> dict[str, Any]:
        """Count the runs that are not done, and write how far they are as metrics.

        Steps are how often anything of them was stored: a run that moves stores something page after page, and one
        that waits at its barrier is left out. Segments are those of the scans that are under way.

        Raises:
            StoreUnavailable, RunsCorrupt: as `RunStore.latest`.
        """
        latest = [run for kind in RunKind if (run := self.runs.latest(kind)) and run.phase is not Phase.DONE]
        moving = [run for run in latest if run.phase is not Phase.BARRIER]
        values: dict[Metric, float] = {Metric.RUNS_UNDER_WAY: len(latest)}
        if moving:
            values[Metric.RUN_STEPS] = sum(map(self._steps, moving))
        scans = [run for run in moving if run.phase in _SCANS]
        if scans:
            values[Metric.RUN_SEGMENTS] = sum(run.segments + 1 for run in scans)  # and the quarantine
            values[Metric.RUN_SEGMENTS_DONE] = sum(map(self._done, scans))
        emit(values, at=self.wall())
        return {
            "under_way": [{"run_id": run.run_id, "kind": run.kind.value, "phase": run.phase.value} for run in latest]
        }

    def _steps(self, run: Run) -> int:
        phases = [phase for phase in PHASES[run.kind] if phase in _SCANS]
        return run.version + sum(one.version for phase in phases for one in self.runs.segments(run.run_id, phase))

    def _done(self, run: Run) -> int:
        return sum(segment.done for segment in self.runs.segments(run.run_id, run.phase))
