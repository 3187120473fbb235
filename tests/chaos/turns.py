"""Several invocations in turns, one AWS call at a time, and what becomes of each call: all as a script says.

Nothing happens at the same time and nothing sleeps, so the same script gives the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from contextvars import ContextVar
from enum import StrEnum
from threading import Condition, Thread, local
from typing import Any, TypeVar

T = TypeVar("T")


class Fate(StrEnum):
    """What becomes of one AWS call."""

    DONE = "done"
    REFUSED = "refused"
    """Throttled, or the service fails: nothing was applied."""
    LOST = "lost"
    """Applied; the connection is reset before the answer comes."""
    UNFORESEEN = "unforeseen"
    """An error that nobody thought of, which quotes a value."""
    KILLED = "killed"
    """The process ends before the call."""
    KILLED_AFTER = "killed_after"
    """The process ends once the call is applied."""
    SLOW = "slow"
    """As long as a call may take."""
    FROZEN = "frozen"
    """Longer than any invocation lasts, and than a data key may be used."""


LATENCY_SECONDS = {Fate.SLOW: 25.0, Fate.FROZEN: 310.0}
FAULTS = tuple(fate for fate in Fate if fate is not Fate.DONE)
Step = tuple[int, Fate]
"""Which invocation goes on, of those that are not over, and what becomes of the call that was to be made now."""


CALLER: ContextVar[Any] = ContextVar("CALLER", default=None)
"""The process whose invocation runs in this thread."""


class Killed(BaseException):
    """The process is gone, and all that it had in memory."""


class Turns:
    """Runs invocations; what they call asks for the next step.

    Attributes:
        steps: of the present run; after the last one every call is done.
    """

    def __init__(self) -> None:
        self.steps: Iterator[Step] = iter(())
        self._at_work: list[int] = []
        self._turn = 0
        self._moved = Condition()
        self._thread = local()

    def run(self, works: Sequence[Callable[[], T]], steps: Iterable[Step]) -> list[T | Killed]:
        """What each came to; what any of them raises, but that it was killed, is raised here."""
        self.steps = iter(steps)
        results: list[Any] = [None] * len(works)
        if len(works) == 1:
            self._attempt(0, works[0], results)
        else:
            self._at_work, self._turn = list(range(len(works))), 0
            threads = [Thread(target=self._work, args=(number, works[number], results)) for number in self._at_work]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.steps = iter(())
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, Killed):
                raise result
        return results

    def next_fate(self) -> Fate:
        """What becomes of the call that is to be made now; before that, others may have had their turns."""
        turn, fate = next(self.steps, (0, Fate.DONE))
        number = getattr(self._thread, "number", None)
        if number is not None:
            with self._moved:
                self._turn = self._at_work[turn % len(self._at_work)]
                self._moved.notify_all()
                self._moved.wait_for(lambda: self._turn == number)
        return fate

    def _work(self, number: int, work: Callable[[], Any], results: list[Any]) -> None:
        self._thread.number = number
        with self._moved:
            self._moved.wait_for(lambda: self._turn == number)
        self._attempt(number, work, results)
        with self._moved:
            self._at_work.remove(number)
            with suppress(IndexError):
                self._turn = self._at_work[0]
            self._moved.notify_all()

    @staticmethod
    def _attempt(number: int, work: Callable[[], Any], results: list[Any]) -> None:
        try:
            results[number] = work()
        except BaseException as error:  # noqa: BLE001 - raised again by `run`, unless it is what the script asked for
            results[number] = error
