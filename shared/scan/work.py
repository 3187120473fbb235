"""Which scan a run's phase and segment ask for, and a worker's time at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from shared.errors import RunRefused
from shared.keys.counts import KeyringCounts
from shared.runs.model import Phase, Run, Worker
from shared.runs.ports import RunStore
from shared.scan.pace import Pace
from shared.scan.segment import Progress, run_segment

SCANS: Final = frozenset({Phase.SWEEP, Phase.CENSUS})


@dataclass(frozen=True, slots=True)
class Scan:
    """What is scanned, what is done with it, and what that did with data keys since it was last asked."""

    source: Any
    visitor: Any
    take_counts: Callable[[], KeyringCounts] = field(default=KeyringCounts)


@dataclass(frozen=True, slots=True)
class Worked:
    """What became of a worker's time.

    Attributes:
        keys: what was done with data keys.
    """

    run: Run
    segment: int
    progress: Progress
    keys: KeyringCounts = field(default_factory=KeyringCounts)


@dataclass(frozen=True, slots=True)
class ScanWorker:
    """A worker.

    Attributes:
        worker: which one; it takes no segment of a run that is another's.
        scan_items: the scan of the items table that a run in its present phase asks for.
        scan_held: the same of the quarantine.
        keep_events: puts what was told into the audit trail.
    """

    worker: Worker
    runs: RunStore
    scan_items: Callable[[Run], Scan]
    scan_held: Callable[[Run], Scan]
    keep_events: Callable[[], None]

    def work(self, run_id: str, segment: int, *, is_over: Callable[[], bool]) -> Worked:
        """Go on with a segment until it is done or the time is over; one page at least.

        A run that is neither at its sweep nor at its census asks for nothing: its segments are done.

        Raises:
            RunRefused: there is no such run, or it has no such segment, or it is another worker's.
            RetryLater: a store does not answer; what was stored stays.
        """
        run = self.runs.load(run_id)
        if run is None or segment not in range(run.segments + 1):
            raise RunRefused("the run that was asked for is not there, or has no such segment")
        if Worker.of(run.kind) is not self.worker:
            raise RunRefused(f"a run of kind {run.kind} is worked on by the {Worker.of(run.kind)}: ask that function")
        if run.phase not in SCANS:
            return Worked(run, segment, Progress(done=True))
        scan = self.scan_held(run) if segment == run.segments else self.scan_items(run)
        progress = run_segment(
            self.runs,
            run,
            segment,
            scan.source,
            scan.visitor,
            pace=Pace.of(run),
            is_over=is_over,
            keep_events=self.keep_events,
        )
        return Worked(run, segment, progress, scan.take_counts())
