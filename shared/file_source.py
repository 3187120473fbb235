"""Where a record of a file comes from: the object and the line, which travel with it as its `_source`.

The landing ingest puts `_source` on each line that it passes on. It gives the record its position among all lines of
all objects, so that it does not matter how often, when and by which shard the line comes. `_source` of a line that is
no record (all of it, as `shared.decode` says) tells why, and the line lies beside it, if it is not too long for the
stream:

    {"_source": {"bucket": "landing", "key": "tenant=acme/a.json", "version": "3HL4kqtJ", "line": 7,
                 "modified": 1767225600, "sequencer": "0055AED6DCD90281E5"}, "id": "abc123", …}
    {"_source": {…, "rejected": "not_json"}, "line": "<base64 of the line's bytes>"}
    {"_source": {…, "rejected": "line_too_long", "offset": 1234, "bytes": 20000000}}

Nobody can prove where a record comes from who may put records to the stream: who does may claim a `_source`, as he may
claim a tenant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from shared.errors import Reason, RecordRejected
from shared.source_position import LINES, SEQUENCER_DIGITS, TIMES, SourcePosition, file_position

ATTRIBUTE: Final = "_source"
LINE: Final = "line"
"""Where a line lies that is no record, base64; without `_source` it is a name like any other."""
MAX_NAME_BYTES: Final = 1_024
"""Of an object's key, and of a version."""
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_VERSION: Final = re.compile(r"[!-~]+")
_SEQUENCER: Final = re.compile(rf"[0-9A-Fa-f]{{1,{SEQUENCER_DIGITS}}}")
_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_BYTES: Final = range(1 << 53)
"""Of a line, or before it."""
_NAMES: Final = frozenset({"bucket", "key", "version", "line", "modified", "sequencer"})
_OF_REJECTED: Final = frozenset({"rejected", "offset", "bytes"})


@dataclass(frozen=True, slots=True)
class FileSource:
    """A line of one version of an object.

    Attributes:
        line: from 1.
        modified: when the object was, seconds since the epoch, by S3's clock.
        sequencer: hex digits, S3's, of the event that told of the object.
    """

    bucket: str
    key: str = field(repr=False)
    version: str
    line: int
    modified: int
    sequencer: str

    def document(self) -> dict[str, str | int]:
        """As JSON has it."""
        return {
            "bucket": self.bucket,
            "key": self.key,
            "version": self.version,
            "line": self.line,
            "modified": self.modified,
            "sequencer": self.sequencer,
        }

    def typed(self) -> dict[str, Any]:
        """The same as a DynamoDB-typed map."""
        return {
            "M": {
                name: {"N": str(value)} if isinstance(value, int) else {"S": value}
                for name, value in self.document().items()
            }
        }

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> FileSource:
        """Read `_source`, a DynamoDB-typed map as `shared.decode` gives it.

        Raises:
            RecordRejected: source_invalid.
        """
        members = value.get("M")
        if not isinstance(members, Mapping) or not _NAMES <= members.keys() <= _NAMES | _OF_REJECTED:
            raise _invalid("it is no object of the members that the landing ingest puts there")
        source = cls(
            bucket=_text(members, "bucket"),
            key=_text(members, "key"),
            version=_text(members, "version"),
            line=_integer(members, "line", LINES),
            modified=_integer(members, "modified", TIMES),
            sequencer=_text(members, "sequencer"),
        )
        if not _BUCKET.fullmatch(source.bucket) or not _VERSION.fullmatch(source.version):
            raise _invalid("its bucket or version has another form than S3 gives it")
        if not _SEQUENCER.fullmatch(source.sequencer):
            raise _invalid(f"its sequencer is not 1 to {SEQUENCER_DIGITS} hex digits")
        return source

    @property
    def uri(self) -> str:
        """The object's, as S3's tools take it, but for the version."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def object_digest(self) -> bytes:
        """Of the object and its version, 32 bytes; of the three parts only the key may hold a zero byte."""
        return sha256(f"{self.bucket}\0{self.key}\0{self.version}".encode()).digest()

    @property
    def position(self) -> SourcePosition:
        """Among all lines of all files."""
        return file_position(self.modified, self.sequencer, self.object_digest, self.line)


def rejection(value: Mapping[str, Any]) -> RecordRejected | None:
    """Why the landing ingest says that the line is no record; None where it does not.

    Args:
        value: of `_source`, of which `FileSource.of` could be read.
    """
    members: Mapping[str, Any] = value["M"]
    if not _OF_REJECTED & members.keys():
        return None
    try:
        reason = Reason(_text(members, "rejected"))
        where = [f"{name} {_integer(members, name, _BYTES)}" for name in ("offset", "bytes") if name in members]
    except ValueError:
        return _invalid("what it was rejected for is no reason")
    except RecordRejected as error:
        return error
    return RecordRejected(reason, ", ".join(["the line is no record", *where]))


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name, {}).get("S")
    if not isinstance(value, str) or not 0 < len(value.encode("utf-8")) <= MAX_NAME_BYTES:
        raise _invalid(f"its {name} is no text of 1 to {MAX_NAME_BYTES} bytes")
    return value


def _integer(members: Mapping[str, Any], name: str, bounds: range) -> int:
    value = members.get(name, {}).get("N")
    if not isinstance(value, str) or not _INTEGER.fullmatch(value) or int(value) not in bounds:
        raise _invalid(f"its {name} is no integer that a file can have")
    return int(value)


def _invalid(why: str) -> RecordRejected:
    return RecordRejected(Reason.SOURCE_INVALID, f"{ATTRIBUTE}: {why}")
