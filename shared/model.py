"""The values that travel between the stages, in flow order; all frozen.

Attribute values are DynamoDB-typed (`{"S": "x"}`, `{"N": "1.5"}`, `{"B": b"…"}`, `{"M": {…}}`) as the low-level
client takes and gives them: the one form that keeps every type exact. `B` is `bytes`, never base64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final, TypeAlias

from shared.errors import Reason
from shared.file_source import FileSource
from shared.source_position import SourcePosition

AttributeValue: TypeAlias = Mapping[str, Any]
Attributes: TypeAlias = Mapping[str, AttributeValue]


class ListElement(Enum):
    """Stands in a path for any element of a list; without index, so that elements may move."""

    ELEMENT = "[]"

    def __repr__(self) -> str:
        return "ELEMENT"


ELEMENT: Final = ListElement.ELEMENT
Path: TypeAlias = tuple[str | ListElement, ...]

TENANT_ID: Final = "tenant_id"
ITEM_ID: Final = "item_id"
SOURCE: Final = "_src"
POLICY: Final = "_policy"
DELETED_AT: Final = "_deleted_at"
EXPIRES_AT: Final = "_expires_at"
OPEN_SINCE: Final = "_open_since"
"""Since when something that is sealed now had stood in clear, seconds since the epoch."""
OPEN_FROM_UNKNOWN: Final = 0
"""The value of `OPEN_SINCE` where nobody knows since when."""
ARRIVED: Final = "_arrived"
"""When the record came that the item's content is from, milliseconds since the epoch; mending leaves it as it is."""
SYSTEM_ATTRIBUTES: Final = frozenset({TENANT_ID, ITEM_ID, SOURCE, POLICY, ARRIVED, DELETED_AT, EXPIRES_AT, OPEN_SINCE})
"""What sealstream itself puts on an item; everything else came from the record."""

TOMBSTONE_SECONDS: Final = 400 * 24 * 3600
"""How long a tombstone outlives the record that asked for it; a stream keeps records for 365 days at most."""

REDRIVE_SECONDS: Final = 365 * 24 * 3600
"""How long after its arrival, and after the time that orders it, a record may be put back: well before a tombstone that
forbids it can be gone. Of an integer order nobody can say how old it is."""

SYSTEM_TENANT: Final = "_system"
"""Owner of the quarantine's data keys; no tenant can have this name (policy rule)."""
QUARANTINE_CLASS: Final = "quarantine"
QUARANTINE_PATH: Final[Path] = ("content",)
"""The path that an entry's content is sealed at; its item id is the quarantine id."""


@dataclass(frozen=True, slots=True)
class InboundRecord:
    """One user record as it came in, still undecoded.

    Attributes:
        sequence_number: of the Kinesis record that held it; the identifier in a partial batch response.
        shard_id: the shard that it was read from.
        sub_sequence: index among the user records of one aggregate; 0 for a plain record.
        partition_key: the user record's own partition key, UTF-8.
        arrived_at: approximate arrival in Kinesis, seconds since the epoch.
        payload: the bytes that the producer put.
        explicit_hash_key: 128 bits that took the place of the partition key's hash; None where there were none, or
            nobody can tell: of a plain record Kinesis does not.
    """

    sequence_number: str
    shard_id: str
    sub_sequence: int
    partition_key: bytes = field(repr=False)
    arrived_at: float
    payload: bytes = field(repr=False)
    explicit_hash_key: int | None = field(default=None, repr=False)


class Outcome(StrEnum):
    """What became of one user record; the five add up to the records received."""

    WRITTEN = "written"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class SealedItem:
    """An item as it is to be stored: keys, system attributes, sealed and declared-plain attributes."""

    tenant_id: str
    item_id: str
    position: SourcePosition
    attributes: Attributes = field(repr=False)
    sealed_count: int


