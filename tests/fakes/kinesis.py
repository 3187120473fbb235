"""Records of a Lambda Kinesis event, plain and KPL-aggregated, as a test needs them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from aws_kinesis_agg.deaggregator import messages_pb2

STREAM_ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/records"
FIRST_SEQUENCE = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898
MAGIC = b"\xf3\x89\x9a\xc2"


def kinesis_record(
    payload: bytes,
    *,
    sequence: int = 0,
    partition_key: str = "p",
    arrived_at: float = 1_700_000_000.25,
    shard: int = 0,
) -> dict[str, Any]:
    """One record of an event; `sequence` counts from a real first sequence number."""
    number = str(FIRST_SEQUENCE + sequence)
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": partition_key,
            "sequenceNumber": number,
            "data": base64.b64encode(payload).decode("ascii"),
            "approximateArrivalTimestamp": arrived_at,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-{shard:012}:{number}",
        "eventName": "aws:kinesis:record",
        "eventSourceARN": STREAM_ARN,
    }


def aggregate(records: Iterable[tuple[str, bytes] | tuple[str, bytes, str]]) -> bytes:
    """A KPL aggregate of (partition key, data), or (partition key, data, explicit hash key)."""
    message = messages_pb2.AggregatedRecord()
    for partition_key, data, *hash_keys in records:
        if partition_key not in message.partition_key_table:
            message.partition_key_table.append(partition_key)
        record = message.records.add()
        record.partition_key_index = list(message.partition_key_table).index(partition_key)
        record.data = data
        for hash_key in hash_keys:
            if hash_key not in message.explicit_hash_key_table:
                message.explicit_hash_key_table.append(hash_key)
            record.explicit_hash_key_index = list(message.explicit_hash_key_table).index(hash_key)
    return enclose(message.SerializeToString())


def enclose(message: bytes) -> bytes:
    """A protobuf message between the aggregate's magic and checksum."""
    return MAGIC + message + hashlib.md5(message, usedforsecurity=False).digest()
