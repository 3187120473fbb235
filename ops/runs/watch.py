"""How far a run is, how fast it goes, and when it may end; only what this process itself saw counts for the rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ops.clock import Clock, iso
from shared.runs.model import Phase, Run, RunKind, Segment
from shared.runs.ports import RunStore
from shared.scan.tally import WOULD_SEAL, merged

SCANS: Final = frozenset({Phase.SWEEP, Phase.CENSUS})
SHORTEST_OBSERVATION_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Figures:
    """A run at a moment.

    Attributes:
        counts: of the phase: of its scan, or of the run itself where it scans nothing.
        visited: elements visited in this phase, by whatever process.
        expected: how many there may be, by the table's own count, which is hours old; None: not known.
        items_per_second: as this process saw it; None: not known yet.
        ends_at: of this phase, estimated; the barrier's end is known. None: not known.
    """

    run_id: str
    kind: RunKind
    phase: Phase
    counts: Mapping[str, int] = field(default_factory=dict)
    visited: int = 0
    segments_done: int = 0
    segments: int = 0
    expected: int | None = None
    items_per_second: float | None = None
    ends_at: float | None = None

    def document(self) -> dict[str, Any]:
        """For programs."""
        document: dict[str, Any] = {"run_id": self.run_id, "kind": str(self.kind), "phase": str(self.phase)}
        if self.phase in SCANS:
            rate = self.items_per_second
            document |= {
                "segments": self.segments,
                "segments_done": self.segments_done,
                "items_expected": self.expected,
                "items_per_second": None if rate is None else round(rate, 1),
            }
        if self.phase in SCANS | {Phase.BARRIER}:
            document["ends_at"] = iso(self.ends_at)
        return document | {"counts": dict(self.counts)}


def scan_figures(run: Run, segments: Sequence[Segment]) -> Figures:
    """What is stored of a scan, without its rate."""
    tally = merged(one.tally for one in segments)
    counts = {name: number for name, number in tally.counts.items() if not name.startswith(WOULD_SEAL)}
    done = sum(one.done for one in segments)
    return Figures(run.run_id, run.kind, run.phase, counts, counts.get("visited", 0), done, run.segments + 1)


class Watcher:
    """Looks at a run in its store again and again.

    Attributes:
        moved_at: when something was last seen to have been stored, by the monotonic clock.
    """

    def __init__(
        self, runs: RunStore, run_id: str, *, item_count: Callable[[], int | None], clock: Clock | None = None
    ) -> None:
        self._runs = runs
        self._run_id = run_id
        self._item_count = item_count
        self._clock = clock or Clock()
        self._phase: Phase | None = None
        self._versions: object = None
        self._expected: int | None = None
        self._first = (0.0, 0)
        self.moved_at = self._clock.monotonic()

    def look(self) -> Figures | None:
        """The run as it is stored now; None where there is none. Raises StoreUnavailable."""
        run = self._runs.load(self._run_id)
        if run is None:
            return None
        segments = self._runs.segments(run.run_id, run.phase) if run.phase in SCANS else ()
        now = self._clock.monotonic()
        versions = (run.version, [(one.number, one.version) for one in segments])
        if versions != self._versions:
            self._versions, self.moved_at = versions, now
        if run.phase not in SCANS:
            ends_at = run.barrier_until if run.phase is Phase.BARRIER else None
            return Figures(run.run_id, run.kind, run.phase, run.counts, ends_at=ends_at)
        return self._scanning(run, segments, now)

    def _scanning(self, run: Run, segments: Sequence[Segment], now: float) -> Figures:
        stored = scan_figures(run, segments)
        if run.phase is not self._phase:
            self._phase, self._expected, self._first = run.phase, self._item_count(), (now, stored.visited)
        since, before = self._first
        rate = None
        if now - since >= SHORTEST_OBSERVATION_SECONDS:
            rate = (stored.visited - before) / (now - since)
        in_quarantine = sum(one.tally.counts.get("visited", 0) for one in segments if one.number == run.segments)
        left = None if self._expected is None else self._expected - (stored.visited - in_quarantine)
        ends_at = None
        if rate and left is not None and left > 0 and stored.segments_done < stored.segments:
            ends_at = self._clock.wall() + left / rate
        return replace(stored, expected=self._expected, items_per_second=rate, ends_at=ends_at)
