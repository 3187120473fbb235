"""IAM for Kinesis and DynamoDB Streams: the stream of a request that names only a shard iterator or a token."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ministack.services import dynamodb_streams

from ops.local_aws.repairs.kinesis_iterators import Iterator
from ops.local_aws.repairs.kinesis_listing import named_stream


def stream_arn(service: str, request: Mapping[str, Any]) -> str:
    """The stream's ARN; "" where MiniStack's own way to find the resource is as good."""
    iterator = request.get("ShardIterator")
    if service == "kinesis":
        with suppress(ValueError):  # what is no iterator and no token is refused when it is read
            if iterator:
                return Iterator.of(iterator).stream_arn
            if request.get("NextToken"):
                return named_stream(request["NextToken"])
    if service == "dynamodbstreams":
        decoded = dynamodb_streams._decode_iterator(iterator) if iterator else None
        return str(request.get("StreamArn") or (decoded or {}).get("arn") or "")
    return ""
