"""A run that the state machine drives: started, and looked at until it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from ops.clock import Clock
from ops.errors import NoProgress
from ops.patience import Patience
from ops.runs.errors import LeftToAws
from ops.runs.machine import Machine
from ops.runs.watch import Figures, Watcher
from shared.runs.model import Phase

STILL_SECONDS: Final = 300.0
"""A run of which nothing is stored for so long has nobody who drives it; longer than an invocation takes for a page."""
STARTS: Final = 3
"""So often in a row is the state machine started for a run that does not move."""


@dataclass(frozen=True, slots=True)
class Follower:
    """Looks at one run until it is done; starts the state machine where nobody drives the run.

    Attributes:
        every_seconds: how often the run is looked at.
        log: where more is told, for messages.
    """

    machine: Machine
    run_id: str
    watcher: Watcher
    patience: Patience
    show: Callable[[Figures], None]
    say: Callable[[str], None]
    clock: Clock
    every_seconds: float
    log: str

    def start(self) -> str:
        """Start an execution; its name. Safe where another one is at work: each step is."""
        return self.patience.insist(lambda: self.machine.start(self.run_id))

    def follow(self, execution: str = "") -> None:
        """Look on until the run is done.

        Args:
            execution: what was started for it; "" where the run was joined, and somebody else may drive it.

        Raises:
            NoProgress: the execution failed, or the run does not move.
            LeftToAws: interrupted, with an execution at work that was started from here.
        """
        starts, looked_since = 0, self.clock.monotonic()
        try:
            while True:
                figures = self._look()
                if figures.phase is Phase.DONE:
                    return
                if execution and (failure := self.patience.insist(partial(self.machine.failure, execution))):
                    raise NoProgress(f"the state machine's execution ended with {failure}; more in {self.log}")
                if self.watcher.moved_at > looked_since:
                    starts, looked_since = 0, self.watcher.moved_at
                if self._waits(figures):
                    looked_since = self.clock.monotonic()
                elif self.clock.monotonic() - looked_since > STILL_SECONDS:
                    if starts == STARTS:
                        raise NoProgress(f"the run does not move, whatever is started for it; more in {self.log}")
                    self.say(f"nothing moved for {STILL_SECONDS:g} s: starting the state machine")
                    execution, starts, looked_since = self.start(), starts + 1, self.clock.monotonic()
                self.clock.sleep(self.every_seconds)
        except KeyboardInterrupt:
            if execution:
                raise LeftToAws from None
            raise

    def _look(self) -> Figures:
        figures = self.patience.insist(self.watcher.look)
        if figures is None:
            raise NoProgress("the run is gone from the runs table")
        self.show(figures)
        return figures

    def _waits(self, figures: Figures) -> bool:
        return figures.phase is Phase.BARRIER and (figures.ends_at or 0.0) > self.clock.wall()
