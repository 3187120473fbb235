"""One batch of the landing queue: a message is done when its objects are, or are asked for anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumers.landing_ingest.ingest import Ingest, Tally
from shared.errors import EventRefused
from shared.landing import notices_of
from shared.runtime.batch import attempt
from shared.runtime.log import log_failure


@dataclass(frozen=True, slots=True)
class MessageResult:
    """What became of one message; not `done`: it is delivered again."""

    message_id: str
    done: bool


@dataclass(frozen=True, slots=True)
class LandingConsumer:
    """What messages are worked off with.

    Attributes:
        bucket: the landing bucket; events of any other are refused.
        refuse: takes a message that asks for what is never done, for somebody to look at.
    """

    ingest: Ingest
    bucket: str
    refuse: Callable[[str], None]

    def process(
        self, messages: Sequence[Mapping[str, Any]], *, seconds_left: Callable[[], float], tally: Tally
    ) -> list[MessageResult]:
        """Work off the messages of one Lambda event, one after the other."""
        return [self._work_off(message, seconds_left, tally) for message in messages]

    def _work_off(self, message: Mapping[str, Any], seconds_left: Callable[[], float], tally: Tally) -> MessageResult:
        def work() -> None:
            try:
                notices = notices_of(message["body"], self.bucket)
            except EventRefused as error:
                log_failure(error, message_id=message["messageId"])
                self.refuse(message["body"])
                return
            for notice in notices:
                self.ingest.work_off(notice, seconds_left=seconds_left, tally=tally)

        return MessageResult(message["messageId"], attempt(message["messageId"], work, named="message_id"))
