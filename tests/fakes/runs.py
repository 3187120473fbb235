"""The runs table in memory; passes the same contract as the one in DynamoDB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock

from shared.runs.model import Phase, Run, RunKind, Segment, Worker


class FakeRunStore:
    """Runs and segments in dictionaries.

    Attributes:
        before: called with the name of each method, outside the lock; may raise, or do what another process does
            meanwhile.
    """

    def __init__(self) -> None:
        self.before: Callable[[str], None] = lambda method: None
        self._runs: dict[str, Run] = {}
        self._latest: dict[RunKind, str] = {}
        self._censuses: dict[Worker, str] = {}
        self._segments: dict[tuple[str, Phase, int], Segment] = {}
        self._lock = Lock()

    def begin(self, run: Run) -> Run:
        self.before("begin")
        with self._lock:
            latest = self._runs.get(self._latest.get(run.kind, ""))
            if latest is not None and (latest.phase is not Phase.DONE or latest.run_id == run.run_id):
                return latest
            new = self._runs[run.run_id] = replace(run, version=1)
            self._latest[run.kind] = run.run_id
            return new

    def load(self, run_id: str) -> Run | None:
        self.before("load")
        with self._lock:
            return self._runs.get(run_id)

    def latest(self, kind: RunKind) -> Run | None:
        self.before("latest")
        with self._lock:
            return self._runs.get(self._latest.get(kind, ""))

    def last_census(self, worker: Worker) -> Run | None:
        self.before("last_census")
        with self._lock:
            return self._runs.get(self._censuses.get(worker, ""))

    def name_census(self, run: Run) -> None:
        self.before("name_census")
        with self._lock:
            self._censuses[Worker.of(run.kind)] = run.run_id

    def save(self, run: Run) -> Run | None:
        self.before("save")
        with self._lock:
            stored = self._runs.get(run.run_id)
            if (stored.version if stored else 0) != run.version:
                return None
            new = self._runs[run.run_id] = replace(run, version=run.version + 1)
            return new

    def segment(self, run_id: str, phase: Phase, number: int) -> Segment:
        self.before("segment")
        with self._lock:
            return self._segments.get((run_id, phase, number), Segment(run_id, phase, number))

    def segments(self, run_id: str, phase: Phase) -> Sequence[Segment]:
        self.before("segments")
        with self._lock:
            found = [one for one in self._segments.values() if (one.run_id, one.phase) == (run_id, phase)]
        return sorted(found, key=lambda one: one.number)

    def save_segment(self, segment: Segment) -> Segment | None:
        self.before("save_segment")
        place = (segment.run_id, segment.phase, segment.number)
        with self._lock:
            stored = self._segments.get(place)
            if (stored.version if stored else 0) != segment.version:
                return None
            new = self._segments[place] = replace(segment, version=segment.version + 1)
            return new
