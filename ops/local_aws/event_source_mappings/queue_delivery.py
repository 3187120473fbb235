"""PURE: what the mapping of a queue is set to, the event that its function gets, and what the answer means.

Source: AWS Lambda developer guide, "Using Lambda with Amazon SQS" with its pages on scaling and error handling.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ops.local_aws.event_source_mappings.delivery import Invocation, Returned, record_json

_DEFAULT_BATCH_SIZE: Final = 10
#: How many batches are in flight at a time where nobody says another number: what Lambda begins with.
_DEFAULT_CONCURRENCY: Final = 5


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What a mapping's owner chose."""

    batch_size: int = _DEFAULT_BATCH_SIZE
    window_seconds: float = 0
    concurrency: int = _DEFAULT_CONCURRENCY
    reports_item_failures: bool = False

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> QueueSettings:
        """From a mapping as GetEventSourceMapping returns it; what is absent has AWS's default."""
        return cls(
            batch_size=int(mapping.get("BatchSize") or _DEFAULT_BATCH_SIZE),
            window_seconds=int(mapping.get("MaximumBatchingWindowInSeconds") or 0),
            concurrency=int((mapping.get("ScalingConfig") or {}).get("MaximumConcurrency") or _DEFAULT_CONCURRENCY),
            reports_item_failures="ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or ()),
        )


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A received message; `event` is its JSON within the event of its function."""

    id: str
    receipt_handle: str
    event: str = field(repr=False)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> QueueMessage:
        """From what `record_of` makes."""
        return cls(record["messageId"], record["receiptHandle"], record_json(record))

    @property
    def size_bytes(self) -> int:
        """What the message adds to an event; its JSON is ASCII."""
        return len(self.event) + 1


def record_of(received: Mapping[str, Any], queue_arn: str) -> dict[str, Any]:
    """The record of an event, from a message as boto3's ReceiveMessage gives it with all its attributes."""
    attributes: Mapping[str, Any] = received.get("MessageAttributes", {})
    digest = received.get("MD5OfMessageAttributes")
    return {
        "messageId": received["MessageId"],
        "receiptHandle": received["ReceiptHandle"],
        "body": received["Body"],
        "attributes": received["Attributes"],
        "messageAttributes": {name: _attribute(value) for name, value in attributes.items()},
        **({"md5OfMessageAttributes": digest} if digest else {}),
        "md5OfBody": received["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    of_its_type = (
        {"binaryValue": base64.b64encode(value["BinaryValue"]).decode("ascii")}
        if "BinaryValue" in value
        else {"stringValue": value["StringValue"]}
    )
    return {**of_its_type, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


def failed_ids(invocation: Invocation, ids: Collection[str], settings: QueueSettings) -> frozenset[str]:
    """The messages that stay on the queue, to come back after its visibility timeout.

    All of them where the function raised or was not reached, and where it reports failures in a way that cannot be
    read: an identifier that is empty, null, missing or of no message of the batch. Any empty value is a success.
    """
    if not isinstance(invocation, Returned):
        return frozenset(ids)
    value = invocation.value
    if not settings.reports_item_failures or not value:
        return frozenset()
    failures = value.get("batchItemFailures") if isinstance(value, dict) else "unreadable"
    if not failures:
        return frozenset()
    if not isinstance(failures, list):
        return frozenset(ids)
    reported = [failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures]
    if any(one not in ids for one in reported):
        return frozenset(ids)
    return frozenset(one for one in ids if one in reported)
