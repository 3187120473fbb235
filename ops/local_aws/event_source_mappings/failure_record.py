"""What an on-failure destination is told about discarded records, as recorded from real AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from ops.local_aws.event_source_mappings.delivery import Condition, Discard, event_of


def failure_record(
    discard: Discard,
    *,
    request_id: str,
    function_arn: str,
    stream_arn: str,
    shard_id: str,
    executed_version: str,
    now: float,
) -> dict[str, Any]:
    """The JSON body of the message to SQS or SNS: the position of the records, not the records."""
    first, last = discard.records[0], discard.records[-1]
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": discard.condition.value,
            "approximateInvokeCount": discard.invoke_count,
        }
    }
    if discard.condition is not Condition.RECORD_AGE_EXCEEDED:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": executed_version,
            "functionError": discard.function_error,
        }
    record["version"] = "1.0"
    record["timestamp"] = _timestamp(now)
    record["KinesisBatchInfo" if ":kinesis:" in stream_arn else "DDBStreamBatchInfo"] = {
        "shardId": shard_id,
        "startSequenceNumber": first.sequence_number,
        "endSequenceNumber": last.sequence_number,
        "approximateArrivalOfFirstRecord": _timestamp(first.arrived_at),
        "approximateArrivalOfLastRecord": _timestamp(last.arrived_at),
        "batchSize": len(discard.records),
        "streamArn": stream_arn,
    }
    return record


def with_payload(record: dict[str, Any], discard: Discard) -> str:
    """The S3 object of a failure record: the same with the whole event, as a string of JSON, under `payload`."""
    return json.dumps(record | {"payload": event_of(discard.records)})


def object_key(*, mapping_id: str, shard_id: str, name: str, now: float) -> str:
    """The S3 key that AWS documents: `aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random UUID>`."""
    at = datetime.fromtimestamp(now, UTC)
    return f"aws/lambda/{mapping_id}/{shard_id}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{name}"


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
