"""How much work one item may cause to the detectors that ask a library about each candidate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

CANDIDATES: Final = 2_000
"""Of one item, whatever they look like and however many values hold them: 0.2 s of CPU time at most."""

_Candidate = TypeVar("_Candidate")


@dataclass(slots=True)
class Budget:
    """Counts the candidates of one item down.

    Attributes:
        left: how many may still be looked at.
        ran_out: there were more; the others were not looked at.
    """

    left: int = CANDIDATES
    ran_out: bool = False

    def of(self, candidates: Iterable[_Candidate]) -> Iterator[_Candidate]:
        """The candidates, as long as some may be looked at."""
        for one in candidates:
            if not self.left:
                self.ran_out = True
                return
            self.left -= 1
            yield one
