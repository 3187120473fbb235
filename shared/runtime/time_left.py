"""How much of the present invocation is left, for calls that must end before it does."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from shared.errors import OutOfTime
from shared.runtime.batch import Context, seconds_left


class TimeLeft:
    """Of one process, which does one invocation at a time; without any there is no end of time."""

    def __init__(self) -> None:
        self._seconds: Callable[[], float] = lambda: inf

    def begin(self, context: Context) -> None:
        """An invocation has begun."""
        self._seconds = lambda: seconds_left(context)

    def demand(self, seconds: float) -> None:
        """See that something that takes so long at most can still be done.

        Raises:
            OutOfTime: it cannot.
        """
        if self._seconds() < seconds:
            raise OutOfTime(f"less than {seconds:g} s of the invocation are left")
