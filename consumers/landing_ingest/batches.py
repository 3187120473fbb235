"""Entries by as many as one call takes, each batch with the place behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from consumers.landing_ingest.entries import Entry
from consumers.landing_ingest.lines import Line, Mark
from consumers.landing_ingest.text import Unreadable

BATCH_RECORDS: Final = 500
BATCH_BYTES: Final = 5_000_000
"""What Kinesis takes in one call."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes into the stream at once; empty where there was nothing to put on a long way.

    Attributes:
        offset: in the text, behind it.
        line: number of the line that begins there.
    """

    entries: Sequence[Entry]
    offset: int
    line: int

    @property
    def rejected(self) -> int:
        """How many are no records."""
        return sum(entry.is_rejected for entry in self.entries)


def batches(
    read: Iterable[Line | Mark], entry_of: Callable[[Line], Entry], *, is_due: Callable[[], bool] = lambda: False
) -> Iterator[Batch]:
    """Batches as large as they may be; what came before the text could not be read on is one, too.

    Args:
        read: lines, and how far reading has come.
        entry_of: makes an entry of a line.
        is_due: asked at each mark, whether what there is so far is to be given out, be it nothing.

    Raises:
        Unreadable: after the last one.
    """
    entries: list[Entry] = []
    size_bytes = 0
    trouble: Unreadable | None = None
    try:
        for one in read:
            if isinstance(one, Mark):
                if is_due():
                    yield Batch(entries, one.end, one.number)
                    entries, size_bytes = [], 0
                continue
            entry = entry_of(one)
            if entries and (len(entries) == BATCH_RECORDS or size_bytes + entry.size_bytes > BATCH_BYTES):
                yield _behind_its_last(entries)
                entries, size_bytes = [], 0
            entries.append(entry)
            size_bytes += entry.size_bytes
    except Unreadable as error:
        trouble = error
    if entries:
        yield _behind_its_last(entries)
    if trouble:
        raise trouble


def _behind_its_last(entries: Sequence[Entry]) -> Batch:
    line = entries[-1].line
    return Batch(entries, line.end, line.number + 1)
