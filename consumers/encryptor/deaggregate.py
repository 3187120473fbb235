"""Kinesis records to user records: a plain record is one, a KPL aggregate is as many as it holds.

An aggregate is `f3 89 9a c2`, a protobuf message, and the MD5 of that message
(https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md). The schema is that of
aws-kinesis-agg; its deaggregator is not used, since it prints payloads to stderr and loses user records of a damaged
aggregate (docs/decisions/0004-kpl-deaggregation.md).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aws_kinesis_agg.deaggregator import messages_pb2
from google.protobuf.message import DecodeError

from shared.errors import Reason, RecordRejected
from shared.file_source import FileSource
from shared.model import InboundRecord

_MAGIC: Final = b"\xf3\x89\x9a\xc2"
_DIGEST_BYTES: Final = 16
_MAX_KEY_BYTES: Final = 256 * 4
"""256 characters, UTF-8."""
_DECIMAL: Final = re.compile(r"[0-9]{1,39}", re.ASCII)
HASH_KEYS: Final = range(1 << 128)
"""All that there are; each falls into one open shard."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that can never be written, as it came in, with the reason.

    Attributes:
        error: without the frames that it was raised in, which hold the record decoded: a hundred times its size.
        tenant_id: "" where the record did not get far enough to know.
        source: the line of a file that it is, if it is one and says so soundly.
    """

    record: InboundRecord
    error: RecordRejected
    tenant_id: str = ""
    source: FileSource | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "error", RecordRejected(self.error.reason, self.error.detail))


def user_records(kinesis_record: Mapping[str, Any]) -> Iterator[InboundRecord | Rejected]:
    """The user records of one record of a Lambda Kinesis event, in the order in which they were put.

    An aggregate that does not decode whole is one `Rejected` with the undecoded bytes.
    """
    outer = _outer_record(kinesis_record)
    if not outer.payload.startswith(_MAGIC):
        yield outer
        return
    try:
        inner = _aggregated(outer.payload)
    except RecordRejected as error:
        yield Rejected(outer, error)
        return
    for sub_sequence, (partition_key, explicit_hash_key, data) in enumerate(inner):
        yield InboundRecord(
            sequence_number=outer.sequence_number,
            shard_id=outer.shard_id,
            sub_sequence=sub_sequence,
            partition_key=partition_key,
            arrived_at=outer.arrived_at,
            payload=data,
            explicit_hash_key=explicit_hash_key,
        )


def _outer_record(kinesis_record: Mapping[str, Any]) -> InboundRecord:
    kinesis = kinesis_record["kinesis"]
    return InboundRecord(
        sequence_number=kinesis["sequenceNumber"],
        shard_id=kinesis_record["eventID"].partition(":")[0],
        sub_sequence=0,
        partition_key=kinesis["partitionKey"].encode("utf-8", "surrogatepass"),
        arrived_at=float(kinesis["approximateArrivalTimestamp"]),
        payload=b64decode(kinesis["data"]),
    )


def _aggregated(payload: bytes) -> list[tuple[bytes, int | None, bytes]]:
    """Partition key, explicit hash key and data of each user record.

    Raises:
        RecordRejected: aggregate_corrupt, with what is wrong.
    """
    message, digest = payload[len(_MAGIC) : -_DIGEST_BYTES], payload[-_DIGEST_BYTES:]
    # MD5 is the checksum that the aggregation format prescribes; nothing rests on it being hard to forge
    if hashlib.md5(message, usedforsecurity=False).digest() != digest:
        raise RecordRejected(Reason.AGGREGATE_CORRUPT, "checksum does not match")
    try:
        aggregate = messages_pb2.AggregatedRecord.FromString(message)
    except DecodeError:
        raise RecordRejected(Reason.AGGREGATE_CORRUPT, "not an AggregatedRecord message") from None
    if not aggregate.IsInitialized():
        raise RecordRejected(Reason.AGGREGATE_CORRUPT, "a required field is missing")
    if not aggregate.records:
        raise RecordRejected(Reason.AGGREGATE_CORRUPT, "holds no record")
    keys = [_utf8(key) for key in aggregate.partition_key_table]
    if not all(0 < len(key) <= _MAX_KEY_BYTES for key in keys):
        raise RecordRejected(Reason.AGGREGATE_CORRUPT, "a partition key is empty or longer than Kinesis takes")
    hash_keys = [_hash_key(key) for key in aggregate.explicit_hash_key_table]
    found = []
    for record in aggregate.records:
        if record.partition_key_index >= len(keys):
            raise RecordRejected(Reason.AGGREGATE_CORRUPT, "a partition key index is out of range")
        hash_key = None
        if record.HasField("explicit_hash_key_index"):
            if record.explicit_hash_key_index >= len(hash_keys):
                raise RecordRejected(Reason.AGGREGATE_CORRUPT, "an explicit hash key index is out of range")
            hash_key = hash_keys[record.explicit_hash_key_index]
        partition_key = keys[record.partition_key_index]
        # some aggregators name the partition key's own hash, which makes no other line of shards
        explicit = hash_key if hash_key != partition_key_hash(partition_key) else None
        found.append((partition_key, explicit, record.data))
    return found


def partition_key_hash(partition_key: bytes) -> int:
    """The hash key of a record that names none of its own."""
    # MD5 is what Kinesis prescribes; nothing rests on it being hard to forge
    return int.from_bytes(hashlib.md5(partition_key, usedforsecurity=False).digest(), "big")


def _hash_key(text: str | bytes) -> int:
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text) or (hash_key := int(text)) not in HASH_KEYS:
        raise RecordRejected(Reason.AGGREGATE_CORRUPT, "an explicit hash key is no number of 128 bits")
    return hash_key


def _utf8(key: str | bytes) -> bytes:
    # the protobuf runtime hands out bytes where a proto2 string is not UTF-8
    return key if isinstance(key, bytes) else key.encode("utf-8")
