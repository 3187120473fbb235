"""Where a write by those who write single items by themselves stands in its item's order, as the policy says.

Each counts on from the write before it: lane `a`, or the tie-break of an ordered position. A count begins at the
present millisecond, so that none comes back: not where the item was written through another door meanwhile, nor where
it was removed with all that told of it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.errors import Reason, RecordRejected
from shared.model import SOURCE, Attributes
from shared.order import ORDER_AHEAD_SECONDS, ordered_position
from shared.policy.compiled import ItemRules, UnknownOrder
from shared.source_position import (
    ARRIVAL,
    FOUND,
    SourcePosition,
    counter_after,
    counter_position,
    integer_position,
    time_position,
)

_NANOSECONDS: Final = 1_000_000_000
_NANOSECONDS_PER_MS: Final = 1_000_000


class Follows(StrEnum):
    """How a position relates to the one that stands there."""

    NEWER = "newer"
    OLDER = "older"
    UNKNOWN = "unknown"


def follows(position: SourcePosition, standing: SourcePosition | None) -> Follows:
    """Whether a write that was decided in knowledge of what stands there may take its place.

    Only an order of the policy's can forbid it; what came through another door may be replaced by who has seen it.
    """
    if standing is None or standing == FOUND:
        return Follows.NEWER
    if position.lane != standing.lane:
        return Follows.UNKNOWN if position.is_of_same_order(standing) else Follows.NEWER
    return Follows.NEWER if position.place > standing.place else Follows.OLDER


def put_position(
    rules: ItemRules, attributes: Attributes, *, standing: Attributes | None, now_ns: int
) -> SourcePosition:
    """The position of a put.

    Args:
        rules: the policy's.
        attributes: the item's own.
        standing: what stands in its place, a tombstone too.
        now_ns: since the epoch.

    Raises:
        RecordRejected: order_missing, order_invalid or order_ahead.
    """
    counter = _next_counter(standing, now_ns)
    if rules.order is None:
        return _unordered(rules, counter, standing, now_ns)
    position = ordered_position(attributes.get(rules.order), counter, rules.order)
    at = position.order_time
    if at is not None and at > now_ns + ORDER_AHEAD_SECONDS * _NANOSECONDS:
        raise RecordRejected(Reason.ORDER_AHEAD, f"the order attribute lies over {ORDER_AHEAD_SECONDS} s ahead")
    return position


def delete_position(rules: ItemRules, *, standing: Attributes, now_ns: int) -> SourcePosition:
    """The position of a deletion, which says nothing of the item's order: after what stands there.

    By a time it is now, so that what is older and comes later brings nothing back; by an integer, just after.
    """
    counter = _next_counter(standing, now_ns)
    if rules.order is None:
        return _unordered(rules, counter, standing, now_ns)
    digits = standing.get(rules.order, {}).get("N")
    if digits is not None and digits.lstrip("-").isdecimal():
        return integer_position(int(digits) + 1, counter, ordered_by=rules.order)
    return _not_before(standing, now_ns, counter, rules.order)


def position_of(item: Attributes | None) -> SourcePosition | None:
    """The position of a stored item; None where it has none of sealstream's."""
    return None if item is None else SourcePosition.from_bytes(item.get(SOURCE, {}).get("B"))


def _unordered(rules: ItemRules, counter: SourcePosition, standing: Attributes | None, now_ns: int) -> SourcePosition:
    if rules.unknown_order is UnknownOrder.ARRIVAL:
        return _not_before(standing, now_ns, counter, ARRIVAL)
    return counter


def _not_before(standing: Attributes | None, now_ns: int, counter: SourcePosition, ordered_by: str) -> SourcePosition:
    """Ordered by the present, and after what stands there where that was ordered by a clock that is ahead."""
    position, found = time_position(now_ns, counter, ordered_by=ordered_by), position_of(standing)
    at = found.order_time if found is not None and found.lane == position.lane else None
    return position if at is None or at < now_ns else time_position(at + 1, counter, ordered_by=ordered_by)


def _next_counter(standing: Attributes | None, now_ns: int) -> SourcePosition:
    found = position_of(standing)
    if found is None or found.counter is None:
        return counter_position(now_ns // _NANOSECONDS_PER_MS)
    return counter_after(found)
