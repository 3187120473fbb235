"""What functions keep of their events, in memory instead of the audit bucket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.errors import StoreUnavailable


@dataclass
class KeptEvents:
    """The trail of an audit log.

    Attributes:
        segments: where they came from, and their events.
        down: whether it does not answer.
        before: called with each segment, which it may keep from being written.
    """

    segments: list[tuple[str, Sequence[Mapping[str, Any]]]] = field(default_factory=list)
    down: bool = False
    before: Callable[[], object] = lambda: None

    def write(self, events: Sequence[Mapping[str, Any]], *, where: str) -> str | None:
        self.before()
        if self.down:
            raise StoreUnavailable("the audit bucket is down")
        if (where, events) in self.segments:
            return None
        self.segments.append((where, events))
        return f"segment-{len(self.segments)}"

    @property
    def events(self) -> list[Mapping[str, Any]]:
        """All of them, those that were told again too."""
        return [event for _, events in self.segments for event in events]

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.events]
