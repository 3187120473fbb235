"""Failures are borne: workers are killed, services throttle. But not for ever."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from threading import Event
from typing import Final, TypeVar

from ops.clock import Clock
from ops.errors import NoProgress
from shared.errors import RetryLater

PATIENCE_SECONDS: Final = 300.0
"""So long may everything that is tried fail."""
FIRST_PATIENCE_SECONDS: Final = 30.0
"""The same for the first call of all: what does not answer at all is likelier wrongly named than busy."""
FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 5.0

Answer = TypeVar("Answer")


class Patience:
    """Repeats what fails until it succeeds; shared by the threads of a command, of whom one success counts for all.

    Attributes:
        stopped: set when nothing more is to be tried.
    """

    def __init__(self, clock: Clock, trouble: Callable[[str], None], seconds: float = FIRST_PATIENCE_SECONDS) -> None:
        self._clock = clock
        self._trouble = trouble
        self._seconds = seconds
        self._succeeded_at = clock.monotonic()
        self.stopped = Event()

    def insist(self, call: Callable[[], Answer]) -> Answer:
        """Call until it raises no RetryLater, with growing pauses.

        Raises:
            NoProgress: nobody had any success for too long, or it was stopped.
        """
        failing_since = None
        for attempt in count():
            try:
                answer = call()
            except RetryLater as error:
                failing_since = self._clock.monotonic() if failing_since is None else failing_since
                self._pause(error, attempt, failing_since)
            else:
                self._succeeded_at = self._clock.monotonic()
                self._seconds = PATIENCE_SECONDS
                return answer
        raise AssertionError  # counting has no end

    def rest(self, seconds: float) -> None:
        """Wait for so long, or until it is stopped."""
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0 and not self.stopped.is_set():
            self._clock.sleep(min(left, LONGEST_PAUSE_SECONDS))

    def _pause(self, error: RetryLater, attempt: int, failing_since: float) -> None:
        """Wait before the next attempt; a success of others gives this one time, too."""
        without_success = self._clock.monotonic() - max(self._succeeded_at, failing_since)
        if self.stopped.is_set() or without_success > self._seconds:
            self.stopped.set()
            raise NoProgress(f"gave up after {self._seconds:g} s without any success; the last failure: {error}")
        self._trouble(str(error))
        self._clock.sleep(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(attempt, 10)))
