"""`sealstream audit tail`: events as they come, from segments as they are written.

Not from the table's stream: of that a shard lets two read at once, and they are the auditor and whoever is put beside.
"""

from __future__ import annotations

import sys

from ops.audit import telling
from ops.audit.distinct import Distinct, Event
from ops.audit.objects import Objects, objects_of
from ops.audit.reading import Trail
from ops.audit.selection import Selection
from ops.clock import Clock
from ops.patience import Patience
from ops.telling import for_programs
from shared.printable import printable
from shared.trail.segments import PREFIX, hour_prefix

LATEST_SECONDS = 600
"""How long after its hour is over a segment may be written under it."""


class Following:
    """The segments that were written since, each once; each look lists those of the present hour."""

    def __init__(self, objects: Objects, since: float) -> None:
        self.trail = Trail(objects)
        self._objects = objects
        self._since = self._looked_at = since
        self._seen: frozenset[str] = frozenset()

    def look(self, now: float) -> list[Event]:
        """The events of what is new, in any order; where it raises StoreUnavailable, the next look has them, too."""
        first = hour_prefix(self._looked_at - LATEST_SECONDS)
        there = [one for one in self._objects.listed(PREFIX, start_after=first) if one.last_modified >= self._since]
        fresh = [one for one in there if one.key not in self._seen]
        events = [event for name, content in self.trail.contents(fresh) for event, _ in self.trail.read(name, content)]
        self._seen = frozenset(one.key for one in there)
        self._looked_at = now
        return events


def tail(
    selection: Selection,
    *,
    since: float | None = None,
    seconds: float | None = None,
    every_seconds: float = 2.0,
    as_json: bool = False,
    objects: Objects | None = None,
    clock: Clock | None = None,
) -> int:
    """Print events as they come, for so long or until Ctrl-C; 1 where some of the trail could not be read.

    Args:
        selection: which events.
        since: also those whose segments were written then or later, seconds since the epoch; None for now.
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
    began = clock.monotonic()
    since = float(int(clock.wall() if since is None else since))  # S3 tells whole seconds
    following = Following(objects or objects_of(None), since)
    patience = Patience(clock, lambda why: print(f"trying again: {printable(why)}", file=sys.stderr))
    with Distinct() as distinct:
        try:
            while True:
                events = patience.insist(lambda: following.look(clock.wall()))
                distinct.add((event, event) for event in events if selection.wants(event))
                for event in distinct.batch():
                    telling.tell(event, as_json=as_json)
                left = float("inf") if seconds is None else began + seconds - clock.monotonic()
                if left <= 0:
                    break
                clock.sleep(min(every_seconds, left))
        except KeyboardInterrupt:
            pass  # how it is meant to end
    return telling.unreadable(following.trail)