@dataclass(frozen=True, slots=True)
class PutResult:
    """Whether an item was stored; where not, the item that stands in the way and its `_src` (None: it has none)."""

    stored: bool
    found_source: AttributeValue | None = None
    found: Attributes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """What one Kinesis record, or line of a file, held of one tenant and was rejected for one reason.

    Attributes:
        quarantine_id: 32 hex digits, derived from the source positions, so that a replay repeats it; of a line of a
            file, from object, line and a keyed fingerprint of the payload.
        detail: of the first record.
        tenant_id: "" where no record got far enough to know.
        record_count: user records; 1 but for an aggregate.
        sealed_content: sub-sequence, partition key and payload of each.
        source: the line of a file that it is, whichever Kinesis record brings it.
    """

    quarantine_id: str
    reason: Reason
    detail: str
    tenant_id: str
    stream_arn: str
    shard_id: str
    sequence_number: str
    arrived_at: float
    record_count: int
    sealed_content: bytes = field(repr=False)
    source: FileSource | None = None


class EntryState(StrEnum):
    """What was decided about an entry of the quarantine."""

    HELD = "held"
    REDRIVEN = "redriven"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """The index row of an entry; the sealed content lies elsewhere.

    Attributes:
        reason: why its records cannot be written, as far as is known by now; `detail` says more.
        kept_reason: why they were kept; it is part of what the entry's id was made of.
        object_key: of the content; "" once a decision was carried out.
        decided_at: seconds since the epoch; None while it is held.
    """

    quarantine_id: str
    state: EntryState
    reason: Reason
    kept_reason: Reason
    detail: str
    tenant_id: str
    stream_arn: str
    shard_id: str
    sequence_number: str
    arrived_at: float
    record_count: int
    object_key: str
    decided_at: float | None = None


class ChangeKind(StrEnum):
    """DynamoDB Streams' event names."""

    INSERT = "INSERT"
    MODIFY = "MODIFY"
    REMOVE = "REMOVE"


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One change of the items table, from its stream.

    Attributes:
        sequence_number: the stream record's; the identifier in a partial batch response.
        changed_at: seconds since the epoch, to the second.
        by_expiry: the change is DynamoDB's own TTL deletion.
    """

    sequence_number: str
    kind: ChangeKind
    tenant_id: str
    item_id: str
    old: Attributes | None = field(repr=False)
    new: Attributes | None = field(repr=False)
    changed_at: float
    by_expiry: bool = False


class KeyState(StrEnum):
    """Life of a data key."""

    ACTIVE = "active"
    DECRYPT_ONLY = "decrypt_only"
    RETIRED = "retired"
    DESTROYED = "destroyed"


ENDED: Final = frozenset({KeyState.RETIRED, KeyState.DESTROYED})


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """What may be known of a data key without any right to use it.

    Attributes:
        data_class: "" where the key's row cannot be read.
        state: None where the key's row cannot be read.
        ended_at: when it was retired or destroyed, seconds since the epoch; None where it is neither.
    """

    key_id: int
    data_class: str
    state: KeyState | None
    ended_at: float | None = None


class VerdictKind(StrEnum):
    """What an auditor can say of one change, worst first (except `removed`)."""

    PLAINTEXT = "plaintext"
    MALFORMED = "malformed"
    UNDECLARED = "undeclared"
    STALE = "stale"
    VERIFIED = "verified"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing an auditor found in an item.

    Attributes:
        kind: never `verified` or `removed`.
        where: the path in the policy's notation; a component that the policy does not name reads `?`,
            since an undeclared name is the producer's data.
        why: a static sentence fragment.
        data_class: the class that the policy gives the attribute, or "" where it gives none.
    """

    kind: VerdictKind
    where: str
    why: str
    data_class: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst finding's kind, or `verified`, or `removed`; with every finding in item order.

    Attributes:
        broken_anew: whether something malformed is not what already stood in its place before the change.
        exposed: whether something stands in clear that never should have.
        exposed_before: whether something did before the change, too: then nobody knows here since when.
    """

    kind: VerdictKind
    findings: tuple[Finding, ...] = ()
    sealed_count: int = 0
    broken_anew: bool = False
    exposed: bool = False
    exposed_before: bool = False
