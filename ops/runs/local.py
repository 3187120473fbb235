"""A run driven from here, step by step, against the local AWS: its scan is fanned out by threads of this process.

The threads invoke the worker; they see no item and no data key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Final, TypeVar, assert_never

from ops.clock import Clock
from ops.functions import Invoke
from ops.patience import Patience
from ops.runs import answers
from ops.threads import together
from shared.runs.model import Phase, Run

SCAN_SECONDS: Final = 20
"""How long one invocation of a worker works."""
AFTER_OVERTAKEN_SECONDS: Final = 1.0
"""Whoever overtook is at work; with no other segment to take, this one is left to it for a moment."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class LocalDriver:
    """Takes a run to its end.

    Attributes:
        look: shows how far the run is, and says in which phase, None where that cannot be told; called from the thread
            that called `drive`.
        every_seconds: how often that is done.
    """

    rotation: Invoke
    worker: Invoke
    patience: Patience
    look: Callable[[], Phase | None]
    clock: Clock
    every_seconds: float

    def drive(self, run: Run) -> None:
        """Go on with the run until it is done. Raises NoProgress, FunctionRefused."""
        try:
            while self._step(run):
                pass
        except BaseException:
            self.patience.stopped.set()  # so that threads left behind begin nothing more
            raise

    def _step(self, run: Run) -> bool:
        """Ask what is next and do it; False when nothing is."""
        self.look()
        step = self._watched([partial(self.patience.insist, partial(answers.advance, self.rotation, run.run_id))])[0]
        self.look()
        match step.phase:
            case Phase.PREPARE:
                return True
            case Phase.SWEEP | Phase.CENSUS:
                work = _Segments(step.segments)
                workers = max(1, min(run.workers, len(step.segments)))
                self._watched([partial(self._work, run.run_id, work)] * workers)
                return True
            case Phase.BARRIER:
                self._wait(step.wait_seconds)
                return True
            case Phase.DONE:
                return False
            case _:  # pragma: no cover
                assert_never(step.phase)

    def _watched(self, works: list[Callable[[], Result]]) -> list[Result]:
        return together(works, meanwhile=self.look, every_seconds=self.every_seconds)

    def _work(self, run_id: str, segments: _Segments) -> None:
        """One worker: a segment after the other, until none is left that nobody has."""
        while not self.patience.stopped.is_set() and (segment := segments.take()) is not None:
            scanned = self.patience.insist(
                partial(answers.scan, self.worker, run_id=run_id, segment=segment, seconds=SCAN_SECONDS)
            )
            if scanned.done:
                continue
            segments.give_back(segment)
            if scanned.overtaken:
                self.clock.sleep(AFTER_OVERTAKEN_SECONDS)

    def _wait(self, seconds: float) -> None:
        """Let the barrier's time pass, looking on; a moment at least, however little is left. Ends if the run does."""
        ends = self.clock.monotonic() + max(self.every_seconds, seconds)
        while (left := ends - self.clock.monotonic()) > 0:
            self.clock.sleep(min(self.every_seconds, left))
            if self.look() is Phase.DONE:  # called off
                return


class _Segments:
    """Segments that are not done and that no worker of this process has."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._free = deque(numbers)
        self._lock = Lock()

    def take(self) -> int | None:
        with self._lock:
            return self._free.popleft() if self._free else None

    def give_back(self, number: int) -> None:
        """Last in turn, so that the next taken is another, where there is one."""
        with self._lock:
            self._free.append(number)
