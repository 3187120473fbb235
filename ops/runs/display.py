"""What is shown while a run goes on; here for programs: one JSON document a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol, TextIO

from ops.clock import iso
from ops.json_lines import JsonLines
from ops.runs.options import scope_text
from ops.runs.watch import Figures
from shared.runs.model import Run

_ESTIMATES: Final = frozenset({"items_per_second", "ends_at"})


class Display(Protocol):
    """Shown to the operator; `trouble` comes from any thread."""

    def begun(self, run: Run, *, joined: bool) -> None:
        """The run was begun, or an unfinished one joined."""

    def progress(self, figures: Figures) -> None:
        """How far it is; comes about once a second, changed or not."""

    def trouble(self, message: str) -> None:
        """Something failed, and is tried again."""

    def told(self, message: str) -> None:
        """Something that the operator should know."""


class Silent:
    """Shows nothing."""

    def begun(self, run: Run, *, joined: bool) -> None:
        """Show nothing."""

    def progress(self, figures: Figures) -> None:
        """Show nothing."""

    def trouble(self, message: str) -> None:
        """Show nothing."""

    def told(self, message: str) -> None:
        """Show nothing."""


class RunLines(JsonLines):
    """A line for each change."""

    def __init__(self, out: TextIO | None = None) -> None:
        super().__init__(out)
        self._shown: Mapping[str, Any] = {}

    def begun(self, run: Run, *, joined: bool) -> None:
        """Which run it is."""
        self.write(
            "begun",
            run_id=run.run_id,
            kind=run.kind,
            joined=joined,
            started_at=iso(run.started_at),
            scope=scope_text(run),
        )

    def progress(self, figures: Figures) -> None:
        """The figures, if another than the estimates changed."""
        document = figures.document()
        shown = {name: value for name, value in document.items() if name not in _ESTIMATES}
        if shown != self._shown:
            self._shown = shown
            self.write("progress", **document)


@contextmanager
def display_for(*, as_json: bool) -> Iterator[Display]:
    """The bar in a terminal, JSON lines otherwise."""
    if as_json or not sys.stdout.isatty():
        yield RunLines()
        return
    from ops.runs.live import live_display  # noqa: PLC0415 - rich is slow to load

    with live_display() as live:
        yield live
