"""One object into the stream: read on from where its ingest stands, put, store how far, tell what came of it.

Every step may be repeated, by anybody, at once too: lines have one position whoever puts them, and stored progress
never moves back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import time
from typing import Final, Protocol

from consumers.landing_ingest.entries import Entry, EntryMaker
from consumers.landing_ingest.lines import lines_of
from consumers.landing_ingest.text import ObjectText, Unreadable
from shared.errors import OutOfTime
from shared.landing import Notice, ObjectVersion, Progress, State
from shared.policy.compiled import ItemRules

RESERVE_SECONDS: Final = 60
"""With less time left nothing more is put: what was done is stored, and the message sent anew."""
PART_BYTES: Final = 4 << 20
BATCH_RECORDS: Final = 500
BATCH_BYTES: Final = 5_000_000
"""What Kinesis takes in one call."""
GONE: Final = "the object, or this version of it, is not there any more"


class Objects(Protocol):
    """The landing bucket."""

    def find(self, about: ObjectVersion) -> tuple[int, int] | None:
        """Size in bytes, and when it was made, seconds since the epoch; None where it is gone."""

    def read(self, about: ObjectVersion, start: int, length: int) -> bytes:
        """Bytes of it, fewer at its end alone."""

    def tag(self, progress: Progress) -> None:
        """Say on the object what came of it; nothing where it is gone."""


class ProgressStore(Protocol):
    """How far each object is."""

    def begin(self, notice: Notice, *, at: float) -> Progress:
        """Where its ingest stands; at its beginning where there is none, or an earlier run."""

    def save(self, progress: Progress) -> Progress:
        """Store it, if it does not move back; what stands there now."""


class Stream(Protocol):
    """The source stream."""

    def put(self, records: Sequence[tuple[str, bytes]], *, may_wait: Callable[[], bool]) -> None:
        """Put records (partition key, data), all of them."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What one invocation did about an object; `before` and `after` are the same where it had ended already."""

    before: Progress
    after: Progress

    @property
    def lines(self) -> int:
        """Put by this invocation."""
        return self.after.lines - self.before.lines

    @property
    def rejected(self) -> int:
        """Of these, no records."""
        return self.after.rejected - self.before.rejected

    @property
    def ended(self) -> bool:
        """Whether this invocation came to the end."""
        return self.after.has_ended and not self.before.has_ended


@dataclass(frozen=True, slots=True)
class Ingest:
    """What objects are worked off with.

    Attributes:
        send: asks for an object once more.
        tell: that an ingest has ended.
        max_age_seconds: since it was made, after which an object is not read any more.
    """

    objects: Objects
    store: ProgressStore
    stream: Stream
    send: Callable[[Notice], None]
    tell: Callable[[Progress], None]
    item: ItemRules
    max_age_seconds: float
    clock: Callable[[], float] = time

    def work_off(self, notice: Notice, *, seconds_left: Callable[[], float]) -> Worked:
        """Read an object to its end, or as far as there is time.

        Raises:
            OutOfTime: nothing of it could be put in time.
            StoreUnavailable: S3, Kinesis, DynamoDB or SQS does not answer; what was stored stays.
        """
        before = self.store.begin(notice, at=self.clock())
        if before.has_ended:
            return Worked(before, before)
        found = self.objects.find(before.object)
        if found is None:
            return Worked(before, self._ended(before, State.FAILED, GONE))
        size, modified = found
        progress = replace(before, size=size, modified=modified)
        if modified + self.max_age_seconds < self.clock():
            days = int(self.max_age_seconds // 86_400)
            why = f"over {days} days old: a deletion since then may be forgotten; upload it anew"
            return Worked(before, self._ended(progress, State.FAILED, why))
        return Worked(before, self._read(progress, notice, seconds_left))

    def _read(self, begun: Progress, notice: Notice, seconds_left: Callable[[], float]) -> Progress:
        progress = begun
        text = ObjectText(partial(self.objects.read, begun.object), begun.size, part_bytes=PART_BYTES)
        lines = lines_of(text.pieces(begun.offset), offset=begun.offset, number=begun.line)
        try:
            for batch in batches(map(EntryMaker(begun, self.item).entry, lines)):
                if seconds_left() < RESERVE_SECONDS:
                    return self._continued(begun, progress, notice)
                self.stream.put(
                    [(entry.partition_key, entry.data) for entry in batch],
                    may_wait=lambda: seconds_left() >= RESERVE_SECONDS,
                )
                progress = self._past(progress, batch, text.read_bytes)
                standing = self.store.save(progress)
                if standing.has_ended or standing.run > begun.run:
                    return standing
        except Unreadable as error:
            return self._ended(progress, State.FAILED, str(error))
        return self._ended(
            replace(progress, read_bytes=begun.size), State.REJECTED if progress.rejected else State.DONE
        )

    def _continued(self, begun: Progress, progress: Progress, notice: Notice) -> Progress:
        if progress.offset == begun.offset:
            raise OutOfTime("nothing of the object could be put in time")
        self.send(notice)
        return progress

    def _past(self, progress: Progress, batch: Sequence[Entry], read_bytes: int) -> Progress:
        rejected = sum(entry.is_rejected for entry in batch)
        return replace(
            progress,
            offset=batch[-1].line.end,
            line=batch[-1].line.number + 1,
            put=progress.put + len(batch) - rejected,
            rejected=progress.rejected + rejected,
            read_bytes=read_bytes,
            updated_at=self.clock(),
        )

    def _ended(self, progress: Progress, state: State, why: str = "") -> Progress:
        """Tags and event first: whoever is killed before the end is stored does both once more."""
        ended = replace(progress, state=state, why=why, updated_at=self.clock())
        self.objects.tag(ended)
        self.tell(ended)
        self.store.save(ended)
        return ended


def batches(entries: Iterable[Entry]) -> Iterator[Sequence[Entry]]:
    """As many as one call takes; what came before the text could not be read on is a batch, too.

    Raises:
        Unreadable: after the last one.
    """
    batch: list[Entry] = []
    size_bytes = 0
    trouble: Unreadable | None = None
    try:
        for entry in entries:
            if batch and (len(batch) == BATCH_RECORDS or size_bytes + entry.size_bytes > BATCH_BYTES):
                yield batch
                batch, size_bytes = [], 0
            batch.append(entry)
            size_bytes += entry.size_bytes
    except Unreadable as error:
        trouble = error
    if batch:
        yield batch
    if trouble:
        raise trouble
