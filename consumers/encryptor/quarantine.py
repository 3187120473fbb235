"""Records that can never be written, kept sealed until somebody decides about them.

An entry holds what one Kinesis record brought of one tenant and was rejected for one reason: one record, or as many as
an aggregate has of them, so that a producer's broken aggregate of thousands is a few objects and not thousands. A line
of a file is an entry of its own, and the same one however often it comes as it is; what names the same line and holds
something else is another: who may put to the stream may claim any line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Protocol

from consumers.encryptor.deaggregate import Rejected
from shared.envelope.associated_data import record_prefix
from shared.envelope.seal import seal_value
from shared.keys.keyring import Keyring
from shared.model import QUARANTINE_CLASS, QUARANTINE_PATH, SYSTEM_TENANT, QuarantineEntry

HASH_KEY_BYTES: Final = 16
"""As many as an explicit hash key has, big-endian; as a number it would have more digits than a sealed one may."""


class QuarantineStore(Protocol):
    """Where quarantined records lie."""

    def keep(self, entry: QuarantineEntry) -> None:
        """Keep content, then index row; one that is there already stays as it is.

        Raises:
            StoreUnavailable: not everything was kept.
        """


class Shards(Protocol):
    """The shards of streams; see `shared.aws.shards`."""

    def hash_keys(self, stream_arn: str, shard_id: str) -> range | None:
        """The hash keys that fall into a shard; None where its stream does not list it any more.

        Raises:
            StoreUnavailable: nobody can say now.
        """


def entry_key(rejected: Rejected) -> tuple[str, str, str, bytes]:
    """What the records of one entry have in common; of lines of files, the payload too."""
    return *_names(rejected), b"" if rejected.source is None else rejected.record.payload


def _names(rejected: Rejected) -> tuple[str, str, str]:
    source = rejected.source
    came_from = rejected.record.sequence_number if source is None else f"{source.object_digest.hex()} {source.line}"
    return came_from, rejected.error.reason, rejected.tenant_id


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Seals rejected records (tenant `_system`, class `quarantine`) and keeps them.

    Attributes:
        shards: says which hash keys fall into a record's shard. That never changes, and is kept with the record: its
            stream forgets it, and without it nobody can say whether the record's place can be believed.
    """

    store: QuarantineStore
    keyring: Keyring
    dataset: str
    shards: Shards

    def keep(self, rejected: Sequence[Rejected], *, stream_arn: str) -> QuarantineEntry:
        """Keep records of one `entry_key`, at least one.

        Raises:
            RetryLater: nothing was kept; the records must be delivered again.
        """
        rejected = sorted(rejected, key=lambda one: one.record.sub_sequence)
        first = rejected[0]
        if first.source is not None:
            rejected = rejected[:1]  # two runs brought the same line
        key = self.keyring.active(SYSTEM_TENANT, QUARANTINE_CLASS)
        mark = b"" if first.source is None else key.cipher.fingerprint(first.record.payload)
        entry_id = quarantine_id(stream_arn, rejected, mark)
        prefix = record_prefix(dataset=self.dataset, tenant_id=SYSTEM_TENANT, item_id=entry_id)
        in_shard = self.shards.hash_keys(stream_arn, first.record.shard_id)
        entry = QuarantineEntry(
            quarantine_id=entry_id,
            reason=first.error.reason,
            detail=first.error.detail,
            tenant_id=first.tenant_id,
            stream_arn=stream_arn,
            shard_id=first.record.shard_id,
            sequence_number=first.record.sequence_number,
            arrived_at=first.record.arrived_at,
            record_count=len(rejected),
            sealed_content=seal_value(key.cipher, prefix, QUARANTINE_PATH, _content(rejected, in_shard, mark)),
            source=first.source,
        )
        self.store.keep(entry)
        return entry


def quarantine_id(stream_arn: str, rejected: Sequence[Rejected], mark: bytes) -> str:
    """The id of an entry: of the places that its records came from, and of nothing in them that could be guessed.

    The sub-sequences belong to it: a second delivery in which one more record of the aggregate is rejected makes
    another entry, where the first one's id would hide that record.

    Args:
        stream_arn: that they came by.
        rejected: records of one `entry_key`.
        mark: of a line of a file, its payload's fingerprint under the data key that it was first sealed with, without
            which a payload of few possibilities could be found by trying; empty where another version kept it.
    """
    first = rejected[0]
    if first.source is not None:
        return _digest("file", *_names(first), *([mark.hex()] if mark else []))
    places = ",".join(str(one.record.sub_sequence) for one in rejected)
    return _digest(stream_arn, first.record.shard_id, *_names(first), places)


def _digest(*names: str) -> str:
    return sha256("\n".join(names).encode("utf-8")).hexdigest()[:32]


def _content(rejected: Sequence[Rejected], in_shard: range | None, mark: bytes) -> dict[str, Any]:
    """The records, and each partition key and explicit hash key once, so that content is about as large as it arrived.

    An aggregate names a key once for all its records; a copy for each could be thousands of times its size.
    """
    partition_keys: dict[bytes, int] = {}
    hash_keys: dict[bytes, int] = {}
    records = []
    for record in (one.record for one in rejected):
        kept = {
            "sub_sequence": {"N": str(record.sub_sequence)},
            "partition_key": _index(partition_keys, record.partition_key),
            "payload": {"B": record.payload},
        }
        if record.explicit_hash_key is not None:
            kept["explicit_hash_key"] = _index(hash_keys, record.explicit_hash_key.to_bytes(HASH_KEY_BYTES, "big"))
        records.append({"M": kept})
    arrived_ms = round(rejected[0].record.arrived_at * 1_000)
    content = {
        "arrived_ms": {"N": str(arrived_ms)},  # the index row says so, too, and whoever writes there could say else
        "partition_keys": {"L": [{"B": key} for key in partition_keys]},
        "explicit_hash_keys": {"L": [{"B": key} for key in hash_keys]},
        "records": {"L": records},
    }
    if (source := rejected[0].source) is not None:
        content["source"] = source.typed()
        content["mark"] = {"B": mark}  # sealed anew under another key, the entry keeps its id
    if in_shard is not None:
        bounds = (in_shard.start, in_shard.stop - 1)
        content["shard_hash_keys"] = {"L": [{"B": bound.to_bytes(HASH_KEY_BYTES, "big")} for bound in bounds]}
    return {"M": content}


def _index(table: dict[bytes, int], key: bytes) -> dict[str, str]:
    """Where a key stands in a table, at the end of which it is put where it is new."""
    return {"N": str(table.setdefault(key, len(table)))}
