"""The quarantine as its index has it now: what is held and what was decided, never what it holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ops.quarantine.index import Entry
from shared.model import EntryState


@dataclass(frozen=True, slots=True)
class Held:
    """Entries of the quarantine.

    Attributes:
        records: user records by the reason for which they are held now, or were decided, and by state.
        entries: entries by state.
        oldest_at: when the oldest that is held arrived, seconds since the epoch; None where none is held, or nobody
            knows.
    """

    records: Mapping[tuple[str, str], int]
    entries: Mapping[str, int]
    oldest_at: float | None

    @property
    def reasons(self) -> list[str]:
        """All that there are, those of most records first."""
        totals: dict[str, int] = {}
        for (reason, _), number in self.records.items():
            totals[reason] = totals.get(reason, 0) + number
        return sorted(totals, key=lambda reason: (-totals[reason], reason))

    @property
    def records_held(self) -> int:
        """User records that wait for a decision."""
        return sum(number for (_, state), number in self.records.items() if state == EntryState.HELD)


def held(entries: Iterable[Entry]) -> Held:
    """Count them; in any order, decided ones too."""
    records: dict[tuple[str, str], int] = {}
    states: dict[str, int] = {}
    oldest: float | None = None
    for entry in entries:
        place = (entry.reason, entry.state)
        records[place] = records.get(place, 0) + entry.record_count
        states[entry.state] = states.get(entry.state, 0) + 1
        if entry.state == EntryState.HELD and entry.arrived_at:
            oldest = min(entry.arrived_at, oldest or entry.arrived_at)
    return Held(records, states, oldest)
