"""Records that can never be written, kept sealed until somebody decides about them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from consumers.encryptor.deaggregate import Rejected
from shared.envelope.associated_data import record_prefix
from shared.envelope.seal import seal_value
from shared.keys.keyring import Keyring
from shared.model import QUARANTINE_CLASS, SYSTEM_TENANT, InboundRecord, Path, QuarantineEntry

CONTENT_PATH: Final[Path] = ("content",)
"""The path that a quarantined record is sealed at; its item id is the quarantine id."""


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

    def keep(self, rejected: Rejected, *, stream_arn: str) -> QuarantineEntry:
        """Keep one record.

        Raises:
            RetryLater, CannotOpen: it was not kept; the record must be delivered again.
        """
        record = rejected.record
        entry_id = quarantine_id(stream_arn, record)
        key = self.keyring.active(SYSTEM_TENANT, QUARANTINE_CLASS)
        prefix = record_prefix(dataset=self.dataset, tenant_id=SYSTEM_TENANT, item_id=entry_id)
        content = {"M": {"partition_key": {"B": record.partition_key}, "payload": {"B": record.payload}}}
        entry = QuarantineEntry(
            quarantine_id=entry_id,
            reason=rejected.error.reason,
            detail=rejected.error.detail,
            tenant_id=rejected.tenant_id,
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
