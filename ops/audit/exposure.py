"""What stood in clear, from when to when, as the auditor's events tell it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ops.audit.distinct import Event
from ops.audit.reading import at_of
from ops.clock import iso
from shared.model import VerdictKind

_STANDING: Final = "standing"


@dataclass(frozen=True, slots=True)
class Exposure:
    """An item that stood in clear.

    Attributes:
        places: the paths that were found in clear, in the policy's notation; `?` for a name that it does not declare.
        event_id: of the event that first said so.
        found_at: when what it tells of happened, seconds since the epoch.
        written_at: the same; None where it was found standing, and nobody saw it being written.
        change: `insert`, `modify` or `standing`.
        source_sequence_number: of the record in the source stream that the item names; "" where it names none.
        ended_at: when it did not stand in clear any more; None as long as it does.
        ended_by: the event that says so; "" as long as none does.
        removed_by: `expiry` or `principal`, of an item that was removed; else "".
        told_open_seconds: how long it was open, as that event says; None where it does not.
    """

    tenant_id: str
    item_id: str
    places: tuple[str, ...]
    event_id: str
    found_at: float
    written_at: float | None
    change: str
    source_sequence_number: str = ""
    ended_at: float | None = None
    ended_by: str = ""
    removed_by: str = ""
    told_open_seconds: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether no event says that it ended."""
        return self.ended_at is None

    @property
    def open_seconds(self) -> float | None:
        """How long it stood in clear; None while it does, and where nobody knows since when."""
        if self.told_open_seconds is not None or self.ended_at is None or self.written_at is None:
            return self.told_open_seconds
        return max(0.0, self.ended_at - self.written_at)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "tenant_id": self.tenant_id,
            "item_id": self.item_id,
            "places": list(self.places),
            "event_id": self.event_id,
            "found_at": iso(self.found_at),
            "written_at": iso(self.written_at),
            "change": self.change,
            "source_sequence_number": self.source_sequence_number or None,
            "ended_at": iso(self.ended_at),
            "ended_by": self.ended_by or None,
            "removed_by": self.removed_by or None,
            "open_seconds": self.open_seconds,
        }


def shows_clear(event: Event) -> bool:
    """Whether the item stands in clear after what the event tells; `plaintext` is the worst verdict there is."""
    return "item_id" in event and event.get("verdict") == VerdictKind.PLAINTEXT


def item_of(event: Event) -> tuple[str, str]:
    """Whose item it is, and which; "" where it names none."""
    return str(event.get("tenant_id", "")), str(event.get("item_id", ""))


def exposures(events: Iterable[Event]) -> list[Exposure]:
    """Each time that an item began to stand in clear, in the order in which that was found.

    Args:
        events: in order, of each item; those about other things do no harm.
    """
    standing: dict[tuple[str, str], Exposure] = {}
    ended: list[Exposure] = []
    for event in events:
        if "item_id" not in event or "verdict" not in event:
            continue
        item = item_of(event)
        before = standing.pop(item, None)
        if shows_clear(event):
            standing[item] = _still_open(before, event) if before else _begun(event)
        elif before:
            ended.append(_ended(before, event))
    return sorted([*ended, *standing.values()], key=lambda one: (one.found_at, one.tenant_id, one.item_id))


def in_order(events: Iterable[Event]) -> list[Event]:
    """Sorted by when they happened, changes of one second by their sequence number."""
    return sorted(events, key=lambda event: (event["at"], len(number := str(event.get("sequence_number", ""))), number))


def _begun(event: Event) -> Exposure:
    tenant_id, item_id = item_of(event)
    at = at_of(event)
    change = str(event.get("change", ""))
    return Exposure(
        tenant_id=tenant_id,
        item_id=item_id,
        places=tuple(_places(event)),
        event_id=event["event_id"],
        found_at=at,
        written_at=None if change == _STANDING or not at else at,
        change=change,
        source_sequence_number=str(event.get("source_sequence_number", "")),
    )


def _still_open(before: Exposure, event: Event) -> Exposure:
    return replace(before, places=tuple(dict.fromkeys([*before.places, *_places(event)])))


def _ended(before: Exposure, event: Event) -> Exposure:
    told = event.get("open_seconds")
    return replace(
        before,
        ended_at=at_of(event),
        ended_by=str(event["event"]),
        removed_by=str(event.get("removed_by", "")),
        told_open_seconds=told if isinstance(told, int) else None,
    )


def _places(event: Event) -> Iterator[str]:
    findings: Iterable[Mapping[str, Any]] = event.get("findings", ())
    return (str(one.get("where", "")) for one in findings if one.get("kind") == VerdictKind.PLAINTEXT)
