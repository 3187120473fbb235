"""What a report counts of a trail: the events that are of their form, of the segments that prove something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ops.audit.distinct import Event
from ops.audit.objects import Objects
from ops.audit.reading import Trail
from shared.aws.audit_bucket import Listed
from shared.model import VerdictKind
from shared.runtime.audit_log import (
    ALLOWED_FIELDS,
    CENSUS_FIGURES,
    FINDING_FIELDS,
    RECONCILIATION_FIGURES,
    AuditEvent,
)
from shared.trail.segments import SegmentName

_RUN: Final = {"run_id": str, "kind": str}
_ENDED: Final = {**_RUN, "verdict": str}
_COUNTED: Final[Mapping[str, Mapping[str, type]]] = {
    AuditEvent.RECORD_QUARANTINED: {"reason": str, "record_count": int},
    AuditEvent.ROTATION_STARTED: _RUN,
    AuditEvent.CENSUS_COMPLETED: {**_ENDED, **dict.fromkeys(CENSUS_FIGURES, int)},
    AuditEvent.ROTATION_COMPLETED: _ENDED,
    AuditEvent.RECONCILIATION_COMPLETED: {**_ENDED, **dict.fromkeys(RECONCILIATION_FIGURES, int)},
}
"""Fields that an event has to have, for its figures to be right."""
_VERDICTS: Final = frozenset(VerdictKind)


class Countable:
    """The objects with these keys."""

    def __init__(self, objects: Objects, keys: frozenset[str]) -> None:
        self._objects = objects
        self._keys = keys

    def listed(self, prefix: str, start_after: str = "") -> Iterator[Listed]:
        """Those whose keys begin so and come after `start_after`, by key, ascending."""
        return (one for one in self._objects.listed(prefix, start_after) if one.key in self._keys)

    def read(self, key: str, version_id: str | None = None) -> bytes:
        """An object's bytes; raises StoreUnavailable."""
        return self._objects.read(key, version_id)


class CountedTrail(Trail):
    """Reads the events that can be counted.

    Attributes:
        misfits: how many were come upon that cannot, by the key of their segment.
    """

    def __init__(self, objects: Objects) -> None:
        super().__init__(objects)
        self.misfits: dict[str, int] = {}

    def read(self, name: SegmentName, content: bytes) -> Iterable[tuple[Event, Mapping[str, Any]]]:
        """Those of a segment, each with its OCSF document; none where it is unreadable."""
        told = [*super().read(name, content)]
        fitting = [one for one in told if fits(one[0])]
        if len(fitting) < len(told):
            self.misfits[name.key] = len(told) - len(fitting)
        return fitting


def fits(event: Event) -> bool:
    """Whether it is of the form that its name promises: no field that is not allowed, and all that are counted."""
    name = event["event"]
    allowed = ALLOWED_FIELDS.get(name)
    if allowed is None or not event.keys() <= allowed:
        return False
    if any(not finding.keys() <= FINDING_FIELDS for finding in event.get("findings", ())):
        return False
    if name.startswith("item.") and event.get("verdict") not in _VERDICTS:
        return False
    return all(type(event.get(field)) is kind for field, kind in _COUNTED.get(name, {}).items())
