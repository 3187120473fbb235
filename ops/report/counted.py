"""What a report counts of a trail: the events that are of their form, of the segments that prove something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ops.audit.distinct import Event
from ops.audit.reading import Read, Trail
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


class CountedTrail(Trail):
    """Reads the events that can be counted."""

    def believed(self, name: SegmentName, told: Sequence[Read]) -> tuple[Sequence[Read], str]:
        """Those of a segment that are of the form that their names promise."""
        kept, why = super().believed(name, told)
        fitting = [one for one in kept if fits(one[0])]
        whys = [why] if why else []
        if len(fitting) < len(kept):
            whys.append("not of the form that the name promises")
        return fitting, "; ".join(whys)


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
