"""Dead-letter queues, and the messages that a command holds while it works; if it is killed, they come back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, assert_never

from ops.deadletter.letter import Content, Findings, Objects, Of, Position, content_of
from ops.environment import setting
from ops.errors import NotHeld
from ops.text import plural
from shared.aws.clients import client
from shared.aws.errors import AWS_ERRORS, store_error
from shared.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HOLD_SECONDS: Final = 330
"""How long a message is hidden: longer than one step of its work takes."""
LOOK_SECONDS: Final = 60
"""How long where it is only looked at, if the command is killed; it is given back as soon as it was."""
MESSAGES_PER_CALL: Final = 10
_WAIT_SECONDS: Final = 1
"""Asks all of SQS's servers; with none, some messages are not seen."""

Insist = Callable[[Callable[[], Any]], Any]
"""Makes a call, and bears its failures."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message.

    Attributes:
        message_id: SQS's.
        sent_at: when it came to the queue, seconds since the epoch.
        handle: what it is deleted with; another after each time it is received.
    """

    of: Of
    message_id: str
    content: Content
    sent_at: float
    handle: str = field(repr=False)

    @property
    def records(self) -> int:
        """How many records, items or objects it is about; 0 where nobody knows."""
        match self.content:
            case Position(records=records):
                return records
            case Findings(references=references):
                return len(references)
            case Objects(notices=notices):
                return len(notices)
        return 0


class Queue:
    """One queue of dead letters; every call raises StoreUnavailable where SQS does not answer.

    Attributes:
        stream: what its positions are about; see `content_of`.
        is_through: all messages were given that others do not hold.
        hidden: about how many others hold; known once it is through.
    """

    def __init__(self, client: SQSClient, of: Of, url: str, stream: str = "") -> None:
        self.of = of
        self._client = client
        self._url = url
        self._stream = stream
        self._held: dict[str, Letter] = {}
        self.hidden = 0
        self.is_through = False

    @contextmanager
    def letters(
        self,
        *,
        at_once: int = 1,
        hidden_seconds: int = HOLD_SECONDS,
        insist: Insist = lambda call: call(),
    ) -> Iterator[Iterator[Letter]]:
        """Every message once, each hidden from others until the block ends, unless it is deleted.

        Args:
            at_once: messages received at a time: one where each takes long, so that the others stay free.
            hidden_seconds: when a message comes back, if nobody gives it back.
            insist: how SQS is asked.
        """
        try:
            yield self._each(at_once, hidden_seconds, insist)
        finally:
            self._give_back()

    def hold(self, letter: Letter) -> None:
        """Hide a message for some more time; raises NotHeld where it is this command's no more."""
        self._change([self._held[letter.message_id]], HOLD_SECONDS)

    def delete(self, letter: Letter) -> None:
        """Remove a message for good."""
        handle = self._held[letter.message_id].handle
        try:
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=handle)
        except AWS_ERRORS as error:
            raise store_error(error, "deleting a dead letter") from None
        del self._held[letter.message_id]

    def _each(self, at_once: int, hidden_seconds: int, insist: Insist) -> Iterator[Letter]:
        seen: set[str] = set()
        repeats = 0
        at_first = insist(self._size)
        while repeats <= len(seen) and (received := insist(lambda: self._receive(at_once, hidden_seconds))):
            for letter in received:
                self._held[letter.message_id] = letter
                if letter.message_id in seen:  # it was held so long that it came again
                    repeats += 1
                    continue
                seen.add(letter.message_id)
                repeats = 0
                yield letter
        # SQS counts what is deleted for some time: what was there before is not counted among what is left
        self.hidden = max(0, min(at_first - len(seen), insist(self._size) - len(self._held)))
        self.is_through = True

    def _size(self) -> int:
        """About how many messages there are, hidden ones too."""
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        try:
            told = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)["Attributes"]
        except AWS_ERRORS as error:
            raise store_error(error, f"counting dead letters of the {self.of}") from None
        return sum(int(told.get(name, 0)) for name in names)

    def _receive(self, at_once: int, hidden_seconds: int) -> list[Letter]:
        try:
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=at_once,
                VisibilityTimeout=hidden_seconds,
                WaitTimeSeconds=_WAIT_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
            )
        except AWS_ERRORS as error:
            raise store_error(error, f"receiving dead letters of the {self.of}") from None
        return [self._letter(message) for message in answer.get("Messages", ())]

    def _letter(self, message: Mapping[str, Any]) -> Letter:
        return Letter(
            of=self.of,
            message_id=message["MessageId"],
            content=content_of(self.of, message["Body"], stream=self._stream),
            sent_at=int(message.get("Attributes", {}).get("SentTimestamp", 0)) / 1_000,
            handle=message["ReceiptHandle"],
        )

    def _give_back(self) -> None:
        held = list(self._held.values())
        self._held.clear()
        for start in range(0, len(held), MESSAGES_PER_CALL):
            with suppress(StoreUnavailable, NotHeld):  # they come back by themselves, only later
                self._change(held[start : start + MESSAGES_PER_CALL], 0)

    def _change(self, letters: Iterable[Letter], hidden_seconds: int) -> None:
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": letter.handle, "VisibilityTimeout": hidden_seconds}
            for number, letter in enumerate(letters)
        ]
        try:
            answer = self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
        except AWS_ERRORS as error:
            raise store_error(error, "hiding dead letters, or giving them back") from None
        failed = answer.get("Failed", ())
        if any(one["SenderFault"] for one in failed):
            raise NotHeld("another command holds it by now")
        if failed:
            raise StoreUnavailable(f"hiding dead letters, or giving them back: {failed[0]['Code']}")


def told_hidden(of: Iterable[Queue]) -> Iterator[str]:
    """A line for each queue of which others hold messages."""
    for queue in of:
        if queue.hidden:
            yield (
                f"{queue.of}: about {plural(queue.hidden, 'more dead letter')} held by another command, or by one that "
                f"was killed: back in at most {-(-HOLD_SECONDS // 60)} minutes"
            )


def queues(whose: Iterable[Of], environment: Mapping[str, str] = os.environ) -> list[Queue]:
    """Those of the deployment; raises SettingsError."""
    named = [(of, setting(f"{of.upper()}_DEAD_LETTER_QUEUE", environment), _stream(of, environment)) for of in whose]
    return [Queue(client("sqs"), of, url, stream) for of, url, stream in named]


def _stream(of: Of, environment: Mapping[str, str]) -> str:
    match of:
        case Of.ENCRYPTOR:
            return f":stream/{setting('STREAM', environment)}"
        case Of.AUDITOR:
            return setting("TABLE_STREAM", environment)
        case Of.REENCRYPTOR:
            return ""
        case Of.LANDING:
            return setting("LANDING_BUCKET", environment)
        case _:  # pragma: no cover
            assert_never(of)
