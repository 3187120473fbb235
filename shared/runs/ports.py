"""Where runs are kept: every step is stored, so that whoever comes after a killed process goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shared.runs.model import Phase, Run, RunKind, Segment, Worker


class RunStore(Protocol):
    """The runs table. Every read is strongly consistent; every method raises StoreUnavailable where it cannot tell."""

    def begin(self, run: Run) -> Run:
        """Store a new run; or, where one of its kind is not done yet, give that one and store nothing."""

    def load(self, run_id: str) -> Run | None:
        """A run, or None."""

    def latest(self, kind: RunKind) -> Run | None:
        """The run of this kind that began last, done or not; or None."""

    def last_census(self, worker: Worker) -> Run | None:
        """The run whose census this worker completed last; or None."""

    def name_census(self, run: Run) -> None:
        """Remember this run, whose census is complete, as its worker's last; safe to repeat."""

    def save(self, run: Run) -> Run | None:
        """Store a new version of a run; gives it, or None where somebody stored one since `run` was read.

        Where its phase is done, the next run of its kind may begin.
        """

    def segment(self, run_id: str, phase: Phase, number: int) -> Segment:
        """How far a segment is; at its beginning where nothing is stored."""

    def segments(self, run_id: str, phase: Phase) -> Sequence[Segment]:
        """The segments of a phase that something is stored of."""

    def save_segment(self, segment: Segment) -> Segment | None:
        """Store a new version of a segment; gives it, or None where somebody stored one since it was read."""
