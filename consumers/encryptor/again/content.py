"""What an entry of the quarantine holds, opened: its records as they came, at their places."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from consumers.encryptor.batch import Received, take_out
from consumers.encryptor.deaggregate import Rejected
from consumers.encryptor.quarantine import quarantine_id
from shared.envelope.associated_data import record_prefix
from shared.envelope.layout import is_sealed, key_id_of
from shared.envelope.seal import open_value
from shared.errors import NotSealed, QuarantineCorrupt, Reason, RecordRejected
from shared.file_source import FileSource
from shared.keys.keyring import Keyring
from shared.model import QUARANTINE_CLASS, QUARANTINE_PATH, SYSTEM_TENANT, AttributeValue, HeldEntry, InboundRecord


def open_content(entry: HeldEntry, sealed: bytes, keyring: Keyring, dataset: str) -> AttributeValue:
    """The content in clear.

    Raises:
        CannotOpen: it was changed, or moved, or its data key is gone.
        RetryLater: the key store or KMS does not answer.
    """
    if not is_sealed(sealed):
        raise NotSealed(f"the content of entry {entry.quarantine_id} is no sealed value")
    key = keyring.opener(SYSTEM_TENANT, key_id_of(sealed), expected_class=QUARANTINE_CLASS)
    prefix = record_prefix(dataset=dataset, tenant_id=SYSTEM_TENANT, item_id=entry.quarantine_id)
    return open_value(key.cipher, prefix, QUARANTINE_PATH, sealed)


def records_of(entry: HeldEntry, content: AttributeValue) -> Sequence[Received]:
    """The records, an aggregate that was kept whole once more taken apart.

    The places that the row names are those that the id was made of, the content is bound to the id and says when its
    records arrived: a row that somebody changed does not move a record, nor make it younger. That of a line of a file
    says by which Kinesis record it came last, which nothing rests on: its age is that of its object.

    Raises:
        QuarantineCorrupt: content or row are not what was kept.
    """
    try:
        records, source = kept_records(entry, content["M"]), kept_source(content["M"])
        mark = content["M"].get("mark", {"B": b""})["B"]
        rejected = [Rejected(one, RecordRejected(entry.kept_reason), entry.tenant_id, source) for one in records]
        has_its_id = bool(rejected) and quarantine_id(entry.stream_arn, rejected, mark) == entry.quarantine_id
    except (KeyError, IndexError, TypeError, ValueError, RecordRejected):
        raise QuarantineCorrupt(f"entry {entry.quarantine_id}: its content is not what sealstream keeps") from None
    is_its_row = source is not None or all(_ms(one.arrived_at) == _ms(entry.arrived_at) for one in records)
    if not is_its_row or not has_its_id:
        raise QuarantineCorrupt(f"entry {entry.quarantine_id}: its index row is not the one that it was kept with")
    if entry.kept_reason is Reason.AGGREGATE_CORRUPT:
        return take_out(map(_as_lambda_gives_it, records))
    return records


@dataclass(frozen=True, slots=True)
class ShardAsKept:
    """The shard of an entry, with the hash keys that were kept with it, whatever its stream lists by now."""

    in_shard: range

    def hash_keys(self, _stream_arn: str, _shard_id: str) -> range | None:
        """See `consumers.encryptor.quarantine.Shards`."""
        return self.in_shard


def kept_shard(content: AttributeValue) -> ShardAsKept | None:
    """What was kept of the shard; None where its stream did not list it even then, or another version kept it."""
    bounds = [int.from_bytes(bound["B"], "big") for bound in content["M"].get("shard_hash_keys", {"L": ()})["L"]]
    return ShardAsKept(range(bounds[0], bounds[1] + 1)) if bounds else None


def kept_records(entry: HeldEntry, content: Any) -> list[InboundRecord]:
    """The records as they were kept, an aggregate that does not decode whole as one; raises as a wrong form does."""
    arrived_ms = int(content["arrived_ms"]["N"]) if "arrived_ms" in content else _ms(entry.arrived_at)
    partition_keys, hash_keys = (
        [key["B"] for key in content.get(name, {"L": ()})["L"]] for name in ("partition_keys", "explicit_hash_keys")
    )
    return [
        InboundRecord(
            sequence_number=entry.sequence_number,
            shard_id=entry.shard_id,
            sub_sequence=int(one["sub_sequence"]["N"]),
            partition_key=partition_keys[int(one["partition_key"]["N"])],
            arrived_at=arrived_ms / 1_000,
            payload=one["payload"]["B"],
            explicit_hash_key=int.from_bytes(hash_keys[int(one["explicit_hash_key"]["N"])], "big")
            if "explicit_hash_key" in one
            else None,
        )
        for one in (packed["M"] for packed in content["records"]["L"])
    ]


def kept_source(content: Any) -> FileSource | None:
    """The line of a file that it is; raises as a wrong form does, and RecordRejected."""
    return FileSource.of(content["source"]) if "source" in content else None


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)


def _as_lambda_gives_it(record: InboundRecord) -> dict[str, Any]:
    return {
        "kinesis": {
            "partitionKey": record.partition_key.decode("utf-8", "surrogatepass"),
            "sequenceNumber": record.sequence_number,
            "data": b64encode(record.payload).decode("ascii"),
            "approximateArrivalTimestamp": record.arrived_at,
        },
        "eventID": f"{record.shard_id}:{record.sequence_number}",
    }
