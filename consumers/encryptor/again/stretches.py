"""Part of a shard, read again and put through the encryptor, or only planned."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from consumers.encryptor.again.telling import Telling
from consumers.encryptor.batch import Encryptor, take_out
from consumers.encryptor.deaggregate import Rejected
from consumers.encryptor.results import RecordResult
from consumers.encryptor.sealing import PlannedRecord
from shared.model import Outcome
from shared.runtime.rereading import CallTime, Page, Place, Reread, ShardRecord, Span, Work, reread, until_done
from shared.scan.pace import Pace

MOST_PER_READ: Final = 1_000
_GROWTH: Final = 4


class SourceStream(Protocol):
    """The stream."""

    def pages(self, shard_id: str, place: Place, *, most: Callable[[], int]) -> Iterator[Page]:
        """A shard's records from a place on, each as Lambda gives it.

        `most` says how many the next page holds at most, and is asked with each attempt at it.

        Raises:
            StoreUnavailable: the stream does not answer.
            RequestRefused: the place is none of this shard's.
        """


@dataclass(frozen=True, slots=True)
class Stretch:
    """What of a shard is meant.

    Attributes:
        place: where reading begins.
        after: the record that it goes on from, if any.
        records_per_second: user records; None for as fast as it goes.
        ahead: sub-sequences by sequence number of user records that a call before wrote behind where it ended.
    """

    shard_id: str
    place: Place
    span: Span
    after: str | None = None
    ahead: Mapping[str, Sequence[int]] = field(default_factory=dict)
    records_per_second: float | None = None


@dataclass(slots=True)
class Counts:
    """What became of user records, and why some can never be written.

    Attributes:
        handled: records given to the encryptor or planned, each attempt anew: what the rate is of.
        ahead: of those that are not counted yet, which were written; they count in the call that comes past them.
        newly_ahead: the sequence number of each of these that this call wrote.
        owed_seconds: how long the caller must wait before it goes on, or the rate is not kept.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    handled: int = 0
    ahead: Mapping[str, Sequence[int]] = field(default_factory=dict)
    newly_ahead: Sequence[str] = ()
    owed_seconds: float = 0.0

    def answer(self, shard_id: str, came: Reread) -> dict[str, Any]:
        """A call's answer."""
        return {
            "shard_id": shard_id,
            "done": came.done,
            "after": came.after,
            "next": came.next,
            "kinesis_records": came.records,
            "outcomes": dict(self.outcomes),
            "reasons": dict(self.reasons),
            "ahead": {number: list(places) for number, places in self.ahead.items()},
            "oldest_arrived_at": came.oldest_arrived_at,
            "owed_seconds": self.owed_seconds,
        }


@dataclass(frozen=True, slots=True)
class Stretches:
    """Reads and works off stretches of the stream.

    Attributes:
        wait: seconds.
    """

    encryptor: Encryptor
    source: SourceStream
    telling: Telling
    stream_arn: str
    wait: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def replay(self, stretch: Stretch, call_time: CallTime) -> tuple[Reread, Counts]:
        """Put the records through the encryptor, until the call's time is over or some do not pass for now.

        Raises:
            StoreUnavailable: the stream does not answer.
        """
        counts = Counts(Counter(dict.fromkeys(Outcome, 0)))

        settled = _Settled(stretch.ahead)

        def work(batch: Sequence[ShardRecord]) -> str | None:
            def attempt(records: Sequence[ShardRecord]) -> Collection[str]:
                result = self.telling.timed(
                    lambda: self.encryptor.process(
                        [record.event for record in records],
                        stream_arn=self.stream_arn,
                        seconds_left=call_time.seconds_left,
                    )
                )
                counts.handled += result.received
                settled.add(result.results)
                return result.failed_sequence_numbers

            stopped_at = until_done(batch, attempt, wait=self.wait)
            settled.count(counts, batch, stopped_at)
            return stopped_at

        came = self._read(stretch, work, call_time, counts)
        counts.ahead = settled.written()
        counts.newly_ahead = [
            number for number, subs in counts.ahead.items() for sub in subs if sub not in stretch.ahead.get(number, ())
        ]
        return came, counts

    def plan(self, stretch: Stretch, call_time: CallTime) -> tuple[Reread, Counts]:
        """Decode, identify and plan the records; nothing is written and no data key is used; raises as `replay`."""
        counts = Counts(Counter({"sendable": 0, Outcome.QUARANTINED.value: 0, Outcome.RETRY.value: 0}))

        def work(batch: Sequence[ShardRecord]) -> str | None:
            plans = self.encryptor.plan(take_out(record.event for record in batch), stream_arn=self.stream_arn)
            counts.handled += len(plans)
            waiting = [one.record.sequence_number for one in plans if isinstance(one, RecordResult)]
            stopped_at = min(waiting, key=int, default=None)
            counts.outcomes[Outcome.RETRY.value] += waiting.count(stopped_at or "")
            # what stands behind it is planned again in the next call
            done = [one for one in plans if stopped_at is None or int(_number(one)) < int(stopped_at)]
            counts.outcomes["sendable"] += sum(isinstance(one, PlannedRecord) for one in done)
            rejected = [one for one in done if isinstance(one, Rejected)]
            counts.outcomes[Outcome.QUARANTINED.value] += len(rejected)
            counts.reasons.update(one.error.reason.value for one in rejected)
            return stopped_at

        return self._read(stretch, work, call_time, counts), counts

    def _read(self, stretch: Stretch, work: Work, call_time: CallTime, counts: Counts) -> Reread:
        def wait(seconds: float) -> None:
            granted = min(seconds, call_time.left())
            counts.owed_seconds = seconds - granted
            self.wait(granted)

        pace = Pace(stretch.records_per_second, self.monotonic, wait)
        reads = _Reads(stretch.records_per_second, call_time.is_over)
        begun = self.monotonic()

        def at_its_pace(batch: Sequence[ShardRecord]) -> str | None:
            nonlocal begun
            before = counts.handled
            stopped_at = work(batch)
            records = counts.handled - before
            reads.used(len(batch), records)
            pace.keep(records, begun=begun)
            begun = self.monotonic()
            return stopped_at

        return reread(
            reads.noted(self.source.pages(stretch.shard_id, stretch.place, most=reads.size)),
            stretch.span,
            at_its_pace,
            after=stretch.after,
            batch_records=pace.page_items,
            is_over=call_time.is_over,
        )


