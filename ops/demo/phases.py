"""A display of runs that passes everything on, and notes how long each phase lasted."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ops.runs.display import Display
from ops.runs.watch import Figures
from shared.runs.model import Phase, Run


@dataclass
class TimedPhases:
    """Shows on another display.

    Attributes:
        seconds: by phase, for those that are over.
    """

    shown_on: Display
    seconds: dict[Phase, float] = field(default_factory=dict)
    _phase: Phase | None = None
    _since: float = 0.0

    def begun(self, run: Run, *, joined: bool) -> None:
        """A run was begun."""
        self._enter(run.phase)
        self.shown_on.begun(run, joined=joined)

    def progress(self, figures: Figures) -> None:
        """How far it is; told before and after each step, so that no change of phase is missed for long."""
        if figures.phase is not self._phase:
            self._enter(figures.phase)
        self.shown_on.progress(figures)

    def trouble(self, message: str) -> None:
        """Something is tried again."""
        self.shown_on.trouble(message)

    def told(self, message: str) -> None:
        """Something to know."""
        self.shown_on.told(message)

    def _enter(self, phase: Phase) -> None:
        now = time.monotonic()
        if self._phase is not None:
            self.seconds[self._phase] = now - self._since
        self._phase, self._since = phase, now
