"""Work over the whole key store, page by page; how far it is stands in the run, so a killed one goes on from there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from shared.errors import RunRefused
from shared.keys.ports import DataKeyRow
from shared.keys.rotation.ports import KeyStorePage, RotatingKeyStore
from shared.runs.model import Example, Phase, Run
from shared.runs.ports import RunStore

PAGE_ROWS: Final = 100
RESERVE_SECONDS: Final = 120
"""With less time left no further page is begun."""
MAX_EXAMPLES: Final = 50


@dataclass(frozen=True, slots=True)
class Pages:
    """Where runs and data keys are.

    Attributes:
        counted: told of each run that this process ends, once that is stored: of several that end one at once, one is.
        keep_events: puts what was told into the audit trail: before it is stored, since nobody repeats it after that.
    """

    runs: RunStore
    store: RotatingKeyStore
    counted: Callable[[Run], None]
    keep_events: Callable[[], None]

    def load(self, run_id: str) -> Run:
        """A run.

        Raises:
            RunRefused: there is none of this id.
        """
        run = self.runs.load(run_id)
        if run is None:
            raise RunRefused("there is no run of this id: begin one, and take the run_id of the answer")
        return run

    def save(self, run: Run) -> Run:
        """The run as it stands after this: as it was to be saved, or as somebody else saved it first."""
        return self.stored(run) or self.load(run.run_id)

    def stored(self, run: Run) -> Run | None:
        """The run as it was saved; None where somebody else saved it first."""
        self.keep_events()
        saved = self.runs.save(run)
        if saved and saved.phase is Phase.DONE:
            self.counted(saved)
        return saved

    def work(
        self,
        run: Run,
        treat: Callable[[Run, KeyStorePage], Run],
        finish: Callable[[Run], Run],
        seconds_left: Callable[[], float],
    ) -> Run:
        """Treat page after page as long as there is time, one at least; after the last one, finish.

        Args:
            run: as it was read.
            treat: does a page's work and gives the run with what that adds to its counts and examples.
            finish: gives the run in its next phase.
            seconds_left: until the invocation is ended.
        """
        while True:
            page = self.store.page(run.cursor, PAGE_ROWS)
            following = replace(treat(run, page), cursor=page.cursor)
            if not page.cursor:
                following = finish(following)
            saved = self.stored(following)
            if saved is None:
                return self.load(run.run_id)
            if not page.cursor or seconds_left() < RESERVE_SECONDS:
                return saved
            run = saved


def data_keys(store: RotatingKeyStore, tenant_id: str = "") -> Iterator[DataKeyRow]:
    """Every data key of the key store, or of one tenant, but those whose rows cannot be read."""
    cursor = ""
    while True:
        page = store.page(cursor, PAGE_ROWS, tenant_id=tenant_id)
        yield from (row for row in page.rows if isinstance(row, DataKeyRow))
        cursor = page.cursor
        if not cursor:
            return


def counted(run: Run, counts: Counter[str], examples: Iterable[Example]) -> Run:
    """The run with these added, as far as examples are kept."""
    return replace(
        run,
        counts=dict(Counter(run.counts) + counts),
        examples=(*run.examples, *examples)[:MAX_EXAMPLES],
    )
