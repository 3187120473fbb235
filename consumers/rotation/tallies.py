"""What the segments of a scan found together, and which of them are not done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.runs.model import Run, Segment, Tally

MAX_EXAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan over all segments.

    Attributes:
        left: numbers of the segments that are not done.
    """

    left: tuple[int, ...]
    tally: Tally

    @classmethod
    def of(cls, run: Run, stored: Iterable[Segment]) -> Scan:
        """Add up the stored segments of one phase; the last of all, after those of the table, is the quarantine's."""
        segments = list(stored)
        done = {segment.number for segment in segments if segment.done}
        counts: Counter[str] = Counter()
        keys: Counter[str] = Counter()
        for segment in segments:
            counts.update(segment.tally.counts)
            keys.update(segment.tally.keys)
        examples = [example for segment in segments for example in segment.tally.examples]
        overflow = any(segment.tally.keys_overflow for segment in segments)
        left = tuple(number for number in range(run.segments + 1) if number not in done)
        return cls(left, Tally(dict(counts), dict(keys), overflow, tuple(examples[:MAX_EXAMPLES])))
