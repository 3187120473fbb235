"""What goes into the stream for a line: its own bytes with their source spliced in; or, of no record, the line whole.

Its bytes are passed on as they are, so numbers stay exact. What is no record goes the same way, wrapped: the encryptor
seals it into the quarantine, and so nobody here needs a key.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from consumers.landing_ingest.lines import Line
from shared.decode import decode
from shared.errors import Reason, RecordRejected
from shared.file_source import ATTRIBUTE, FileSource
from shared.identity import is_tenant_id
from shared.landing import Progress
from shared.model import AttributeValue
from shared.policy.compiled import ItemRules

MAX_RECORD_BYTES: Final = 1 << 20
"""What Kinesis takes of data and partition key together, unless the stream was set up otherwise."""
_HASH_HEX_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """A record for the stream.

    Attributes:
        line: that it was made of.
        is_rejected: the line is no record.
    """

    line: Line
    data: bytes = field(repr=False)
    partition_key: str = field(repr=False)
    is_rejected: bool = False

    @property
    def size_bytes(self) -> int:
        """As Kinesis counts it."""
        return len(self.data) + len(self.partition_key)


@dataclass(frozen=True, slots=True)
class EntryMaker:
    """Makes entries of the lines of one object.

    Attributes:
        progress: of the object; says when it was made.
        item: which attributes are tenant and id.
    """

    progress: Progress
    item: ItemRules

    def entry(self, line: Line) -> Entry:
        """What goes into the stream for a line."""
        source = self._source(line)
        if line.content is None:
            return self._too_long(line, source)
        try:
            attributes = decode(line.content)
            missing = self._missing_tenant(attributes)
        except RecordRejected as rejected:
            return self._wrapped(line, source, rejected.reason)
        members = f'"{ATTRIBUTE}":{_json(source)}'
        if missing is not None:
            members += f",{_json(self.item.tenant)}:{_json(missing)}"
        brace = line.content.index(b"{") + 1
        comma = b"," if attributes else b""
        data = line.content[:brace] + members.encode("ascii") + comma + line.content[brace:]
        entry = Entry(line, data, self._partition_key(line, attributes, missing))
        return entry if entry.size_bytes <= MAX_RECORD_BYTES else self._too_long(line, source)

    def _missing_tenant(self, attributes: dict[str, AttributeValue]) -> str | None:
        """The tenant that the key alone names; None where the record has one, or nobody.

        Raises:
            RecordRejected: they differ, or the record is none that a line may be.
        """
        if ATTRIBUTE in attributes:
            raise RecordRejected(Reason.RESERVED_NAME, f"{ATTRIBUTE} is written by the ingest alone")
        named = attributes.get(self.item.tenant)
        told = self.progress.object.tenants
        both = told if named is None else told | {named.get("S", "")}
        if len(both) > 1:
            raise RecordRejected(Reason.TENANT_CONFLICT, "the record and its object's key name different tenants")
        return next(iter(told), None) if named is None else None

    def _source(self, line: Line) -> dict[str, Any]:
        about = self.progress.object
        return FileSource(
            bucket=about.bucket,
            key=about.key,
            version=about.version,
            line=line.number,
            modified=self.progress.modified,
            sequencer=self.progress.sequencer,
        ).document()

    def _wrapped(self, line: Line, source: dict[str, Any], reason: Reason) -> Entry:
        content = b64encode(line.content or b"").decode("ascii")
        data = _json({ATTRIBUTE: source | {"rejected": reason.value}, "line": content}).encode("ascii")
        entry = Entry(line, data, self._of_line(line), is_rejected=True)
        return entry if entry.size_bytes <= MAX_RECORD_BYTES else self._too_long(line, source)

    def _too_long(self, line: Line, source: dict[str, Any]) -> Entry:
        told = {"rejected": Reason.LINE_TOO_LONG.value, "offset": line.offset, "bytes": line.size}
        data = _json({ATTRIBUTE: source | told}).encode("ascii")
        return Entry(line, data, self._of_line(line), is_rejected=True)

    def _partition_key(self, line: Line, attributes: dict[str, AttributeValue], missing: str | None) -> str:
        """Records of one item go one way; which, their order does not hang on."""
        item_id = attributes.get(self.item.id, {}).get("S")
        tenant = missing or attributes.get(self.item.tenant, {}).get("S")
        if not (is_tenant_id(tenant) and isinstance(item_id, str)):
            return self._of_line(line)
        return f"{tenant}:{_hash(item_id)}"

    def _of_line(self, line: Line) -> str:
        return f":{_hash(self.progress.object.name, str(line.number))}"


def _hash(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_HEX_DIGITS]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
