"""Segments: objects that hold audit events, one JSON document a line, gzipped; named for hour, stage and content.

The format stands in docs/audit_trail.md.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from gzip import GzipFile
from hashlib import sha256
from io import BytesIO
from typing import Any, Final, Self

from shared.errors import TrailUnreadable
from shared.trail.canonical import canonical_json, json_object

PREFIX: Final = "segments/"
MAX_UNZIPPED_BYTES: Final = 64 * 1024 * 1024
"""No writer comes near it; a reader stops there, so that few bytes cannot fill its memory."""

_DIGEST_HEX_DIGITS: Final = 16
_HOUR_FORMAT: Final = "%Y/%m/%d/%H"
_KEY: Final = re.compile(
    r"segments/(?P<hour>[0-9]{4}/[0-9]{2}/[0-9]{2}/[0-9]{2})/(?P<stage>[a-z0-9_-]{1,64})"
    r"/(?P<where>[A-Za-z0-9._-]{1,200})-(?P<digest>[0-9a-f]{16})\.ndjson\.gz"
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
        digest: of the ids of its events, see `digest_of`.
    """

    hour: int
    stage: str
    where: str
    digest: str

    @classmethod
    def of(cls, event_ids: Iterable[str], *, written_at: float, stage: str, where: str) -> Self:
        """The name of a segment of these events.

        Args:
            event_ids: in any order, repeated or not.
            written_at: seconds since the epoch.
            stage: small letters, digits, `_` and `-`.
            where: letters, digits, `.`, `_` and `-`.

        Raises:
            ValueError: no key can say this.
        """
        name = cls(int(written_at // 3_600) * 3_600, stage, where, digest_of(event_ids))
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


def digest_of(event_ids: Iterable[str]) -> str:
    """16 hex digits that a segment of other events does not have in its name.

    Raises:
        ValueError: there is no event, or an id is not of 1 to 128 visible ASCII characters.
    """
    distinct = sorted(set(event_ids))
    if not distinct or not all(map(_EVENT_ID.fullmatch, distinct)):
        raise ValueError("a segment holds at least one event, each with an id of visible ASCII characters")
    return sha256("".join(f"{one}\n" for one in distinct).encode("ascii")).hexdigest()[:_DIGEST_HEX_DIGITS]


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


def segment_bytes(documents: Iterable[Mapping[str, Any]]) -> bytes:
    """The documents as a segment's bytes; the same documents give the same bytes."""
    lines = b"".join(canonical_json(document) + b"\n" for document in documents)
    out = BytesIO()
    with GzipFile(filename="", mode="wb", compresslevel=_COMPRESSION, fileobj=out, mtime=0) as zipped:
        zipped.write(lines)
    return out.getvalue()


def read_segment(content: bytes, name: SegmentName) -> Sequence[Mapping[str, Any]]:
    """The documents of a segment, in the order in which they were written.

    Raises:
        TrailUnreadable: it does not unzip whole, holds what is no event, or other events than its name says.
    """
    lines = _unzipped(content).split(b"\n")
    if lines.pop() != b"":
        raise TrailUnreadable("its last line does not end")
    documents = [json_object(line) for line in lines]
    event_ids = [event_id_of(document) for document in documents]
    if not event_ids or digest_of(event_ids) != name.digest:
        raise TrailUnreadable("holds other events than its name says")
    return documents


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
