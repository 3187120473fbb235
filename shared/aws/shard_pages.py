"""Reads one shard of a stream page by page, over the public API of Kinesis or of DynamoDB Streams.

An iterator that expired is asked for anew where reading had come to, what is throttled is asked again, and where
retention took the place, reading begins at the oldest record that is left. Both services limit how often a shard is
read, and its regular consumers read it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from time import sleep
from typing import Final, Protocol

from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.errors import RequestRefused
from shared.runtime.rereading import AfterRecord, AtTime, Page, Place, ShardRecord

ATTEMPTS: Final = 6
PAUSE_SECONDS: Final = 1.0
BETWEEN_PAGES_SECONDS: Final = 0.35
"""Kinesis serves five reads a second of a shard, and its regular consumer is one of the readers."""

_EXPIRED: Final = "ExpiredIteratorException"
_TRIMMED: Final = "TrimmedDataAccessException"
_GONE: Final = "ResourceNotFoundException"
_BUSY: Final = frozenset({"ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answers to one read.

    Attributes:
        next_iterator: None where the shard is closed and read to its end.
        caught_up: nothing younger is there.
        reached: how far in time reading has come, where the service tells.
    """

    records: Sequence[ShardRecord]
    next_iterator: str | None
    caught_up: bool
    reached: float | None = None


class Shard(Protocol):
    """One shard at its service; both calls raise botocore's errors."""

    @property
    def trimmed_codes(self) -> Collection[str]:
        """Errors of `iterator` that mean that the place is gone, beside the one that says just that."""

    def iterator(self, place: Place | None) -> str:
        """An iterator at this place; None: at the oldest record that is left."""

    def read(self, iterator: str, throttled: int) -> Answer:
        """The next records, half as many at most for each time that this read was throttled."""


def shard_pages(shard: Shard, place: Place, *, wait: Callable[[float], None] = sleep) -> Iterator[Page]:
    """Every page from a place on.

    Raises:
        StoreUnavailable: the service does not answer, or throttles for long.
        RequestRefused: the place is no record of this shard.
    """
    reading = _Reading(shard, place, wait)
    while True:
        answer = reading.next_answer()
        if answer is None:
            yield Page((), begun_anew=True)
            return
        ends = answer.next_iterator is None
        yield Page(answer.records, answer.caught_up or ends, answer.reached, reading.has_begun_anew(answer))
        if ends:
            return
        reading.go_on_after(answer)
        wait(BETWEEN_PAGES_SECONDS)


class _Reading:
    """Where reading is."""

    def __init__(self, shard: Shard, place: Place, wait: Callable[[float], None]) -> None:
        self._shard = shard
        self._place: Place = place
        self._from_oldest = False
        self._iterator: str | None = None
        self._wait = wait

    def next_answer(self) -> Answer | None:
        """The next records; None where the shard itself is gone."""
        throttled = 0
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._ask(throttled)
            except AWS_ERRORS as error:
                code = error_code(error)
                throttled += code in _BUSY
                if code == _GONE:
                    return None
                if attempt == ATTEMPTS or not self._may_ask_again(code):
                    raise store_error(error, "reading a shard") from None
            else:
                if self._from_oldest and answer.records:
                    _check_is_younger(answer.records[0], self._place)
                return answer
        raise AssertionError("the last attempt raised")

    def has_begun_anew(self, answer: Answer) -> bool:
        """Whether this begins at the oldest record since the place is gone."""
        if not self._from_oldest or isinstance(self._place, AtTime):
            return False
        return all(record.sequence_number != self._place.sequence_number for record in answer.records[:1])

    def go_on_after(self, answer: Answer) -> None:
        """Move on behind what was answered."""
        self._iterator = answer.next_iterator
        if answer.records:
            self._place, self._from_oldest = AfterRecord(answer.records[-1].sequence_number), False

    def _ask(self, throttled: int) -> Answer:
        if self._iterator is None:
            self._iterator = self._shard.iterator(None if self._from_oldest else self._place)
        return self._shard.read(self._iterator, throttled)

    def _may_ask_again(self, code: str) -> bool:
        if code in _BUSY:
            self._wait(PAUSE_SECONDS)
            return True
        asked_for_place = self._iterator is None and not self._from_oldest
        if code == _TRIMMED or (asked_for_place and code in self._shard.trimmed_codes):
            self._iterator, self._from_oldest = None, True
            return True
        if code == _EXPIRED:
            self._iterator = None
            return True
        return False


def _check_is_younger(oldest: ShardRecord, place: Place) -> None:
    if not isinstance(place, AtTime) and int(oldest.sequence_number) < int(place.sequence_number):
        raise RequestRefused("the shard is older than this sequence number and does not know it: name another shard")