def _number(plan: PlannedRecord | Rejected | RecordResult) -> str:
    record = plan.identified.record if isinstance(plan, PlannedRecord) else plan.record
    return record.sequence_number


class _Reads:
    """How many Kinesis records to read at a time: a second's worth at the rate, or more where none of them is meant.

    What a slow replay would read beyond that, it would read again in its next call, at the encryptor's expense. A call
    whose time is over only looks at the next record.
    """

    def __init__(self, records_per_second: float | None, is_over: Callable[[], bool]) -> None:
        self._rate = records_per_second
        self._is_over = is_over
        self._has_read = False
        self._size = 1  # nobody knows yet how many user records each holds

    def size(self) -> int:
        """Of the next read, and of each attempt at it."""
        if self._has_read and self._is_over():
            return 1
        return MOST_PER_READ if self._rate is None else self._size

    def noted(self, pages: Iterable[Page]) -> Iterator[Page]:
        """The same pages; the read after each but the first, which may hold a record that is done, is larger.

        Unless some of the page is worked off.
        """
        for page in pages:
            self._size = min(MOST_PER_READ, self._size * _GROWTH) if self._has_read else self._size
            self._has_read = True
            yield page

    def used(self, kinesis_records: int, records: int) -> None:
        """So many were worked off, which held so many user records."""
        if self._rate is not None:
            self._size = int(max(1, min(MOST_PER_READ, self._rate * kinesis_records / max(1, records))))


class _Settled:
    """What became of user records that are not counted yet: of each the first time that it passed, and the last time.

    Args:
        written: those that a call before wrote, sub-sequences by sequence number.
    """

    def __init__(self, written: Mapping[str, Sequence[int]]) -> None:
        places = [(number, sub_sequence) for number, subs in written.items() for sub_sequence in subs]
        self._found: dict[tuple[str, int], tuple[Outcome, str]] = dict.fromkeys(places, (Outcome.WRITTEN, ""))
        self._waiting: set[tuple[str, int]] = set()

    def add(self, results: Sequence[RecordResult]) -> None:
        """What came of an attempt."""
        for one in results:
            place = one.record.sequence_number, one.record.sub_sequence
            (self._waiting.add if one.outcome is Outcome.RETRY else self._waiting.discard)(place)
            before = self._found.get(place)
            if before is None or before[0] is Outcome.RETRY:
                self._found[place] = one.outcome, one.kept.reason if one.kept else ""

    def count(self, counts: Counts, batch: Sequence[ShardRecord], stopped_at: str | None) -> None:
        """Count what is done of a batch; of the Kinesis record before which the call ends only what does not pass."""
        numbers = [record.sequence_number for record in batch]
        done = {*numbers} if stopped_at is None else {*numbers[: numbers.index(stopped_at)]}
        counts.outcomes[Outcome.RETRY] += sum(number == stopped_at for number, _ in self._waiting)
        for place, (outcome, reason) in list(self._found.items()):
            if place[0] in done:
                counts.outcomes[outcome] += 1
                counts.reasons.update([reason] if reason else [])
                del self._found[place]

    def written(self) -> dict[str, list[int]]:
        """Of those that are not counted yet, which were written."""
        found: dict[str, list[int]] = {}
        for (number, sub_sequence), (outcome, _) in self._found.items():
            if outcome is Outcome.WRITTEN:
                found.setdefault(number, []).append(sub_sequence)
        return found
