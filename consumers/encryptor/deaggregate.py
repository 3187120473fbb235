"""Kinesis records to user records: a plain record is one, a KPL aggregate is as many as it holds.

An aggregate is `f3 89 9a c2`, a protobuf message, and the MD5 of that message
(https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md). The schema is that of
aws-kinesis-agg; its deaggregator is not used, since it prints payloads to stderr and loses user records of a damaged
aggregate (docs/decisions/0004-kpl-deaggregation.md).
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aws_kinesis_agg.deaggregator import messages_pb2
from google.protobuf.message import DecodeError

from shared.errors import Reason, RecordRejected
from shared.model import InboundRecord

_MAGIC: Final = b"\xf3\x89\x9a\xc2"
_DIGEST_BYTES: Final = 16
_MAX_KEY_BYTES: Final = 256 * 4
"""256 characters, UTF-8."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that can never be written, as it came in, with the reason.

    Attributes:
        tenant_id: "" where the record did not get far enough to know.
    """

    record: InboundRecord
    error: RecordRejected
    tenant_id: str = ""


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
    for sub_sequence, (partition_key, data) in enumerate(inner):
        yield InboundRecord(
            sequence_number=outer.sequence_number,
            shard_id=outer.shard_id,
            sub_sequence=sub_sequence,
            partition_key=partition_key,
            arrived_at=outer.arrived_at,
            payload=data,
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


def _aggregated(payload: bytes) -> list[tuple[bytes, bytes]]:
    """Partition key and data of each user record.

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
    if any(len(key) > _MAX_KEY_BYTES for key in keys):
        raise RecordRejected(Reason.AGGREGATE_CORRUPT, "a partition key is longer than Kinesis takes")
    hash_keys = len(aggregate.explicit_hash_key_table)
    found = []
    for record in aggregate.records:
        if record.partition_key_index >= len(keys):
            raise RecordRejected(Reason.AGGREGATE_CORRUPT, "a partition key index is out of range")
        if record.HasField("explicit_hash_key_index") and record.explicit_hash_key_index >= hash_keys:
            raise RecordRejected(Reason.AGGREGATE_CORRUPT, "an explicit hash key index is out of range")
        found.append((keys[record.partition_key_index], record.data))
    return found


def _utf8(key: str | bytes) -> bytes:
    # the protobuf runtime hands out bytes where a proto2 string is not UTF-8
    return key if isinstance(key, bytes) else key.encode("utf-8")
