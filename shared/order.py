"""What makes one record of an item newer than another, where the policy names an attribute for it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.errors import Reason, RecordRejected
from shared.model import AttributeValue
from shared.source_position import SourcePosition, integer_position, time_position

ORDER_AHEAD_SECONDS: Final = 86_400
"""How far an order time may lie ahead of the time at which it came: it keeps every older record of the item out."""
_TIME_FORM: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_INTEGER_FORM: Final = re.compile(r"-?\d+", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def ordered_position(value: AttributeValue | None, tie_break: SourcePosition, order: str) -> SourcePosition:
    """The position of a record by the value of its order attribute; among equal ones by the tie-break.

    Raises:
        RecordRejected: order_missing, or order_invalid.
    """
    if value is None:
        raise RecordRejected(Reason.ORDER_MISSING, "the record has no order attribute")
    if isinstance(text := value.get("S"), str) and (nanoseconds := _nanoseconds(text)) is not None:
        return time_position(nanoseconds, tie_break, ordered_by=order)
    if isinstance(text := value.get("N"), str) and _INTEGER_FORM.fullmatch(text) and abs(int(text)) < 10**38:
        return integer_position(int(text), tie_break, ordered_by=order)
    raise RecordRejected(
        Reason.ORDER_INVALID, "the order attribute is neither an RFC 3339 time with offset nor an integer of 38 digits"
    )


def _nanoseconds(text: str) -> int | None:
    """Nanoseconds since the epoch of an RFC 3339 time, or None; `datetime` alone stops at microseconds."""
    found = _TIME_FORM.fullmatch(text)
    if not found:
        return None
    day, clock, fraction, offset = found.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in 'Zz' else offset}")
    except ValueError:
        return None
    return (at - _EPOCH) // timedelta(seconds=1) * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))
