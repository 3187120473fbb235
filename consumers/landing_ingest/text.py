"""The text of an object, piece by piece: as it is, or out of gzip; never more of it at once than a piece."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Final

GZIP_MAGIC: Final = b"\x1f\x8b"
PIECE_BYTES: Final = 1 << 20
"""Of decompressed text at most, however little it was compressed from."""
MAX_INFLATED_BYTES: Final = 10**11
"""Of text out of gzip: whoever goes on decompresses it from its beginning, which must leave time to get on."""
_GZIP: Final = 31
"""zlib's word for: a gzip header, the largest window."""

Read = Callable[[int, int], bytes]
"""Bytes of the object, from an offset on, at most so many; fewer only at its end."""


class Unreadable(Exception):
    """The object is no whole gzip file; what came before is its text all the same. Says why."""


class ObjectText:
    """An object's text from some offset on.

    Args:
        read: the object's bytes.
        size: how many there are.
        part_bytes: to be read at once.

    Attributes:
        read_bytes: how far into the object reading has come.
    """

    def __init__(self, read: Read, size: int, *, part_bytes: int) -> None:
        self._read = read
        self._size = size
        self._part_bytes = part_bytes
        self.read_bytes = 0

    def pieces(self, offset: int) -> Iterator[bytes]:
        """The text behind its first `offset` bytes.

        Raises:
            Unreadable: at the end of what can be read.
        """
        is_gzip = self._size >= len(GZIP_MAGIC) and self._read(0, len(GZIP_MAGIC)) == GZIP_MAGIC
        return _skipped(_inflated(self._parts(0)), offset) if is_gzip else self._parts(offset)

    def _parts(self, start: int) -> Iterator[bytes]:
        self.read_bytes = start
        while self.read_bytes < self._size:
            part = self._read(self.read_bytes, self._part_bytes)
            if not part:
                raise Unreadable("the object ends before its size")
            self.read_bytes += len(part)
            yield part


def _inflated(parts: Iterator[bytes]) -> Iterator[bytes]:
    """One gzip member after the other, as `gzip` and `cat` make them; zeros behind a member are padding."""
    member, inflated = zlib.decompressobj(_GZIP), 0
    for part in parts:
        left = part
        while left or not member.eof:
            if member.eof:
                left = left.lstrip(b"\0")
                if not left:
                    break
                member = zlib.decompressobj(_GZIP)
            try:
                piece = member.decompress(left, PIECE_BYTES)
            except zlib.error:
                raise Unreadable("what should be gzip is damaged") from None
            if piece:
                yield piece
            inflated += len(piece)
            if inflated > MAX_INFLATED_BYTES:
                raise Unreadable(f"what is in the gzip file is over {MAX_INFLATED_BYTES // 10**9} GB")
            left = member.unused_data if member.eof else member.unconsumed_tail
            if not left and len(piece) < PIECE_BYTES:
                break
    if not member.eof:
        raise Unreadable("the gzip file is cut off")


def _skipped(pieces: Iterator[bytes], offset: int) -> Iterator[bytes]:
    for piece in pieces:
        if offset < len(piece):
            yield piece[offset:]
        offset = max(0, offset - len(piece))
