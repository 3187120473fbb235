"""The landing queue, seen from whoever asks for an object; and its dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.aws.errors import AWS_ERRORS, store_error
from shared.landing import Notice

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsLandingQueue:
    """Sends messages to one queue; raises StoreUnavailable where SQS does not take them."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, notice: Notice, *, delay_seconds: int = 0) -> None:
        """Ask for an object, after so many seconds."""
        self.send_body(notice.to_message(), delay_seconds=delay_seconds)

    def send_body(self, body: str, *, delay_seconds: int = 0) -> None:
        """Pass a message on as it is."""
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_seconds)
        except AWS_ERRORS as error:
            raise store_error(error, "sending a message about an object") from None
