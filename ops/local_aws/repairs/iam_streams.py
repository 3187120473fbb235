"""IAM for Kinesis and DynamoDB Streams: the stream that a request reads, where only its shard iterator tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import dynamodb_streams, kinesis


def stream_arn(service: str, request: Mapping[str, Any]) -> str:
    """The stream's ARN; "" where MiniStack's own way to find the resource is as good."""
    iterator = request.get("ShardIterator")
    if service == "kinesis" and iterator:
        return str(kinesis._shard_iterators.get(iterator, {}).get("stream_arn", ""))
    if service == "dynamodbstreams":
        decoded = dynamodb_streams._decode_iterator(iterator) if iterator else None
        return str(request.get("StreamArn") or (decoded or {}).get("arn") or "")
    return ""
