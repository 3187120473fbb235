"""The audit trail of one campaign, from the segments in the bucket."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.audit.distinct import Event
from ops.audit.objects import Objects
from ops.audit.reading import Trail
from shared.trail.segments import PREFIX, hour_prefix


@dataclass
class Told:
    """What functions told since a time.

    Attributes:
        since: seconds since the epoch.
        look: is shown each document once.
    """

    bucket: Objects
    since: float
    look: Callable[[str, Any], None]
    _met: set[str] = field(default_factory=set)
    _by_change: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))

    def by_change(self) -> Mapping[str, Sequence[Event]]:
        """The events of the table's changes so far, as often as they were told, by the change's number."""
        listed = self.bucket.listed(PREFIX, start_after=hour_prefix(self.since))
        # S3 tells whole seconds
        fresh = [one for one in listed if one.last_modified >= int(self.since) and one.key not in self._met]
        trail = Trail(self.bucket)
        for name, content in trail.contents(fresh):
            for event, document in trail.read(name, content):
                self.look("audit trail", document)
                if event["event"].startswith("item.") and "sequence_number" in event:
                    self._by_change[event["sequence_number"]].append(event)
        assert not trail.unreadable, f"segments that cannot be read: {trail.unreadable}"
        assert not trail.left_out, f"events that are not believed: {trail.left_out}"
        self._met.update(one.key for one in fresh)
        return self._by_change
