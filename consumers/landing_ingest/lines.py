"""Lines of a text that comes in pieces; of a line that is too long its place and size, never its content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from consumers.landing_ingest.text import Unreadable

MAX_LINE_BYTES: Final = 1 << 20
"""What Kinesis takes as a record unless it was set up otherwise; what is put around a line counts there, too."""
MAX_PASSED_OVER_BYTES: Final = 10**10
"""Of a line that is too long, what is read to find its end: no progress can be stored meanwhile."""
_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank.

    Attributes:
        number: from 1, blank ones counted.
        offset: of its first byte in the text; `end` that of the line behind it.
        size: bytes, without the end of the line.
        content: without the end of the line and white space around it; None where it is too long.
    """

    number: int
    offset: int
    end: int
    size: int
    content: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far reading has come, whether there were lines or not: to the line of this number, which begins at `end`."""

    number: int
    end: int


def lines_of(
    pieces: Iterable[bytes], *, offset: int = 0, number: int = 1, max_bytes: int = MAX_LINE_BYTES
) -> Iterator[Line | Mark]:
    """The lines of a text, or of what begins at this offset with the line of this number; a mark behind each piece.

    A byte order mark in front of the text is no part of its first line. What is behind the last line feed is a line.

    Raises:
        Unreadable: it is no text of lines.
    """
    line = _Growing(offset, max_bytes)
    for piece in pieces:
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            line.grow(piece, start, end)
            if found := line.ended(number, line_feed=1):
                yield found
            start, number = end + 1, number + 1
        line.grow(piece, start, len(piece))
        yield Mark(number, line.offset)
    if found := line.ended(number, line_feed=0):
        yield found


class _Growing:
    """The line that is being read; it keeps no more than a line may have."""

    def __init__(self, offset: int, max_bytes: int) -> None:
        self.offset = offset
        self._max_bytes = max_bytes
        self._content = bytearray()
        self._size = 0
        self._is_long = False

    def grow(self, piece: bytes, start: int, end: int) -> None:
        """Add a part of a piece."""
        self._size += end - start
        if len(self._content) + end - start <= self._max_bytes and not self._is_long:
            self._content += piece[start:end]
        elif end > start:
            self._is_long = True
            self._content.clear()
        if self._size > MAX_PASSED_OVER_BYTES:
            raise Unreadable(f"no file of lines: one has over {MAX_PASSED_OVER_BYTES // 10**9} GB")

    def ended(self, number: int, *, line_feed: int) -> Line | None:
        """The line, or None where it is blank; the next one begins."""
        offset, size, content, is_long = self.offset, self._size, bytes(self._content), self._is_long
        self.offset += size + line_feed
        self._content.clear()
        self._size, self._is_long = 0, False
        if is_long:
            return Line(number, offset, self.offset, size, None)
        if offset == 0:
            content = content.removeprefix(_BOM)
        content = content.strip(_BLANK)
        return Line(number, offset, self.offset, size, content) if content else None
