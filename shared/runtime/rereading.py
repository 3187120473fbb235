"""Reading a shard again from one place to another, in calls that end in time and go on where the last one ended.

What is read goes through a consumer's own path in small batches. What comes to nothing for now is tried again, and then
the call ends before it: a cursor never passes a record that is not done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from time import monotonic as monotonic_clock
from time import sleep
from typing import Any, Final, Protocol

from shared.errors import StoreUnavailable
from shared.runtime.log import log_failure

BATCH_RECORDS: Final = 200
BATCH_BYTES: Final = 4_000_000
"""About what Lambda puts into an event, which is Base64 there: as much as the memory of a consumer is made for."""
ATTEMPTS: Final = 3
SLACK_SECONDS: Final = 60
"""Arrival times of one shard are approximate, and do not always rise."""


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """One record of a shard.

    Attributes:
        arrived_at: seconds since the epoch, approximately.
        event: the record as Lambda gives it to a consumer.
        size_bytes: of what it brings, about.
    """

    sequence_number: str
    arrived_at: float
    event: Mapping[str, Any] = field(repr=False)
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class AtTime:
    """From the first record on that arrived at this time or later; seconds since the epoch."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AtRecord:
    """From this record on."""

    sequence_number: str


@dataclass(frozen=True, slots=True)
class AfterRecord:
    """From the first record on that follows this one."""

    sequence_number: str


