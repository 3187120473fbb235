"""Sweep of the items table: every item is mended that needs it, with the re-encryptor's code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import sleep as real_sleep
from typing import Final

from shared.model import Attributes
from shared.reencrypt.reencryptor import Candidate, Fate, Mended, Reencryptor
from shared.runs.model import Tally

PAUSES_SECONDS: Final = (0.5, 2.0)
"""Before what met an outage is tried again: throttling passes, and must not leave a table half swept."""


@dataclass(frozen=True, slots=True)
class ItemSweep:
    """Mends pages of items.

    Attributes:
        adopting: whether items that someone else wrote become sealstream's.
        sleep: waits, in seconds.
    """

    reencryptor: Reencryptor
    adopting: bool
    sleep: Callable[[float], None] = real_sleep

    def visit(self, elements: Sequence[Attributes]) -> Tally:
        """Mend the items of a page; what cannot be mended now is counted as `retry`."""
        settled = self._mend([Candidate(image) for image in elements])
        counts = Counter(visited=len(elements))
        for one in settled:
            counts[one.fate] += one.fate is not Fate.CLEAN
            counts["reencrypted_values"] += one.reencrypted_values
            counts["sealed_values"] += one.sealed_values
        return Tally(dict(+counts), examples=tuple(example for one in settled for example in one.examples))

    def _mend(self, candidates: Sequence[Candidate]) -> Sequence[Mended]:
        settled = self.reencryptor.mend(candidates, adopting=self.adopting)
        for pause in PAUSES_SECONDS:
            again = [index for index, one in enumerate(settled) if one.fate is Fate.RETRY]
            if not again:
                break
            self.sleep(pause)
            renewed = self.reencryptor.mend([candidates[index] for index in again], adopting=self.adopting)
            for index, one in zip(again, renewed, strict=True):
                settled[index] = one
        return settled
