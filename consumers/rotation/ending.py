"""The last step of a run: keys retired or destroyed as far as its census allows, the verdict, the events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from consumers.rotation.pages import Pages, counted
from consumers.rotation.prepare import example_of, example_of_unreadable
from consumers.rotation.report import Report
from consumers.rotation.verdict import after_census
from shared.errors import KeyStoreCorrupt
from shared.keys.ports import DataKeyRow
from shared.keys.rotation.decide import Obstacle, may_be_in_scope
from shared.keys.rotation.ending import Ended, KeyEnder
from shared.keys.rotation.ports import ItemsHistory, KeyStorePage, UnreadableRow
from shared.runs.model import Example, Phase, Run, RunKind, Tally
from shared.runtime.audit_log import AuditEvent

EndOne: TypeAlias = Callable[[DataKeyRow], Ended]

DONE_TO_A_KEY: Final[Mapping[RunKind, tuple[str, str, AuditEvent]]] = {
    RunKind.ROTATION: ("retired", "to_retire", AuditEvent.KEY_RETIRED),
    RunKind.RETIREMENT: ("retired", "to_retire", AuditEvent.KEY_RETIRED),
    RunKind.DESTRUCTION: ("destroyed", "to_destroy", AuditEvent.KEY_DESTROYED),
}
"""Of the kinds that do something to keys: what counts are called (done, or only found possible), and the event."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Ends runs whose census is complete.

    Attributes:
        wall: seconds since the epoch.
    """

    pages: Pages
    ender: KeyEnder
    history: ItemsHistory
    report: Report
    wall: Callable[[], float]

    def go_on(self, run: Run, census: Tally, seconds_left: Callable[[], float]) -> Run:
        """Retire or destroy what the census allows, as far as there is time; what is kept is counted and told."""
        self.pages.runs.name_census(run)

        def finish(run: Run) -> Run:
            return replace(run, phase=Phase.DONE, verdict=after_census(run, census).value, ended_at=self.wall())

        if run.kind not in DONE_TO_A_KEY:
            return self.pages.save(finish(run))
        end_one = self._end_one(run, census)
        return self.pages.work(run, lambda run, page: self._treat(run, page, end_one), finish, seconds_left)

    def _end_one(self, run: Run, census: Tally) -> EndOne:
        if run.kind is not RunKind.DESTRUCTION:
            return lambda row: self.ender.retire(row, run, census)
        earliest = None if run.abandon_backups else self.history.earliest_restore_point()
        return lambda row: self.ender.destroy(row, run, census, earliest)

    def _treat(self, run: Run, page: KeyStorePage, end_one: EndOne) -> Run:
        done, possible, event = DONE_TO_A_KEY[run.kind]
        counts: Counter[str] = Counter()
        kept: list[Example] = []
        for row in page.rows:
            outcome = _outcome(row, run, end_one)
            if isinstance(outcome, Example):
                kept.append(outcome)
            elif outcome is not None and not run.retire:
                counts[possible] += 1
            elif outcome is not None:
                counts[done] += 1
                self.report.ended(event, outcome)
        counts["kept"] = len(kept)
        return counted(run, counts, kept)


def _outcome(row: DataKeyRow | UnreadableRow, run: Run, end_one: EndOne) -> DataKeyRow | Example | None:
    """The key that is (or could be) ended, or the one that is kept; None: not concerned."""
    if isinstance(row, UnreadableRow):
        is_concerned = run.kind is not RunKind.DESTRUCTION or may_be_in_scope(row, run.scope)
        return example_of_unreadable(row) if is_concerned else None
    try:
        ended = end_one(row)
    except KeyStoreCorrupt as corrupt:
        return example_of(row, type(corrupt).__name__)
    return example_of(row, ended.value) if isinstance(ended, Obstacle) else ended