Place = AtTime | AtRecord | AfterRecord


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a shard, in their order; after the last page comes none.

    Attributes:
        caught_up: the shard holds nothing younger, at this time or, closed, for ever.
        reached: how far in time reading has come, seconds since the epoch; None where nobody tells.
        begun_anew: where reading had come to is gone, and the page begins at the oldest record that is left, if any is.
    """

    records: Sequence[ShardRecord]
    caught_up: bool = False
    reached: float | None = None
    begun_anew: bool = False


class Span(Protocol):
    """Which records are meant."""

    def holds(self, record: ShardRecord) -> bool:
        """Whether this is one of them."""

    def ends_at(self, page: Page) -> bool:
        """Whether nothing that comes after this page can be one of them."""


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """What arrived from `start` on and before `end`; seconds since the epoch."""

    start: float
    end: float

    def holds(self, record: ShardRecord) -> bool:
        """See Span."""
        return self.start <= record.arrived_at < self.end

    def ends_at(self, page: Page) -> bool:
        """See Span."""
        reached = [record.arrived_at for record in page.records[-1:]] + [page.reached or 0.0]
        return max(reached) >= self.end + SLACK_SECONDS


@dataclass(frozen=True, slots=True)
class RecordSpan:
    """From the first record to the last, both included."""

    first: str
    last: str

    def holds(self, record: ShardRecord) -> bool:
        """See Span."""
        return int(self.first) <= int(record.sequence_number) <= int(self.last)

    def ends_at(self, page: Page) -> bool:
        """See Span."""
        return any(int(record.sequence_number) >= int(self.last) for record in page.records)


class CallTime:
    """How long a call may still begin something.

    Args:
        seconds_left: until the invocation is ended.
        reserve_seconds: of these, for what was begun.
        seconds: what the caller grants; None for as long as there is.
    """

    def __init__(
        self,
        seconds_left: Callable[[], float],
        reserve_seconds: float,
        *,
        seconds: float | None = None,
        monotonic: Callable[[], float] = monotonic_clock,
    ) -> None:
        self.seconds_left: Final = seconds_left
        self._reserve_seconds = reserve_seconds
        self._seconds = inf if seconds is None else seconds
        self._monotonic = monotonic
        self._begun = monotonic()

    def left(self) -> float:
        """Seconds, 0 at least."""
        granted = self._seconds - (self._monotonic() - self._begun)
        return max(0.0, min(self.seconds_left() - self._reserve_seconds, granted))

    def is_over(self) -> bool:
        """Whether nothing more may be begun."""
        return self.left() == 0


@dataclass(frozen=True, slots=True)
class Reread:
    """How far a call came.

    Attributes:
        after: the last record that was read, or the one where the call began; None: there is none.
        done: everything was read.
        records: those of the span that are done with.
        first: the first of them, and `last` the last.
        oldest_arrived_at: of all that were done with, seconds since the epoch.
        begun_at: the first record that was met, of the span or not.
        next: the record that follows `after`; None where nobody knows, or the call is done.
        has_gap: retention took where reading was, and some of what followed may be gone unread.
        found_from: the first record that was met behind the gap.
    """

    after: str | None
    done: bool = False
    begun_at: str | None = None
    next: str | None = None
    records: int = 0
    first: str | None = None
    last: str | None = None
    oldest_arrived_at: float | None = None
    has_gap: bool = False
    found_from: str | None = None

    def begun_instead_of(self, place: Place) -> str | None:
        """The record that was met first, where it is not the one that reading was to begin at."""
        is_late = isinstance(place, AtRecord) and self.begun_at != place.sequence_number
        return self.begun_at if is_late else None

    def meeting(self, page: Page) -> Reread:
        """The same once a page is there; a gap before the first record that is met shows in which one that is."""
        first = next((record.sequence_number for record in page.records), None)
        if page.begun_anew and self.begun_at is not None:
            return replace(self, has_gap=True, found_from=self.found_from or first)
        return replace(self, begun_at=self.begun_at or first)

    def past(self, records: Sequence[ShardRecord]) -> Reread:
        """The same after some more were done with."""
        if not records:
            return self
        known = () if self.oldest_arrived_at is None else (self.oldest_arrived_at,)
        return replace(
            self,
            after=records[-1].sequence_number,
            records=self.records + len(records),
            first=self.first or records[0].sequence_number,
            last=records[-1].sequence_number,
            oldest_arrived_at=min([record.arrived_at for record in records] + [*known]),
        )


@dataclass(frozen=True, slots=True)
class Letter:
    """Records that a dead letter names, all of which must be met.

    Attributes:
        first: sequence number, as `last`; both are included.
        after: the one that a call before came to, from which reading goes on.
        next: the one that followed it; where nobody knew, `after` is met again, so that what retention took between two
            calls shows.
    """

    first: str
    last: str
    after: str | None = None
    next: str | None = None

    @property
    def place(self) -> AtRecord:
        """Where reading begins."""
        return AtRecord(self.next or self.after or self.first)

    @property
    def span(self) -> RecordSpan:
        """What is meant."""
        return RecordSpan(self.first, self.last)

    def found(self, came: Reread) -> dict[str, Any]:
        """For an answer: whether some of them are not there any more, and where reading began instead, if it did."""
        found_from = came.begun_instead_of(self.place) or came.found_from
        ends_early = came.done and (came.last or self.after) != self.last
        is_found = found_from is not None and int(found_from) <= int(self.last)
        missing = found_from is not None or came.has_gap or ends_early
        return {"missing": missing, "found_from": found_from if is_found else None}


Work = Callable[[Sequence[ShardRecord]], str | None]
"""Works some records off; answers with the sequence number of the first that is not done, or None."""


def reread(
    pages: Iterable[Page],
    span: Span,
    work: Work,
    *,
    after: str | None = None,
    batch_records: int = BATCH_RECORDS,
    is_over: Callable[[], bool],
) -> Reread:
    """Work off the records of the span behind `after`, one batch at least, until the call's time is over.

    It then ends before a record, if the next page has one: `next` is then known to have been there.
    Where the stream stops answering the call ends there: what was done stays known.

    Raises:
        StoreUnavailable: the stream does not answer, and nothing was read.
    """
    came, ends = Reread(after), False
    try:
        for page in pages:
            numbers = [record.sequence_number for record in page.records]
            came = came.meeting(page)
            behind = [record for record in page.records if after is None or int(record.sequence_number) > int(after)]
            if ends:
                return replace(came, next=next(iter(numbers), None))
            for batch in _batches([record for record in behind if span.holds(record)], batch_records):
                if ends:
                    return replace(came, next=batch[0].sequence_number)
                stopped_at = work(batch)
                came = came.past(_before(batch, stopped_at))
                if stopped_at is not None:
                    return replace(came, next=stopped_at)
                ends = is_over()
            came = replace(came, after=next(reversed(numbers), came.after))
            if page.caught_up or span.ends_at(page):
                break
            ends = ends or is_over()
    except StoreUnavailable as error:
        if came.after == after:
            raise
        log_failure(error)
        return came
    return replace(came, done=True)


def until_done(
    batch: Sequence[ShardRecord],
    attempt: Callable[[Sequence[ShardRecord]], Collection[str]],
    *,
    wait: Callable[[float], None] = sleep,
) -> str | None:
    """Work a batch off, again from the first record on that failed, some times; the first that still fails, or None.

    Args:
        batch: records of one shard in their order.
        attempt: works records off; answers with the sequence numbers of those that failed.
        wait: seconds.
    """
    left = batch
    for number in range(1, ATTEMPTS + 1):
        failed = attempt(left)
        first = next((index for index, record in enumerate(left) if record.sequence_number in failed), None)
        if first is None:
            return None
        left = left[first:]
        if number < ATTEMPTS:
            wait(number)
    return left[0].sequence_number


def _batches(records: Sequence[ShardRecord], most: int) -> Iterator[Sequence[ShardRecord]]:
    """Up to so many records, and so many bytes where that is more than one."""
    batch: list[ShardRecord] = []
    size_bytes = 0
    for record in records:
        if batch and (len(batch) == most or size_bytes + record.size_bytes > BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(record)
        size_bytes += record.size_bytes
    if batch:
        yield batch


def _before(batch: Sequence[ShardRecord], stopped_at: str | None) -> Sequence[ShardRecord]:
    numbers = [record.sequence_number for record in batch]
    return batch if stopped_at is None else batch[: numbers.index(stopped_at)]
