"""Gives the encryptor records again that it had long ago, as Kinesis does where a batch's end was not noted."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from consumers.encryptor.deaggregate import user_records
from ops.functions import LambdaFunction
from shared.aws.clients import client, invoking_client
from shared.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import RecordTypeDef


def replay_oldest(environment: Mapping[str, str], count: int) -> int:
    """Invoke the encryptor with the oldest records of a shard that has some; gives how many user records these hold.

    Raises:
        StoreUnavailable: it did not take all of them.
        FunctionFailed: it did not answer.
    """
    kinesis, stream = client("kinesis"), environment["SEALSTREAM_STREAM"]
    stream_arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    event: list[dict[str, Any]] = []
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        start = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        records = kinesis.get_records(ShardIterator=start["ShardIterator"], Limit=count)["Records"]
        event.extend(_event_record(record, shard["ShardId"], stream_arn) for record in records)
        if event:
            break
    encryptor = LambdaFunction(
        invoking_client(),
        environment["SEALSTREAM_ENCRYPTOR"],
        "encryptor",
        environment["SEALSTREAM_ENCRYPTOR_LOG_GROUP"],
    )
    refused = encryptor({"Records": event})["batchItemFailures"]
    if refused or not event:
        raise StoreUnavailable(f"replaying {len(event)} records: {len(refused)} of them are to be delivered again")
    return sum(1 for record in event for _ in user_records(record))


def _event_record(record: RecordTypeDef, shard_id: str, stream_arn: str) -> dict[str, Any]:
    """As Lambda hands it over."""
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": b64encode(record["Data"]).decode("ascii"),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "eventSourceARN": stream_arn,
    }
