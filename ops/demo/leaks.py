"""Searches every place where plaintext could lie for values that must not be found there."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import ahocorasick

from shared.aws.clients import client

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

_BASE64_SHIFTS: Final = 3


@dataclass(frozen=True, slots=True)
class Hit:
    """A sensitive value found: where, and which number it has among those searched; never the value."""

    where: str
    value_number: int


class LeakSearch:
    """Finds any of many values in text: as it is, JSON-escaped, as hex, and as base64 at each of its three phases."""

    def __init__(self, values: Iterable[str]) -> None:
        self._automaton = ahocorasick.Automaton()
        for number, value in enumerate(sorted(set(values))):
            for form in _forms(value):
                self._automaton.add_word(form, number)
        self._automaton.make_automaton()

    def hits(self, where: str, text: str) -> set[Hit]:
        """The values that the text holds, in whatever form."""
        return {Hit(where, number) for _, number in self._automaton.iter(text)}


def _forms(value: str) -> Iterator[str]:
    raw = value.encode("utf-8")
    yield value
    yield json.dumps(value)[1:-1]
    yield raw.hex()
    yield raw.hex().upper()
    for shift in range(_BASE64_SHIFTS):
        # the characters that a neighbour's bits could change are cut off
        encoded = base64.b64encode(bytes(shift) + raw).decode("ascii")
        start, padding = -(-shift * 8 // 6), len(encoded) - len(encoded.rstrip("="))
        yield encoded[start : len(encoded) - padding - (1 if padding else 0)]


def text_of(document: Any) -> str:
    """A boto3 answer as text; bytes as they are, each as one character, and so searched too."""
    return json.dumps(document, default=_plain, ensure_ascii=False, sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    return sorted(value, key=repr) if isinstance(value, set) else str(value)


def table_items(table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, item) of every item of a table."""
    for page in client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            yield f"table {table}", dict(item)


def stream_records(stream_arn: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, record) of everything that a table's stream still holds."""
    streams = client("dynamodbstreams")
    for shard in streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"]:
        yield from shard_records(streams, stream_arn, shard["ShardId"])


def shard_records(
    streams: DynamoDBStreamsClient, stream_arn: str, shard_id: str, *, after: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same of one shard; of what follows a sequence number, if one is given."""
    place: Any = {"ShardIteratorType": "TRIM_HORIZON"}
    if after:
        place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
    iterator: str | None = streams.get_shard_iterator(StreamArn=stream_arn, ShardId=shard_id, **place)["ShardIterator"]
    while iterator:
        answer = streams.get_records(ShardIterator=iterator)
        if not answer["Records"]:
            return
        for record in answer["Records"]:
            yield "table stream", dict(record)
        iterator = answer.get("NextShardIterator")


def log_lines(group: str, *, since: float = 0.0) -> Iterator[tuple[str, str]]:
    """(where, line) of everything in a log group since a time, seconds since the epoch; oldest first."""
    pages = client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=group, startTime=int(since * 1_000)):
        for event in page["events"]:
            yield f"log {group}", event["message"]


def queue_messages(url: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, message) of what a queue holds; given back at the end."""
    sqs = client("sqs")
    seen: dict[str, str] = {}
    while True:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=5, WaitTimeSeconds=0)
        fresh = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        if not fresh:
            break
        for message in fresh:
            seen[message["MessageId"]] = message["ReceiptHandle"]
            yield f"queue {url.rpartition('/')[2]}", dict(message)
    for handle in seen.values():
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)


def bucket_objects(bucket: str) -> Iterator[tuple[str, str]]:
    """(where, content) of every object of a bucket, unzipped if its name says that it is zipped."""
    s3 = client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
            content = gzip.decompress(body) if found["Key"].endswith(".gz") else body
            yield f"bucket {bucket}", found["Key"] + "\n" + content.decode("utf-8", "replace")
