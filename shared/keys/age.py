"""How long a data key may be used after it was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, time
from typing import Final

MAX_AGE_SECONDS: Final = 300.0
"""`A` of the design: the census that retires a key waits at least this long after the key ceased to be active."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The span in which something may be used; seconds, by wall and by monotonic clock."""

    wall_from: float
    wall_until: float
    monotonic_until: float

    def allows(self, wall: float, monotonic_now: float) -> bool:
        """Whether this moment lies in the span.

        Two clocks, since the monotonic one may stand still while a Lambda is frozen, and the wall clock may be set.
        A wall clock from before the start was set back, so it can no longer say how old anything is.
        """
        return monotonic_now < self.monotonic_until and self.wall_from <= wall < self.wall_until


@dataclass(frozen=True, slots=True)
class AgeLimit:
    """Deadlines of `max_age_seconds` by the two clocks."""

    max_age_seconds: float = MAX_AGE_SECONDS
    wall: Callable[[], float] = time
    monotonic: Callable[[], float] = monotonic

    def deadline(self) -> Deadline:
        """The deadline for what is read from now on; to be taken before it is read."""
        wall = self.wall()
        return Deadline(wall, wall + self.max_age_seconds, self.monotonic() + self.max_age_seconds)

    def allows(self, deadline: Deadline) -> bool:
        """Whether the deadline is still ahead by both clocks."""
        return deadline.allows(self.wall(), self.monotonic())
