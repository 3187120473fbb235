"""All figures of a period, from one pass over its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ops.audit.reading import TOLD_OTHERWISE
from ops.report.coverage import Coverage, CoverageCount
from ops.report.runs import RunsTold, ToldRun


@dataclass(frozen=True, slots=True)
class Tally:
    """What the trail tells of a period.

    Attributes:
        by_name: events, each id once.
        quarantined: user records that went to quarantine, by reason.
        first_at: of the first event, seconds since the epoch; None without any, as `last_at`.
    """

    by_name: Mapping[str, int]
    coverage: Coverage
    runs: Sequence[ToldRun]
    quarantined: Mapping[str, int]
    first_at: float | None
    last_at: float | None

    @property
    def events(self) -> int:
        """How many there were."""
        return sum(self.by_name.values())


def tallied(events: Iterable[Mapping[str, Any]]) -> Tally:
    """The figures of these events: flat ones as docs/audit_events.md has them, each once, in their order.

    One that lacks what its name promises, as nothing here writes it, counts by its name and harms nothing. Of one that
    is told in two ways the first telling counts.
    """
    by_name: Counter[str] = Counter()
    quarantined: Counter[str] = Counter()
    coverage, runs = CoverageCount(), RunsTold()
    first = last = 0.0
    for event in events:
        if TOLD_OTHERWISE in event:
            coverage.add_otherwise(event)
            continue
        at = datetime.fromisoformat(event["at"]).timestamp()
        by_name[event["event"]] += 1
        for one in (coverage, runs):
            one.add(event, at)
        if event["event"] == "record.quarantined" and isinstance(records := event.get("record_count"), int):
            quarantined[str(event.get("reason", ""))] += records
        if at:
            first, last = min(first or at, at), max(last, at)
    return Tally(
        by_name=by_name,
        coverage=coverage.result(),
        runs=runs.result(),
        quarantined=quarantined,
        first_at=first or None,
        last_at=last or None,
    )
