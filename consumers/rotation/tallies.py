"""What the segments of a scan found together, and which of them are not done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.runs.model import Run, Segment, Tally
from shared.scan.tally import merged


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan over all segments.

    Attributes:
        left: numbers of the segments that are not done.
    """

    left: tuple[int, ...]
    tally: Tally

    @classmethod
    def of(cls, run: Run, stored: Sequence[Segment]) -> Scan:
        """Add up the stored segments of one phase; the last of all, after those of the table, is the quarantine's."""
        done = {segment.number for segment in stored if segment.done}
        left = tuple(number for number in range(run.segments + 1) if number not in done)
        return cls(left, merged(segment.tally for segment in stored))
