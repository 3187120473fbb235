"""The findings queue, seen from the auditor: many references to a message, many messages to a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import uniform
from time import sleep as real_sleep
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, store_error
from shared.errors import StoreUnavailable
from shared.findings import ItemReference, to_messages

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MESSAGES_PER_CALL: Final = 10
BYTES_PER_CALL: Final = 250_000
"""Below SQS's 256 KiB for all messages of a call together."""
ATTEMPTS: Final = 4
_FIRST_BACKOFF_SECONDS: Final = 0.1


class SqsFindingsQueue:
    """Sends references; `sleep` waits, in seconds, before sending again what SQS did not take."""

    def __init__(self, client: SQSClient, url: str, *, sleep: Callable[[float], None] = real_sleep) -> None:
        self._client = client
        self._url = url
        self._sleep = sleep

    def send(self, references: Iterable[ItemReference]) -> None:
        """Send all of them; some may have been sent where it raises.

        Raises:
            StoreUnavailable: SQS does not answer, or keeps refusing a message.
        """
        for bodies in _calls(to_messages(references)):
            self._send(bodies)

    def _send(self, bodies: Sequence[str]) -> None:
        left: list[Any] = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(uniform(0, _FIRST_BACKOFF_SECONDS * 2**attempt))  # noqa: S311 - jitter
            try:
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=left)
            except AWS_ERRORS as error:
                raise store_error(error, "sending findings") from None
            refused = {failed["Id"]: failed["Code"] for failed in answer.get("Failed", ())}
            left = [entry for entry in left if entry["Id"] in refused]
            if not left:
                return
        codes = ", ".join(sorted(set(refused.values())))
        raise StoreUnavailable(f"sending findings: {len(left)} messages refused {ATTEMPTS} times: {codes}")


def _calls(bodies: Iterable[str]) -> Iterator[list[str]]:
    """The messages of one call each; their bodies are ASCII."""
    batch: list[str] = []
    for body in bodies:
        if batch and (len(batch) == MESSAGES_PER_CALL or sum(map(len, batch)) + len(body) > BYTES_PER_CALL):
            yield batch
            batch = []
        batch.append(body)
    if batch:
        yield batch
