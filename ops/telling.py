"""What a command tells while it works: one bar in a terminal, JSON lines for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ops.json_lines import JsonLines


class Teller(Protocol):
    """Told from any thread."""

    def trouble(self, message: str) -> None:
        """Something failed, and is tried again."""

    def told(self, message: str) -> None:
        """Something that the operator should know."""

    def happened(self, event: str, **fields: Any) -> None:
        """For programs."""

    def progress(self, completed: float, total: float | None, beside: str) -> None:
        """For people: how far it is; `total` None where nobody knows."""


class LineTeller(JsonLines):
    """A JSON document for each thing that happened."""

    def happened(self, event: str, **fields: Any) -> None:
        """A line of its own."""
        self.write(event, **fields)

    def progress(self, completed: float, total: float | None, beside: str) -> None:
        """Nothing: what happened is told as such."""


@contextmanager
def teller_for(what: str, *, as_json: bool) -> Iterator[Teller]:
    """A bar with this name, or lines."""
    if as_json:
        yield LineTeller()
        return
    from ops.bars import one_bar  # noqa: PLC0415 - rich is slow to load

    with one_bar(what) as bar:
        yield bar


def for_programs(*, as_json: bool) -> bool:
    """Whether JSON lines are wanted: they were asked for, or no terminal is there to show a table."""
    return as_json or not sys.stdout.isatty()
