"""So many items a second, and not more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic as monotonic_clock
from time import sleep as real_sleep
from typing import Final

from shared.runs.model import Run

PAGE_ITEMS: Final = 200


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one worker goes.

    Attributes:
        items_per_second: None for as fast as it goes.
        monotonic: seconds that never go back.
        sleep: waits, in seconds.
    """

    items_per_second: float | None = None
    monotonic: Callable[[], float] = monotonic_clock
    sleep: Callable[[float], None] = real_sleep

    @classmethod
    def of(cls, run: Run) -> Pace:
        """One worker's share of what a run may visit."""
        rate = run.items_per_second
        return cls(None if rate is None else rate / max(1, run.workers))

    @property
    def page_items(self) -> int:
        """How many items to take at a time: no more than some second's worth, so that a page never takes long."""
        rate = self.items_per_second
        return PAGE_ITEMS if rate is None else max(1, min(PAGE_ITEMS, int(rate)))

    def keep(self, items: int, *, begun: float) -> None:
        """Wait until so many items, visited since `begun` by the monotonic clock, were not too many."""
        if self.items_per_second is not None:
            early = begun + items / self.items_per_second - self.monotonic()
            if early > 0:
                self.sleep(early)
