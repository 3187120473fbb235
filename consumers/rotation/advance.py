"""Takes a run as far as it goes now, or calls it off.

Whoever drives it has the segments worked on, and waits for the barrier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from consumers.rotation.answer import run_answer
from consumers.rotation.ending import DONE_TO_A_KEY, Ending
from consumers.rotation.pages import PAGE_ROWS, RESERVE_SECONDS, Pages, data_keys
from consumers.rotation.prepare import Preparation
from consumers.rotation.report import Report
from consumers.rotation.retold import tell_again
from consumers.rotation.tallies import Scan
from consumers.rotation.verdict import RunVerdict
from shared.keys.ports import DataKeyRow
from shared.model import KeyState
from shared.runs.model import PHASES, Phase, Run

_SCANS: Final = frozenset({Phase.SWEEP, Phase.CENSUS})


@dataclass(frozen=True, slots=True)
class Advancer:
    """Leads runs through their phases.

    Attributes:
        wall: seconds since the epoch.
    """

    pages: Pages
    preparation: Preparation
    ending: Ending
    report: Report
    wall: Callable[[], float]

    def advance(self, run_id: str, seconds_left: Callable[[], float]) -> dict[str, Any]:
        """Do what can be done now, for as long as there is time; safe to repeat, and to be called by several at once.

        Raises:
            RunRefused: there is no such run.
            RetryLater: the same call may succeed later.
        """
        run = self.pages.load(run_id)
        ended_before = run.phase is Phase.DONE
        while run.phase is not Phase.DONE:
            following = self._step(run, seconds_left)
            if following.phase is run.phase:
                run = following
                break
            run = following
            if seconds_left() < RESERVE_SECONDS:
                break
        answer = self._answer(run)
        if ended_before or run.verdict == RunVerdict.CANCELLED:
            self._tell_again(run)
        return answer

    def cancel(self, run_id: str) -> dict[str, Any]:
        """Call a run off, in whatever phase it is; what was done stays done, and a run that is done stays as it is.

        Who advances it at the same time ends with the page of the key store that he is at. Safe to repeat.

        Raises:
            RunRefused: there is no such run.
            RetryLater: the same call may succeed later.
        """
        run = self.pages.load(run_id)
        while run.phase is not Phase.DONE:  # whoever stores another version meanwhile takes the run nearer to its end
            asked = replace(run, phase=Phase.DONE, verdict=RunVerdict.CANCELLED.value, ended_at=self.wall())
            run = self.pages.save(asked)
        answer = self._answer(run)
        self._tell_again(run)
        return answer

    def _answer(self, run: Run) -> dict[str, Any]:
        sweep, census = self._scan(run, Phase.SWEEP), self._scan(run, Phase.CENSUS)
        if run.phase is Phase.DONE:
            # by each who comes: the one who ended it may not have come so far as to tell
            self.report.completed(run, sweep.tally, census.tally)
        return run_answer(run, sweep, census, self.wall())

    def _tell_again(self, run: Run) -> None:
        """After its end is told: for this the whole key store is gone through."""
        if run.kind in DONE_TO_A_KEY:
            tell_again(data_keys(self.pages.store), run, self.report)

    def _step(self, run: Run, seconds_left: Callable[[], float]) -> Run:
        """The run in its next phase; in the same one where it must wait, or the time is over."""
        if run.phase is Phase.PREPARE:
            return self.preparation.go_on(run, seconds_left)
        if run.phase is Phase.BARRIER:
            return run if self.wall() < (run.barrier_until or 0.0) else self._census(run)
        if self._scan(run, run.phase).left:
            return run
        if run.phase is Phase.SWEEP:
            return self._after_sweep(run)
        return self.ending.go_on(run, self._scan(run, Phase.CENSUS).tally, seconds_left)

    def _after_sweep(self, run: Run) -> Run:
        if Phase.BARRIER not in PHASES[run.kind]:
            return self._census(run)
        until = max([self.wall(), *(closed_at + run.barrier_seconds for closed_at in self._closing_times())])
        return self.pages.save(replace(run, phase=Phase.BARRIER, barrier_until=until))

    def _census(self, run: Run) -> Run:
        return self.pages.save(replace(run, phase=Phase.CENSUS, census_at=self.wall()))

    def _closing_times(self) -> list[float]:
        """When the keys that wait for their end ceased to be active, each page's latest."""
        times: list[float] = []
        cursor = ""
        while True:
            page = self.pages.store.page(cursor, PAGE_ROWS)
            waiting = [row for row in page.rows if isinstance(row, DataKeyRow) and row.state is KeyState.DECRYPT_ONLY]
            closed = [row.closed_at for row in waiting if row.closed_at is not None]
            times += [max(closed)] if closed else []
            cursor = page.cursor
            if not cursor:
                return times

    def _scan(self, run: Run, phase: Phase) -> Scan:
        stored = self.pages.runs.segments(run.run_id, phase) if phase in PHASES[run.kind] else ()
        return Scan.of(run, stored)
