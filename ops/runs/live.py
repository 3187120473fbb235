"""A run in a terminal: a bar for each of its phases, with counts, rate and estimated end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import Progress, TaskID

from ops.bars import Bars, bars
from ops.clock import iso
from ops.runs.options import scope_text
from ops.runs.watch import SCANS, Figures
from shared.printable import printable
from shared.runs.model import Phase, Run

_COUNTS: Final = 4
"""How many counts fit beside a bar."""


class Live(Bars):
    """A bar for each phase."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress)
        self._tasks: dict[Phase, TaskID] = {}

    def begun(self, run: Run, *, joined: bool) -> None:
        """Which run it is."""
        how = f"joined, as it was begun {iso(run.started_at)}: " if joined else ""
        self._print(f"{run.kind} {run.run_id}: {how}{printable(scope_text(run))}")

    def progress(self, figures: Figures) -> None:
        """Move the bar of the present phase; those before it are full."""
        phase = figures.phase
        for before, task in self._tasks.items():
            if before is not phase:
                self._bars.update(task, total=1, completed=1)
                self._bars.stop_task(task)
        if phase is Phase.DONE:
            return
        if phase not in self._tasks:
            self._tasks[phase] = self._bars.add_task(phase, total=None, told="")
        total, completed = _filled(figures)
        self._bars.update(self._tasks[phase], total=total, completed=completed, told=told(figures))


def told(figures: Figures) -> str:
    """What stands beside the bar."""
    parts = [f"{name.replace('_', ' ')} {number:,}" for name, number in [*figures.counts.items()][:_COUNTS]]
    if figures.items_per_second is not None:
        parts.append(f"{figures.items_per_second:,.0f} items/s")
    if figures.ends_at is not None:
        parts.append(
            f"until {iso(figures.ends_at)}" if figures.phase is Phase.BARRIER else f"end {iso(figures.ends_at)}"
        )
    elif figures.items_per_second is not None and figures.segments_done < figures.segments:
        parts.append("end not known")
    return " · ".join(parts)


@contextmanager
def live_display(console: Console | None = None) -> Iterator[Live]:
    """Bars that stay on the screen when the block ends, however it ends."""
    with bars(console) as progress:
        yield Live(progress)


def _filled(figures: Figures) -> tuple[float | None, float]:
    """How long the bar is, and how much of it is filled: items where their number is known, else segments."""
    if figures.phase not in SCANS:
        return None, 0
    if figures.expected is not None and figures.expected >= figures.visited:
        return figures.expected, figures.visited
    return figures.segments, figures.segments_done
