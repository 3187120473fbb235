"""How long records take from being put to being verified: what a change says of when its record arrived."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.model import SOURCE, Attributes, ItemChange, Verdict, VerdictKind
from shared.policy.verify_change import Mending
from shared.policy.verify_system import arrived_at
from shared.source_position import SourcePosition

LAG_AT_MOST_SECONDS: Final = 86_400
"""Encryptor and auditor give up sooner, together: what takes longer, an operator put back, in his own time."""
_SOUND: Final = frozenset({VerdictKind.VERIFIED, VerdictKind.STALE, VerdictKind.UNDECLARED})


def arrival_of(change: ItemChange, verdict: Verdict, mended: Mending | None) -> float | None:
    """When the record arrived that a change brought, seconds since the epoch.

    None where that is not known, where the item is not as sealstream writes it, and where the change brought none of
    the stream: it removed the item, or mended it, or wrote a record that stood there already, or came by another door.
    """
    if change.new is None or mended is not None or verdict.kind not in _SOUND:
        return None
    position, before = _position(change.new), _position(change.old or {})
    if position is None or not position.came_by_stream or (before and position.is_of_same_record(before)):
        return None
    return arrived_at(change.new)


def lags(arrivals: Iterable[float], *, verified_at: float) -> list[float]:
    """From each arrival to the verification, in seconds, without those that are no sign of how fast records pass.

    The clocks are several, and a record may seem to come from the future.
    """
    passed = (max(0.0, round(verified_at - arrived, 3)) for arrived in arrivals)
    return [seconds for seconds in passed if seconds <= LAG_AT_MOST_SECONDS]


def _position(item: Attributes) -> SourcePosition | None:
    return SourcePosition.from_bytes(item.get(SOURCE, {}).get("B"))
