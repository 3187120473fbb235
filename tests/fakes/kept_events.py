"""What functions keep of their events, in memory instead of the audit bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.aws.audited import audit_log
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

    def write(self, events: Sequence[Mapping[str, Any]], *, where: str) -> Sequence[tuple[str | None, int]]:
        self.before()
        if self.down:
            raise StoreUnavailable("the audit bucket is down")
        if (where, events) in self.segments:
            return [(None, len(events))]
        self.segments.append((where, events))
        return [(f"segment-{len(self.segments)}", len(events))]

    @property
    def events(self) -> list[Mapping[str, Any]]:
        """All of them, those that were told again too."""
        return [event for _, events in self.segments for event in events]

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.events]


@contextmanager
def kept_in_memory() -> Iterator[KeptEvents]:
    """What the process keeps in the audit trail, instead of in a bucket."""
    kept = KeptEvents()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEALSTREAM_AUDIT_BUCKET", "trail")
        patch.setenv("SEALSTREAM_STAGE", "stage")
        patch.setenv("SEALSTREAM_LOG_EVERY_EVENT", "true")
        patch.setattr("shared.aws.audited._trail", lambda _settings: kept)
        audit_log.cache_clear()
        yield kept
    audit_log.cache_clear()
