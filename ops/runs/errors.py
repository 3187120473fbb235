"""What a run is refused for from here."""

from __future__ import annotations

from shared.errors import NeedsAttention


class AnotherRun(NeedsAttention):
    """An unfinished run of the kind was begun with options that contradict these."""


class LeftToAws(KeyboardInterrupt):
    """Interrupted while the state machine, started from here, drives the run."""
