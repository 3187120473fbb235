"""The audit trail's events, from its segments: in the bucket, or in a folder with a copy of it.

Nothing is proven by reading: that is what `sealstream audit verify` is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby, takewhile
from typing import Any, Final

from ops.audit.distinct import Distinct, Event
from ops.audit.needed import with_contents
from ops.audit.objects import Objects
from shared.aws.audit_bucket import Listed
from shared.errors import TrailUnreadable
from shared.trail.ocsf import flat
from shared.trail.segments import PREFIX, SegmentName, hour_prefix, read_segment
from shared.trail.stages import is_told_by

Wanted = Callable[[Event], bool]

WRITTEN_WITHIN_SECONDS: Final = 48 * 3_600
"""How long after `at` an event may be written: the table's stream keeps a change for a day, and audits take time."""
CLOCKS_DIFFER_SECONDS: Final = 300
"""How long before `at`, by the writer's clock."""

_LAST_SECOND: Final = datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()


class Trail:
    """Reads events.

    Attributes:
        unreadable: why, by the key of each segment that was come upon and could not be read: its events are missing; or
            that tells of what its stage does not tell: these events are left out, as if somebody had forged them.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.unreadable: dict[str, str] = {}

    def events(self, since: float, until: float, *, wanted: Wanted = lambda _: True) -> Iterator[Event]:
        """The events that happened then, each id once, in order of `at` among those written in the same hour.

        An event may be written long after it happened. One that does not know when it happened counts by the hour in
        which it was written.

        Args:
            since: seconds since the epoch.
            until: the same; what happened then is no longer meant.
            wanted: whether an event is; others cost no more than reading them.

        Raises:
            StoreUnavailable: the bucket does not answer.
        """
        return self._told(since, until, wanted, lambda event, _: event)

    def documents(self, since: float, until: float, *, wanted: Wanted = lambda _: True) -> Iterator[Mapping[str, Any]]:
        """The same as the OCSF documents that were written."""
        return self._told(since, until, wanted, lambda _, document: document)

    def _told(
        self, since: float, until: float, wanted: Wanted, form: Callable[[Event, Mapping[str, Any]], Mapping[str, Any]]
    ) -> Iterator[Mapping[str, Any]]:
        hours = groupby(self.contents(self._listed(since, until)), key=lambda one: one[0].hour)
        with Distinct() as distinct:
            for hour, segments in hours:
                for name, content in segments:
                    distinct.add(
                        (event, form(event, document))
                        for event, document in self.read(name, content)
                        if since <= (at_of(event) or hour) < until and wanted(event)
                    )
                yield from distinct.batch()

    def read(self, name: SegmentName, content: bytes) -> Iterable[tuple[Event, Mapping[str, Any]]]:
        """The events of a segment that its stage tells, each with its OCSF document; none where it is unreadable."""
        try:
            told = [(flat(document), document) for document in read_segment(content, name)]
        except (TrailUnreadable, ValueError) as error:
            self.unreadable[name.key] = str(error)
            return ()
        if others := {event["event"] for event, _ in told if not is_told_by(name.stage, event["event"])}:
            self.unreadable[name.key] = f"tells {', '.join(sorted(others))}, which is not for {name.stage} to tell"
        return [one for one in told if one[0]["event"] not in others]

    def contents(self, listed: Iterable[Listed]) -> Iterator[tuple[SegmentName, bytes]]:
        """The segments among these objects, in the same order; what else is called so is for `verify` to say."""
        named = (one for one in listed if SegmentName.parse(one.key))
        for one in with_contents(self._objects, named):
            if one.unreadable:
                self.unreadable[one.key] = one.unreadable
            elif name := SegmentName.parse(one.key):
                yield name, one.content

    def _listed(self, since: float, until: float) -> Iterator[Listed]:
        """The objects that may hold what happened then: keys are in the order of hours."""
        first = hour_prefix(max(since - CLOCKS_DIFFER_SECONDS, 0))
        last = hour_prefix(min(until + WRITTEN_WITHIN_SECONDS, _LAST_SECOND))
        return takewhile(lambda one: one.key < last, self._objects.listed(PREFIX, start_after=first))


def at_of(event: Event) -> float:
    """When it happened, seconds since the epoch; 0 where the event does not know."""
    return datetime.fromisoformat(event["at"]).timestamp()
