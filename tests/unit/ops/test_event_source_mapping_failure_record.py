from __future__ import annotations

import json
from typing import Any

from ops.local_aws.event_source_mappings.delivery import Condition, Discard, StreamRecord
from ops.local_aws.event_source_mappings.failure_record import failure_record, object_key, with_payload

RECORDS = (StreamRecord("1", "k", 1_700_000_000.25, '{"a":1}'), StreamRecord("2", "k", 1_700_000_001, '{"a":2}'))
EXHAUSTED = Discard(RECORDS, Condition.RETRY_ATTEMPTS_EXHAUSTED, 3, "Unhandled")


def told(discard: Discard, stream_arn: str = "arn:aws:kinesis:us-east-1:1:stream/s") -> dict[str, Any]:
    return failure_record(
        discard,
        request_id="request",
        function_arn="function",
        stream_arn=stream_arn,
        shard_id="shard",
        executed_version="$LATEST",
        now=1_700_000_002,
    )


def test_a_queue_is_told_the_position_and_not_the_records() -> None:
    expected = {
        "requestContext": {
            "requestId": "request",
            "functionArn": "function",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2023-11-14T22:13:22.000Z",
        "KinesisBatchInfo": {
            "shardId": "shard",
            "startSequenceNumber": "1",
            "endSequenceNumber": "2",
            "approximateArrivalOfFirstRecord": "2023-11-14T22:13:20.250Z",
            "approximateArrivalOfLastRecord": "2023-11-14T22:13:21.000Z",
            "batchSize": 2,
            "streamArn": "arn:aws:kinesis:us-east-1:1:stream/s",
        },
    }
    assert expected == told(EXHAUSTED)


def test_a_failure_that_the_function_reported_itself_is_no_function_error() -> None:
    reported = Discard(RECORDS, Condition.RETRY_ATTEMPTS_EXHAUSTED, 3)
    assert told(reported)["responseContext"]["functionError"] is None


def test_records_given_up_for_their_age_have_no_response() -> None:
    assert "responseContext" not in told(Discard(RECORDS, Condition.RECORD_AGE_EXCEEDED, 1))


def test_a_dynamodb_stream_is_named_as_one() -> None:
    record = told(EXHAUSTED, "arn:aws:dynamodb:us-east-1:1:table/t/stream/x")
    assert "KinesisBatchInfo" not in record
    assert record["DDBStreamBatchInfo"]["batchSize"] == 2


def test_a_bucket_gets_the_whole_event_as_text() -> None:
    stored = json.loads(with_payload(told(EXHAUSTED), EXHAUSTED))
    assert json.loads(stored.pop("payload")) == {"Records": [{"a": 1}, {"a": 2}]}
    assert told(EXHAUSTED) == stored


def test_an_object_lies_under_mapping_shard_and_day() -> None:
    key = object_key(mapping_id="mapping", shard_id="shard", name="name", now=1_700_000_002)
    assert key == "aws/lambda/mapping/shard/2023/11/14/2023-11-14T22.13.22-name"
