"""`sealstream audit tail`: events as they come, from segments as they are written.

Not from the table's stream: of that a shard lets two read at once, and they are the auditor and whoever is put beside.
"""

from __future__ import annotations

import sys
from math import inf
from typing import Final, Protocol

from ops.audit import telling
from ops.audit.distinct import Distinct, Event
from ops.audit.objects import Objects, the_bucket
from ops.audit.reading import Trail
from ops.audit.selection import Selection
from ops.clock import Clock
from ops.patience import Patience
from ops.telling import for_programs
from shared.aws.audit_bucket import Listed
from shared.printable import printable
from shared.trail.segments import PREFIX, hour_prefix

LATEST_SECONDS: Final = 600
"""How long after its hour is over a segment may be written under it."""
SEGMENTS_AT_ONCE: Final = 100
"""So many are read before their events are shown: what is held in memory, however long ago it is to begin."""


class Growing(Objects, Protocol):
    """Objects to which others add."""

    def now(self) -> float:
        """The time by which it says when they were added, seconds since the epoch; raises StoreUnavailable."""


class Following:
    """The segments that were written since, each once; in rounds, of which each lists those of the present hour.

    Attributes:
        more: whether the present round goes on.
    """

    def __init__(self, objects: Objects, since: float) -> None:
        self.trail = Trail(objects)
        self.more = False
        self._objects = objects
        self._since = since
        self._after = self._from(since)
        self._began = since
        self._met: set[str] = set()
        self._seen: frozenset[str] = frozenset()

    def look(self, now: float) -> list[tuple[str, list[Event]]]:
        """The events of some of what is new, by segment; where it raises StoreUnavailable, the next look has them.

        Args:
            now: by the bucket's clock.
        """
        if not self.more:
            self._began = now
        fresh = self._fresh()
        read = self.trail.read
        told = [(one.key, [event for event, _ in read(one, content)]) for one, content in self.trail.contents(fresh)]
        self.more = len(fresh) == SEGMENTS_AT_ONCE
        if self.more:
            self._after = fresh[-1].key
        else:
            self._seen, self._met = frozenset(self._met), set()
            self._after = self._from(self._began)
        return told

    def _fresh(self) -> list[Listed]:
        fresh: list[Listed] = []
        for one in self._objects.listed(PREFIX, start_after=self._after):
            if one.last_modified >= self._since:
                self._met.add(one.key)
                if one.key not in self._seen:
                    fresh.append(one)
            if len(fresh) == SEGMENTS_AT_ONCE:
                break
        return fresh

    def _from(self, at: float) -> str:
        return hour_prefix(at - LATEST_SECONDS)


def tail(
    selection: Selection,
    *,
    since: float | None = None,
    seconds: float | None = None,
    every_seconds: float = 2.0,
    as_json: bool = False,
    objects: Growing | None = None,
    clock: Clock | None = None,
) -> int:
    """Print events as they come, for so long or until Ctrl-C; 1 where some of the trail could not be read.

    Args:
        selection: which events.
        since: also those whose segments were written then or later, seconds since the epoch; None for now. Now is by
            the bucket's clock, whatever the operator's says.
        seconds: how long; None for ever.
        every_seconds: how often it looks.
        as_json: JSON lines in a terminal, too.
        objects: where the trail lies.
        clock: how time passes.

    Raises:
        NoProgress: for minutes the bucket did not answer.
        SettingsError: a name is missing.
    """
    clock = clock or Clock()
    as_json = for_programs(as_json=as_json)
    objects = objects or the_bucket()
    patience = Patience(clock, lambda why: print(f"trying again: {printable(why)}", file=sys.stderr))
    began_at, began = patience.insist(objects.now), clock.monotonic()
    since = float(int(began_at if since is None else min(since, began_at)))  # S3 tells whole seconds
    following = Following(objects, since)
    with Distinct() as distinct:
        try:
            while True:
                for segment, events in patience.insist(lambda: following.look(began_at + clock.monotonic() - began)):
                    distinct.add(segment, ((event, event) for event in events if selection.wants(event)))
                for kept in distinct.batch():
                    telling.tell(kept.document, as_json=as_json)
                if following.more:
                    continue
                left = inf if seconds is None else began + seconds - clock.monotonic()
                if left <= 0:
                    break
                clock.sleep(min(every_seconds, left))
        except KeyboardInterrupt:
            pass  # how it is meant to end
    return telling.ended(following.trail)
