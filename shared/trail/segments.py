"""Segments: objects that hold audit events, one JSON document a line, gzipped; named for hour, stage and content.

The format stands in docs/audit_trail.md.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from gzip import GzipFile
from hashlib import sha256
from io import BytesIO
from typing import Any, Final, Self

from shared.errors import TrailUnreadable
from shared.trail.canonical import canonical_json, json_object

PREFIX: Final = "segments/"
MAX_UNZIPPED_BYTES: Final = 8 * 1024 * 1024
"""A writer begins another segment there and a reader stops, so that few bytes cannot fill its memory."""
MAX_EVENTS: Final = 10_000
"""Lines of a segment; the same."""

_DIGEST_HEX_DIGITS: Final = 32
_HOUR_FORMAT: Final = "%Y/%m/%d/%H"
_KEY: Final = re.compile(
    r"segments/(?P<hour>[0-9]{4}/[0-9]{2}/[0-9]{2}/[0-9]{2})/(?P<stage>[a-z0-9_-]{1,64})"
    r"/(?P<where>[A-Za-z0-9._-]{1,200})-(?P<digest>[0-9a-f]{32})\.ndjson\.gz"
)
_EVENT_ID: Final = re.compile(r"[!-~]{1,128}")
_COMPRESSION: Final = 6
_GZIP_ONLY: Final = 31


@dataclass(frozen=True, slots=True)
class SegmentName:
    """What a segment's key says.

    Attributes:
        hour: the one in which it was written, by its writer's clock: its first second, since the epoch.
        stage: whose events they are.
        where: what they came from: shard and first sequence number, or the id of a request.
        digest: the first half of its lines' SHA-256, in hex: under one name there is one content.
    """

    hour: int
    stage: str
    where: str
    digest: str

    @classmethod
    def of(cls, lines: bytes, *, written_at: float, stage: str, where: str) -> Self:
        """The name of a segment of these lines.

        Args:
            lines: as they are before they are zipped.
            written_at: seconds since the epoch.
            stage: small letters, digits, `_` and `-`.
            where: letters, digits, `.`, `_` and `-`.

        Raises:
            ValueError: no key can say this.
        """
        name = cls(int(written_at // 3_600) * 3_600, stage, where, _digest_of(lines))
        if cls.parse(name.key) != name:
            raise ValueError(f"no segment can be called {name.key}")
        return name

    @classmethod
    def parse(cls, key: str) -> Self | None:
        """What the key says; None where it is not a segment's."""
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        try:
            hour = datetime.strptime(match["hour"], _HOUR_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(int(hour.timestamp()), match["stage"], match["where"], match["digest"])

    @property
    def key(self) -> str:
        """The key of the object."""
        return f"{hour_prefix(self.hour)}{self.stage}/{self.where}-{self.digest}.ndjson.gz"


def hour_prefix(at: float) -> str:
    """What the keys begin with of segments that are written in the hour of this time, seconds since the epoch."""
    return f"{PREFIX}{datetime.fromtimestamp(at, UTC).strftime(_HOUR_FORMAT)}/"


def _digest_of(lines: bytes) -> str:
    return sha256(lines).hexdigest()[:_DIGEST_HEX_DIGITS]


def event_id_of(document: Mapping[str, Any]) -> str:
    """The id of an event, by which readers tell a repeated one.

    Raises:
        TrailUnreadable: it has none.
    """
    metadata = document.get("metadata")
    event_id = metadata.get("uid") if isinstance(metadata, Mapping) else None
    if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id):
        raise TrailUnreadable("holds an event without an id")
    return event_id


def segments(
    documents: Iterable[Mapping[str, Any]], *, written_at: float, stage: str, where: str
) -> Iterator[tuple[SegmentName, bytes, int]]:
    """The documents as segments, in their order, one where it can hold them all: name, bytes, and how many are in it.

    Raises:
        ValueError: no key can say stage or place, or one document alone is more than a segment holds.
    """
    for lines in _parts(map(_line, documents)):
        whole = b"".join(lines)
        yield SegmentName.of(whole, written_at=written_at, stage=stage, where=where), zipped(whole), len(lines)


def zipped(lines: bytes) -> bytes:
    """A segment's bytes; the same lines give the same bytes."""
    out = BytesIO()
    with GzipFile(filename="", mode="wb", compresslevel=_COMPRESSION, fileobj=out, mtime=0) as file:
        file.write(lines)
    return out.getvalue()


def read_segment(content: bytes, name: SegmentName) -> Sequence[Mapping[str, Any]]:
    """The documents of a segment, in the order in which they were written.

    Raises:
        TrailUnreadable: it does not unzip whole, is larger than any, holds what is no event, or not what its name says.
    """
    return [_event(line) for line in _lines_of(content, name)]


def count_events(content: bytes, name: SegmentName) -> int:
    """How many a segment holds; raises as `read_segment`, and keeps no more than one document in memory."""
    lines = _lines_of(content, name)
    for line in lines:
        _event(line)
    return len(lines)


def _line(document: Mapping[str, Any]) -> bytes:
    return canonical_json(document) + b"\n"


def _parts(lines: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    part: list[bytes] = []
    size = 0
    for line in lines:
        if len(line) > MAX_UNZIPPED_BYTES:
            raise ValueError("an event is larger than a segment")
        if part and (size + len(line) > MAX_UNZIPPED_BYTES or len(part) == MAX_EVENTS):
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line)
    if part:
        yield part


def _event(line: bytes) -> Mapping[str, Any]:
    document = json_object(line)
    event_id_of(document)
    return document


def _lines_of(content: bytes, name: SegmentName) -> Sequence[bytes]:
    """Its lines, without their ends, once they are those that its name says."""
    plain = _unzipped(content)
    if _digest_of(plain) != name.digest:
        raise TrailUnreadable("holds other events than its name says")
    if not plain.endswith(b"\n"):
        raise TrailUnreadable("its last line does not end" if plain else "holds no event")
    if plain.count(b"\n") > MAX_EVENTS:
        raise TrailUnreadable(f"holds more than {MAX_EVENTS} events")
    return plain[:-1].split(b"\n")


def _unzipped(content: bytes) -> bytes:
    unzip = zlib.decompressobj(_GZIP_ONLY)
    try:
        plain = unzip.decompress(content, MAX_UNZIPPED_BYTES)
    except zlib.error:
        raise TrailUnreadable("does not unzip") from None
    if unzip.unconsumed_tail:
        raise TrailUnreadable(f"unzips to more than {MAX_UNZIPPED_BYTES} bytes")
    if not unzip.eof:
        raise TrailUnreadable("ends too early")
    if unzip.unused_data:
        raise TrailUnreadable("goes on after its end")
    return plain
