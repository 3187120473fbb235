"""How far a replay is, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ops.clock import Clock, iso
from ops.stretch import Stretch, added
from ops.text import counted, plural, table

GRACE_SECONDS: Final = 60
"""`--from 7d` of a stream that keeps seven days is asked for in that time, and nothing of note is gone."""
_SHORTEST_OBSERVATION_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at stretches that others read on.

    Attributes:
        since: seconds since the epoch, as `until`: what is read.
        forgotten_before: at the beginning the stream had forgotten what arrived before this time; None: nothing, or
            not all of the stream is to be read.
        began_at: by the monotonic clock.
    """

    since: float
    until: float
    stretches: Sequence[Stretch]
    clock: Clock
    forgotten_before: float | None = None
    began_at: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "began_at", self.clock.monotonic())

    @property
    def total(self) -> int:
        """Shards."""
        return len(self.stretches)

    @property
    def completed(self) -> float:
        """Shards that are read, and parts of those that are being read, by time."""
        return sum(self._fraction(stretch) for stretch in self.stretches)

    @property
    def records(self) -> int:
        """Kinesis records that were read."""
        return sum(stretch.reading.records for stretch in self.stretches)

    @property
    def gone_before(self) -> float | None:
        """What is to be read and arrived before this time is gone, of some shard at least; None: nothing."""
        times = [self.forgotten_before, *(stretch.reading.forgotten_before for stretch in self.stretches)]
        gone = [at for at in times if at is not None and at > self.since + GRACE_SECONDS]
        return max(gone, default=None)

    @property
    def overtaken(self) -> list[Stretch]:
        """Those of which retention took records while they were read."""
        return [stretch for stretch in self.stretches if stretch.reading.missing]

    @property
    def seconds(self) -> float:
        """Since it began."""
        return self.clock.monotonic() - self.began_at

    def told(self) -> str:
        """Beside the bar."""
        done = sum(stretch.reading.done for stretch in self.stretches)
        parts = [f"shards {done} of {self.total}", plural(self.records, "record")]
        if self.seconds >= _SHORTEST_OBSERVATION_SECONDS:
            parts.append(f"{self.records / self.seconds:,.0f} records/s")
        reached = [one.reading.reached for one in self.stretches if one.reading.reached and not one.reading.done]
        if reached:
            parts.append(f"up to {iso(min(reached))}")
        if counts := counts_of(self.stretches):
            parts.append(counted(counts))
        return " · ".join(parts)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "records": self.records,
            "gone_before": iso(self.gone_before),
            "seconds": round(self.seconds, 1),
            "counts": counts_of(self.stretches),
            "reasons": reasons_of(self.stretches),
            "shards": [{"shard_id": _name(stretch), **stretch.reading.document()} for stretch in self.stretches],
        }

    def _fraction(self, stretch: Stretch) -> float:
        if stretch.reading.done:
            return 1.0
        reached = stretch.reading.reached
        if reached is None or self.until <= self.since:
            return 0.0
        return min(1.0, max(0.0, (reached - self.since) / (self.until - self.since)))


def counts_of(stretches: Iterable[Stretch]) -> dict[str, int]:
    """User records by outcome, of all."""
    total: dict[str, int] = {}
    for stretch in stretches:
        total = added(total, stretch.reading.counted)
    return total


def reasons_of(stretches: Iterable[Stretch]) -> dict[str, int]:
    """User records that went to quarantine, by reason, of all."""
    total: dict[str, int] = {}
    for stretch in stretches:
        total = added(total, stretch.reading.reasons)
    return total


def lines(watch: Watch, why: str, *, dry_run: bool) -> Iterator[str]:
    """What came of it, for people; `why` it ended early, "" where it did not."""
    counts, reasons = counts_of(watch.stretches), reasons_of(watch.stretches)
    read = "read, and nothing written" if dry_run else "replayed"
    yield f"{plural(watch.records, 'Kinesis record')} {read}, of {iso(watch.since)} to {iso(watch.until)}"
    if counts:
        rows = [(name, f"{number:,}") for name, number in counts.items()]
        yield from table(("would be" if dry_run else "outcome", "user records"), rows, indent=2)
    if reasons:
        yield f"{'would be quarantined' if dry_run else 'quarantined'}: {counted(reasons)}"
    if watch.gone_before is not None:
        yield f"what arrived before {iso(watch.gone_before)} is gone: the stream keeps it no longer"
    if watch.overtaken:
        yield "retention overtook the reading; of these shards records may be gone:"
        rows = [(_name(stretch), stretch.reading.found_from or "nothing") for stretch in watch.overtaken]
        yield from table(("shard", "found again from"), rows, indent=2)
    left = [stretch for stretch in watch.stretches if not stretch.reading.done]
    if why:
        yield why
    if left:
        yield "not read to their end:"
        rows = [(_name(stretch), iso(stretch.reading.reached) or "its beginning") for stretch in left]
        yield from table(("shard", "read up to"), rows, indent=2)
        yield "The same command begins again; what was written before is then a duplicate."


def _name(stretch: Stretch) -> str:
    return str(stretch.payload["shard_id"])
