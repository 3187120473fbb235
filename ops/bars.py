"""Bars in a terminal, with lines above them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from shared.printable import printable


class Bars:
    """Draws on a console; rich is safe to use from any thread."""

    def __init__(self, progress: Progress) -> None:
        self._bars = progress

    def trouble(self, message: str) -> None:
        """What failed, above the bars."""
        self._print(f"trying again: {printable(message)}", style="dim")

    def told(self, message: str) -> None:
        """What to know, above the bars."""
        self._print(printable(message))

    def _print(self, line: str, style: str = "") -> None:
        self._bars.console.print(Text(line, style), soft_wrap=True)


@contextmanager
def bars(console: Console | None = None) -> Iterator[Progress]:
    """Bars, each with a field `told` beside it, that stay on the screen when the block ends, however it ends."""
    columns = (
        TextColumn("{task.description:<8}", markup=False),
        BarColumn(bar_width=24, complete_style="cyan", finished_style="green"),
        TextColumn("{task.fields[told]}", markup=False, table_column=Column()),  # it wraps where the terminal is narrow
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield progress


class OneBar(Bars):
    """A command that does one thing."""

    def __init__(self, progress: Progress, what: str) -> None:
        super().__init__(progress)
        self._task = progress.add_task(what, total=None, told="")

    def happened(self, event: str, **fields: Any) -> None:
        """Nothing: the bar shows it."""

    def progress(self, completed: float, total: float | None, beside: str) -> None:
        """Move the bar."""
        self._bars.update(self._task, completed=completed, total=total, told=beside)


@contextmanager
def one_bar(what: str, console: Console | None = None) -> Iterator[OneBar]:
    """A bar of this name."""
    with bars(console) as progress:
        yield OneBar(progress, what)
