"""Records that can never be written, kept sealed until somebody decides about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Protocol

from shared.envelope.associated_data import record_prefix
from shared.envelope.seal import seal_value
from shared.errors import RecordRejected
from shared.keys.keyring import Keyring
from shared.model import QUARANTINE_CLASS, SYSTEM_TENANT, InboundRecord, Path

CONTENT_PATH: Final[Path] = ("content",)
"""The path that a quarantined record is sealed at; its item id is the quarantine id."""


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One quarantined record: what may be known of it, and its sealed content.

    Attributes:
        quarantine_id: 32 hex digits, derived from the source position, so that a replay repeats it.
        tenant_id: "" where the record did not get that far.
        sealed_content: payload and partition key of the record.
    """

    quarantine_id: str
    reason: str
    detail: str
    tenant_id: str
    stream_arn: str
    shard_id: str
    sequence_number: str
    sub_sequence: int
    arrived_at: float
    sealed_content: bytes = field(repr=False)


class QuarantineStore(Protocol):
    """Where quarantined records lie."""

    def keep(self, entry: QuarantineEntry) -> None:
        """Keep content, then index row; repeating it changes nothing.

        Raises:
            StoreUnavailable: not everything was kept.
        """


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Seals rejected records (tenant `_system`, class `quarantine`) and keeps them."""

    store: QuarantineStore
    keyring: Keyring
    dataset: str

    def keep(self, record: InboundRecord, error: RecordRejected, *, stream_arn: str, tenant_id: str) -> QuarantineEntry:
        """Keep one record.

        Raises:
            RetryLater, CannotOpen: it was not kept; the record must be delivered again.
        """
        entry_id = quarantine_id(stream_arn, record)
        key = self.keyring.active(SYSTEM_TENANT, QUARANTINE_CLASS)
        prefix = record_prefix(dataset=self.dataset, tenant_id=SYSTEM_TENANT, item_id=entry_id)
        content = {"M": {"partition_key": {"B": record.partition_key}, "payload": {"B": record.payload}}}
        entry = QuarantineEntry(
            quarantine_id=entry_id,
            reason=error.reason,
            detail=error.detail,
            tenant_id=tenant_id,
            stream_arn=stream_arn,
            shard_id=record.shard_id,
            sequence_number=record.sequence_number,
            sub_sequence=record.sub_sequence,
            arrived_at=record.arrived_at,
            sealed_content=seal_value(key.cipher, prefix, CONTENT_PATH, content),
        )
        self.store.keep(entry)
        return entry


def quarantine_id(stream_arn: str, record: InboundRecord) -> str:
    """The id of a record's place in quarantine."""
    place = "\n".join((stream_arn, record.shard_id, record.sequence_number, str(record.sub_sequence)))
    return sha256(place.encode("utf-8")).hexdigest()[:32]
