"""A clock that stands until it is moved."""

from __future__ import annotations


class FakeClock:
    """Wall and monotonic time, each moved by hand; give `clock.wall` and `clock.monotonic` to what asks for time."""

    def __init__(self, wall: float = 1_700_000_000.0, monotonic: float = 50.0) -> None:
        self.wall_seconds = wall
        self.monotonic_seconds = monotonic

    def wall(self) -> float:
        return self.wall_seconds

    def monotonic(self) -> float:
        return self.monotonic_seconds

    def advance(self, seconds: float) -> None:
        """Time passes, by both clocks."""
        self.wall_seconds += seconds
        self.monotonic_seconds += seconds
