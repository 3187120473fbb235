"""An item that stood in clear: where, from when to when, and what it named as its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ops.clock import iso


@dataclass(frozen=True, slots=True)
class Source:
    """A record in the source stream that an item named while it stood in clear.

    A change that leaves the item's source as it was names it too, and may have brought what is in clear from elsewhere.

    Attributes:
        sub_sequence: of the user record in a KPL aggregate; 0 of a plain one.
        named_at: when a change last did so, seconds since the epoch: the record arrived before.
    """

    sequence_number: str
    sub_sequence: int
    named_at: float

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "sequence_number": self.sequence_number,
            "sub_sequence": self.sub_sequence,
            "named_at": iso(self.named_at),
        }


@dataclass(frozen=True, slots=True)
class Exposure:
    """An item that stood in clear.

    Attributes:
        places: the paths that were found in clear, in the policy's notation; `?` for a name that it does not declare.
        event_id: of the event that first said so.
        found_at: when what it tells of happened, seconds since the epoch; None where nobody knows when that was.
        written_at: the same; None where it stood in clear before, and nobody knows since when.
        change: `insert`, `modify` or `standing`.
        sources: in the order in which they were first named.
        ended_at: when it did not stand in clear any more; None as long as it does, or where nobody knows when that was.
        ended_by: the event that says so; "" as long as none does.
        removed_by: `expiry` or `principal`, of an item that was removed; else "".
        told_open_seconds: how long it was open, as that event says; None where it does not.
        perhaps_ended_at: when an event told so of an item that is shown alike, this one or another, first; or None.
        proof: "" where the event that first said so is attested; else what is to be said of it.
        ended_proof: the same of the event that says that it ended.
    """

    tenant_id: str
    item_id: str
    places: tuple[str, ...]
    event_id: str
    found_at: float | None
    written_at: float | None
    change: str
    sources: tuple[Source, ...] = ()
    ended_at: float | None = None
    ended_by: str = ""
    removed_by: str = ""
    told_open_seconds: int | None = None
    perhaps_ended_at: float | None = None
    proof: str = ""
    ended_proof: str = ""

    @property
    def is_open(self) -> bool:
        """Whether no event says that it ended; one that may be another item's does not."""
        return not self.ended_by

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
            "sources": [one.document() for one in self.sources],
            "ended_at": iso(self.ended_at),
            "perhaps_ended_at": iso(self.perhaps_ended_at) if self.is_open else None,
            "ended_by": self.ended_by or None,
            "removed_by": self.removed_by or None,
            "open_seconds": self.open_seconds,
            "proof": self.proof or None,
            "ended_proof": self.ended_proof or None,
        }
