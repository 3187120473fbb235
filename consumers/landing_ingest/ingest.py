"""One object into the stream: read on from where its ingest stands, put, store how far, tell what came of it.

Every step may be repeated, by anybody, at once too: lines have one position whoever puts them, and stored progress
never moves back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import time
from typing import Final, Protocol

from consumers.landing_ingest.batches import batches
from consumers.landing_ingest.entries import EntryMaker
from consumers.landing_ingest.lines import lines_of
from consumers.landing_ingest.text import ObjectText, Unreadable
from shared.errors import OutOfTime, StoreUnavailable
from shared.landing import Notice, ObjectVersion, Progress, State
from shared.policy.compiled import ItemRules
from shared.runtime.log import log_failure

RESERVE_SECONDS: Final = 60
"""With less time left what is at hand is put and stored, and the message sent anew."""
PART_BYTES: Final = 4 << 20
PAUSE_SECONDS: Final = 60
"""Before an object that got on is gone on with, where something did not answer."""
NO_RECORD_LINES: Final = 1_000
"""So many first lines, none of which is a record: the object is no file of records, and is read no further."""
NO_RECORDS: Final = f"no file of JSON lines: none of its first {NO_RECORD_LINES:,} lines or more is a record"
GONE: Final = "the object, or this version of it, is not there any more"


class Objects(Protocol):
    """The landing bucket."""

    def find(self, about: ObjectVersion) -> tuple[int, int] | None:
        """Size in bytes, and when it was made, seconds since the epoch; None where it is gone."""

    def read(self, about: ObjectVersion, start: int, length: int) -> bytes:
        """Bytes of it, fewer at its end alone."""

    def tag(self, progress: Progress) -> bool:
        """Say on the object what came of it; False where its other tags leave no room."""


class ProgressStore(Protocol):
    """How far each object is."""

    def load(self, about: ObjectVersion) -> Progress | None:
        """None where nothing of it is stored."""

    def begin(self, notice: Notice, *, at: float) -> Progress:
        """Where its ingest stands; at its beginning where there is none, or an earlier run."""

    def save(self, progress: Progress) -> Progress:
        """Store it, if it does not move back; what stands there now."""


class Stream(Protocol):
    """The source stream."""

    def put(self, records: Sequence[tuple[str, bytes]], *, may_wait: Callable[[], bool]) -> None:
        """Put records (partition key, data), all of them."""


@dataclass(slots=True)
class Tally:
    """What an invocation does, counted while it does: what was put is told whatever ends it.

    Attributes:
        lines: put.
        rejected: of these, no records.
        already: ingests that had ended before.
    """

    lines: int = 0
    rejected: int = 0
    already: list[Progress] = field(default_factory=list)


class Send(Protocol):
    """Asks for an object once more."""

    def __call__(self, notice: Notice, *, delay_seconds: int = 0) -> None:
        """After so many seconds."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """What objects are worked off with.

    Attributes:
        tell: that an ingest has ended, and whether its object says so.
        max_age_seconds: since it was made, after which an object is not read any more.
        reserve_seconds: of the time for an invocation, kept for its end.
    """

    objects: Objects
    store: ProgressStore
    stream: Stream
    send: Send
    tell: Callable[[Progress, bool], None]
    item: ItemRules
    max_age_seconds: float
    reserve_seconds: float = RESERVE_SECONDS
    clock: Callable[[], float] = time

    def work_off(self, notice: Notice, *, seconds_left: Callable[[], float], tally: Tally) -> None:
        """Read an object to its end, or as far as there is time.

        Raises:
            OutOfTime: nothing of it could be put in time.
            StoreUnavailable: S3, Kinesis, DynamoDB or SQS does not answer, and nothing of it could be put.
        """
        found = self.objects.find(notice.object)
        hopeless = self._hopeless(found)
        if hopeless and (standing := self.store.load(notice.object)) is not None and standing.has_ended:
            tally.already.append(standing)  # what came of it is not forgotten over a run that reads nothing
            return
        before = self.store.begin(notice, at=self.clock())
        if before.has_ended:
            tally.already.append(before)
            return
        size, modified = found or (before.size, before.modified)
        progress = replace(before, size=size, modified=modified)
        if hopeless:
            self._ended(progress, State.FAILED, hopeless)
        elif seconds_left() < self.reserve_seconds:
            raise OutOfTime("no time is left to begin with the object")
        else:
            self._read(progress, notice, seconds_left, tally)

    def _hopeless(self, found: tuple[int, int] | None) -> str:
        """Why it is not read; "" where it is."""
        if found is None:
            return GONE
        if found[1] + self.max_age_seconds < self.clock():
            days = int(self.max_age_seconds // 86_400)
            return f"over {days} days old: a deletion since then may be forgotten; upload it anew"
        return ""

    def _read(self, begun: Progress, notice: Notice, seconds_left: Callable[[], float], tally: Tally) -> None:
        """Read on, and end it, or ask for it once more where it got on."""
        progress, why = begun, ""

        def is_due() -> bool:
            return seconds_left() < self.reserve_seconds

        try:
            for progress, standing in self._put(begun, is_due, tally):
                if standing.has_ended or standing.run > begun.run:
                    return
                if progress.rejected >= NO_RECORD_LINES and not progress.put:
                    why = NO_RECORDS
                    break
                if is_due():
                    self._go_on(begun, progress, notice)
                    return
        except Unreadable as error:
            why = str(error)
        except StoreUnavailable as error:
            if progress.offset == begun.offset:
                raise
            log_failure(error, object=begun.object.public_name, version=begun.object.version)
            self.send(notice, delay_seconds=PAUSE_SECONDS)
            return
        if why:
            self._ended(progress, State.FAILED, why)
        else:
            state = State.REJECTED if progress.rejected else State.DONE
            self._ended(replace(progress, read_bytes=begun.size), state)

    def _put(self, begun: Progress, is_due: Callable[[], bool], tally: Tally) -> Iterator[tuple[Progress, Progress]]:
        """Each time something is in the stream, and that stored: how far it is, and what stands in the store."""
        progress = begun
        text = ObjectText(partial(self.objects.read, begun.object), begun.size, part_bytes=PART_BYTES)
        lines = lines_of(text.pieces(begun.offset), offset=begun.offset, number=begun.line)
        for batch in batches(lines, EntryMaker(begun, self.item).entry, is_due=is_due):
            if batch.entries:
                records = [(entry.partition_key, entry.data) for entry in batch.entries]
                self.stream.put(records, may_wait=lambda: not is_due())
                tally.lines += len(records)
                tally.rejected += batch.rejected
            progress = replace(
                progress,
                offset=batch.offset,
                line=batch.line,
                put=progress.put + len(batch.entries) - batch.rejected,
                rejected=progress.rejected + batch.rejected,
                read_bytes=text.read_bytes,
                updated_at=self.clock(),
            )
            yield progress, self.store.save(progress)

    def _go_on(self, begun: Progress, progress: Progress, notice: Notice) -> None:
        if progress.offset == begun.offset:
            raise OutOfTime("nothing of the object could be put in time")
        self.send(notice)

    def _ended(self, progress: Progress, state: State, why: str = "") -> None:
        """Tags and event first: whoever is killed before the end is stored does both once more."""
        ended = replace(progress, state=state, why=why, updated_at=self.clock())
        self.tell(ended, self.objects.tag(ended))
        self.store.save(ended)
