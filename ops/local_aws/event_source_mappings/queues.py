"""MiniStack's queues: looked at in its store, received from and deleted from over the public API.

Over the public API, since MiniStack rewrites a queue's list of messages without a lock: another thread that did so
too would lose messages that arrive meanwhile. Under the function's role, so that IAM and queue policies count.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sqs

from ops.local_aws import roles
from ops.local_aws.event_source_mappings import outbound
from ops.local_aws.event_source_mappings.queue_delivery import QueueMessage, record_of

#: What Lambda needs of a queue, in the order in which it says so.
RIGHTS: Final = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_MOST_DELETED: Final = 10  # by one DeleteMessageBatch


def is_queue(arn: str) -> bool:
    """Whether a mapping's source is a queue."""
    return arn.split(":")[2:3] == ["sqs"]


def exists(arn: str) -> bool:
    """Whether there is such a queue."""
    return _queue(arn) is not None


def visibility_timeout_seconds(arn: str) -> int:
    """How long a message that was received stays invisible."""
    queue = _queue(arn)
    return int(queue["attributes"]["VisibilityTimeout"]) if queue else 0


def refused_right(queue_arn: str, function: Mapping[str, Any]) -> str | None:
    """A right that the role of this function (its configuration) needs on the queue and does not have."""
    return roles.first_refused(function["Role"], function["FunctionName"], RIGHTS, queue_arn)


@dataclass(frozen=True, slots=True)
class MappedQueue:
    """See queue_consumer.Queue."""

    account: str
    region: str
    mapping: Mapping[str, Any]

    def refused_right(self) -> str | None:
        """See Queue."""
        function = self._function()
        return refused_right(self._arn, function) if function else "be assumed: there is no such function"

    def has_messages(self) -> bool:
        """See Queue."""
        queue, now = _queue(self._arn), time.time()
        return queue is not None and any(message.get("visible_at", 0) <= now for message in queue["messages"])

    def receive(self, limit: int) -> Sequence[QueueMessage]:
        """See Queue. What the mapping's filter leaves out is taken from the queue, as Lambda does."""
        received = self._client().receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=limit, AttributeNames=["All"], MessageAttributeNames=["All"]
        )
        records = [record_of(message, self._arn) for message in received.get("Messages", [])]
        wanted = lambda_svc._apply_filter_criteria(records, self.mapping)  # noqa: SLF001 - a pure function
        self.delete([QueueMessage.of(record) for record in records if record not in wanted])
        return [QueueMessage.of(record) for record in wanted]

    def delete(self, messages: Sequence[QueueMessage]) -> None:
        """See Queue."""
        for start in range(0, len(messages), _MOST_DELETED):
            self._client().delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message.receipt_handle}
                    for index, message in enumerate(messages[start : start + _MOST_DELETED])
                ],
            )

    @property
    def _arn(self) -> str:
        return str(self.mapping["EventSourceArn"])

    @property
    def _url(self) -> str:
        account, name = self._arn.split(":")[4:]
        return outbound.local_url(account, name)

    def _function(self) -> Mapping[str, Any] | None:
        function = lambda_svc._functions.get_scoped(  # noqa: SLF001 - only a look
            self.account, self.region, self.mapping["FunctionName"]
        )
        return function["config"] if function else None

    def _client(self) -> Any:
        function = self._function() or {}
        session = lambda_runtime.execution_credentials(function)
        return outbound.client(
            "sqs",
            self.region,
            session["AWS_ACCESS_KEY_ID"],
            session["AWS_SECRET_ACCESS_KEY"],
            session["AWS_SESSION_TOKEN"],
        )


def _queue(arn: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = sqs._queue_by_arn(arn)  # noqa: SLF001 - see the module
    return found
