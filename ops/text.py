"""Tables and counts for people, harmless on a terminal whatever they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from shared.printable import printable


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int = 0) -> Iterator[str]:
    """A line for each row, its cells in columns."""
    safe = [list(head), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in safe) for column in range(len(head))]
    for row in safe:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield " " * indent + "  ".join(cells).rstrip()


def counted(counts: Mapping[str, int]) -> str:
    """Each count behind its name."""
    return ", ".join(f"{printable(name).replace('_', ' ')} {number:,}" for name, number in counts.items()) or "nothing"


def plural(number: int, one: str, many: str = "") -> str:
    """A number of things: `1 entry`, `1,206 records`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
