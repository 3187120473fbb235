"""The first phase of a rotation: all data keys wrapped by the present attribute key, the due ones replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from consumers.rotation.pages import Pages, counted
from consumers.rotation.report import Report
from consumers.rotation.verdict import after_prepare
from shared.errors import KeyStoreCorrupt
from shared.keys.ports import DataKeyRow
from shared.keys.rotation.ports import KeyStorePage, UnreadableRow
from shared.keys.rotation.renewal import KeyRenewer, Treated
from shared.model import KeyState
from shared.public_ids import public_item_id, public_owner
from shared.runs.model import Example, Phase, Run
from shared.runtime.pool import all_of


@dataclass(frozen=True, slots=True)
class Preparation:
    """Prepares rotations.

    Attributes:
        pool: treats the keys of a page at the same time.
        wall: seconds since the epoch.
    """

    pages: Pages
    renewer: KeyRenewer
    report: Report
    pool: Executor
    wall: Callable[[], float]

    def go_on(self, run: Run, seconds_left: Callable[[], float]) -> Run:
        """Treat the data keys of the key store as far as there is time; what one key meets is counted and told."""
        return self.pages.work(run, self._treat, self._finish, seconds_left)

    def _treat(self, run: Run, page: KeyStorePage) -> Run:
        material_id = self.renewer.current_material_id()
        rows = [row for row in page.rows if isinstance(row, DataKeyRow)]
        unreadable = [row for row in page.rows if isinstance(row, UnreadableRow)]
        treated = all_of(self.pool, lambda row: self.renewer.treat(row, run, material_id), rows)
        for row, one in zip(rows, treated, strict=True):
            if one.rewrapped:
                self.report.rewrapped(one.row, run, at=self.wall())
            if one.successor:
                self.report.renewed(one.successor, row, run)
        counts = Counter(name for one in treated for name in _counts(one))
        counts += Counter(keys=len(page.rows) - sum(row.made_by == run.run_id for row in rows))
        counts += Counter(corrupt=len(unreadable))
        examples = [*map(example_of_unreadable, unreadable), *(one for each in treated for one in _examples(each))]
        return counted(run, counts, examples)

    def _finish(self, run: Run) -> Run:
        verdict = after_prepare(run)
        if verdict is None:
            return replace(run, phase=Phase.SWEEP)
        return replace(run, phase=Phase.DONE, verdict=verdict.value, ended_at=self.wall())


def _counts(treated: Treated) -> Iterator[str]:
    if treated.rewrapped:
        yield "rewrapped"
    if treated.successor:
        yield "renewed"
    if treated.successor or treated.row.state is KeyState.DECRYPT_ONLY:
        yield "decrypt_only"
    if treated.trouble:
        is_corrupt = any(isinstance(error, KeyStoreCorrupt) for error in treated.trouble)
        yield "corrupt" if is_corrupt else "failed"


def _examples(treated: Treated) -> Iterator[Example]:
    for why in dict.fromkeys(type(error).__name__ for error in treated.trouble):
        yield example_of(treated.row, why)


def example_of(row: DataKeyRow, why: str) -> Example:
    """A data key that was left as it is."""
    return Example(public_owner(row.tenant_id), f"{row.key_id:08x}", "", why)


def example_of_unreadable(row: UnreadableRow) -> Example:
    """A row of the key store that nobody can say of what key it is."""
    return Example(public_owner(row.tenant_id), public_item_id(row.name), "", KeyStoreCorrupt.__name__)
