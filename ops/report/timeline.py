"""Counts over time in few steps, however long the time is and however many are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MOST_STEPS: Final = 60
_DAY: Final = 86_400
_WIDTHS: Final = (1, 5, 15, 60, 300, 900, 3_600, 3 * 3_600, 6 * 3_600, _DAY, 7 * _DAY, 28 * _DAY, 364 * _DAY)
"""Each divides the next, so that steps can be joined."""
_FIRST_MONDAY: Final = 4 * _DAY


@dataclass(frozen=True, slots=True)
class Steps:
    """Counts by step and kind.

    Attributes:
        width_seconds: of each step.
        starts: of all steps from the first to the last that has something, without a gap; seconds since the epoch.
        counts: of each kind, one number for each step.
    """

    width_seconds: int
    starts: Sequence[int]
    counts: Mapping[str, Sequence[int]]

    @property
    def ends_at(self) -> int:
        """The end of the last step; 0 where there is none."""
        return self.starts[-1] + self.width_seconds if self.starts else 0


class Timeline:
    """Begins with steps of a second; whenever they become too many, it joins them."""

    def __init__(self) -> None:
        self._width = 0
        self._steps: dict[int, Counter[str]] = {}

    def add(self, at: float, kind: str) -> None:
        """Count one.

        Args:
            at: seconds since the epoch.
            kind: of which there are few.
        """
        self._count(self._start(at), Counter((kind,)))
        while max(self._steps) - min(self._steps) >= MOST_STEPS * self._seconds and self._width + 1 < len(_WIDTHS):
            self._width += 1
            finer, self._steps = self._steps, {}
            for start, counts in finer.items():
                self._count(self._start(start), counts)

    def steps(self) -> Steps:
        """What was counted."""
        if not self._steps:
            return Steps(_WIDTHS[0], (), {})
        starts = range(min(self._steps), max(self._steps) + 1, self._seconds)
        kinds = sorted({kind for counts in self._steps.values() for kind in counts})
        nothing: Counter[str] = Counter()
        counts = {kind: tuple(self._steps.get(start, nothing)[kind] for start in starts) for kind in kinds}
        return Steps(self._seconds, starts, counts)

    @property
    def _seconds(self) -> int:
        return _WIDTHS[self._width]

    def _start(self, at: float) -> int:
        """Of the step that the time is in; weeks begin on Mondays."""
        origin = _FIRST_MONDAY if self._seconds > _DAY else 0
        return int((at - origin) // self._seconds) * self._seconds + origin

    def _count(self, start: int, counts: Counter[str]) -> None:
        self._steps.setdefault(start, Counter()).update(counts)
