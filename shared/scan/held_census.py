"""Census of the quarantine: under which data keys its objects are sealed, read from their first bytes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from shared.envelope.layout import SHORTEST_BYTES, key_id_of
from shared.errors import NotSealed
from shared.model import SYSTEM_TENANT, KeyState, KeyStatus
from shared.runs.model import Example, Tally
from shared.runtime.pool import all_of
from shared.scan.item_census import NOT_ACTIVE
from shared.scan.key_states import KeyStatesSince
from shared.scan.ports import HeldObject, HeldObjects
from shared.scan.tally import merged

_UNKNOWN: Final = "sealed under a data key that is not there, or whose row is not readable"
_NOT_SEALED: Final = "no sealed value"


@dataclass(frozen=True, slots=True)
class HeldCensus:
    """Counts pages of objects.

    Attributes:
        states: made when the census began, or later.
        pool: reads objects side by side.
    """

    held: HeldObjects
    states: KeyStatesSince
    pool: Executor

    def visit(self, elements: Sequence[HeldObject]) -> Tally:
        """Count the objects of a page."""
        heads = all_of(self.pool, self.held.head, elements)
        named = [(one, named_key(one, head)) for one, head in zip(elements, heads, strict=True) if head is not None]
        states = self.states.statuses_of({SYSTEM_TENANT: {key_id for _, key_id in named if key_id is not None}})[
            SYSTEM_TENANT
        ]
        gone = Tally({"visited": len(elements) - len(named)})
        return merged([gone, *(_count(one, key_id, states.get(key_id or 0)) for one, key_id in named)])


def named_key(held: HeldObject, head: bytes) -> int | None:
    """The id of the data key that an object is sealed under, by its first bytes; None where it is no sealed value."""
    try:
        return key_id_of(head.ljust(min(held.size, SHORTEST_BYTES), b"\0"))
    except NotSealed:
        return None


def _count(held: HeldObject, key_id: int | None, status: KeyStatus | None) -> Tally:
    if key_id is None:
        return Tally({"visited": 1, "clear_values": 1, "left": 1}, examples=(_example(held, _NOT_SEALED),))
    counts = {"visited": 1, "sealed_values": 1}
    if status is not None and status.state is KeyState.ACTIVE:
        return Tally(counts)
    keys = {f"{SYSTEM_TENANT}/{key_id:08x}": 1} if status is not None else {}
    if status is None or status.state is None:
        return Tally(counts | {"unknown_values": 1, "left": 1}, keys, examples=(_example(held, _UNKNOWN),))
    return Tally(counts | {"stale_values": 1}, keys, examples=(_example(held, NOT_ACTIVE),))


def _example(held: HeldObject, why: str) -> Example:
    return Example(SYSTEM_TENANT, held.quarantine_id, "", why)
