"""An item's new image against the old one: whether its position may follow, and whether one record gave both."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from shared.model import OPEN_SINCE, POLICY, SOURCE, Attributes, AttributeValue, Finding
from shared.policy.compiled import Policy
from shared.policy.stored_walk import ItemWalk
from shared.policy.verify_findings import malformed
from shared.policy.verify_system import strays
from shared.source_position import FOUND, SourcePosition

_SEALABLE: Final = "SEALABLE"
"""Stands in an old image before what the policy seals and is in clear there; DynamoDB has no such type."""


def succession_findings(new: Attributes, old: Attributes, sealed_by: Collection[Policy]) -> Iterator[Finding]:
    """What is wrong with a sound position as the successor of the one that stood there.

    Args:
        new: the image after the change.
        old: the one before it.
        sealed_by: the policies that a mending of it may have followed.
    """
    position, before = _position(new), _position(old)
    if position is None:
        return
    if before is None:
        if position == FOUND and SOURCE not in old and not holds_the_same(new, old, sealed_by):
            yield malformed(SOURCE, "content changed while the item was taken over")
    elif position == FOUND != before:
        yield malformed(SOURCE, "the source position was lost")
    elif before.lane != position.lane:
        yield from _lane_findings(position, before)
    elif position.place < before.place:
        yield malformed(SOURCE, "the source position went back")
    elif position == before and not holds_the_same(new, old, sealed_by):
        yield malformed(SOURCE, "content changed under the same source position")


def _lane_findings(position: SourcePosition, before: SourcePosition) -> Iterator[Finding]:
    """Where the policy ordered differently before, records of one lane of stream or files follow by arrival, or again.

    Nobody writes over the record of another such lane, nor an integer over a time of the same order; what came by other
    doors may follow and be followed.
    """
    arrived, arrived_before = position.by_arrival, before.by_arrival
    if position.is_of_same_order(before):
        yield malformed(SOURCE, "the source lane changed")
    elif arrived is None or arrived_before is None:
        return
    elif arrived.lane != arrived_before.lane:
        yield malformed(SOURCE, "the source lane changed")
    elif arrived.place < arrived_before.place:
        yield malformed(SOURCE, "the source position went back")


def holds_the_same(new: Attributes, old: Attributes, sealed_by: Collection[Policy]) -> bool:
    """Whether, as far as can be read without a key, one record gave both: the same places, the same values in clear.

    One sealed value may stand for another, and for what one of the policies seals: to re-encrypt in its place, or to
    seal there what was in clear, is no change. For a value that the policy keeps plain none may, and nothing for a
    sealed value: nothing is ever unsealed in its place.
    """
    return any(_is_same(_from_the_record(new), _from_the_record(_sealable(old, policy))) for policy in sealed_by)


def _sealable(item: Attributes, policy: Policy) -> dict[str, AttributeValue]:
    """The item with a mark at what the policy seals and is in clear there."""
    return ItemWalk(
        policy, on_sealed=lambda _path, raw, _rule: {"B": raw}, on_clear=lambda _path, value, *_: {_SEALABLE: value}
    ).read(item)


def _position(item: Attributes) -> SourcePosition | None:
    return SourcePosition.from_bytes(item.get(SOURCE, {}).get("B"))


def _from_the_record(item: Attributes) -> AttributeValue:
    """Without what a re-encryption may put on an item, or take from it."""
    others = {SOURCE, POLICY, OPEN_SINCE} | strays(item)
    return {"M": {name: value for name, value in item.items() if name not in others}}


def _is_same(new: AttributeValue, old: AttributeValue) -> bool:
    if _SEALABLE in old:
        return "B" in new or _is_same(new, old[_SEALABLE])
    match dict(new), dict(old):
        case {"B": _}, {"B": _}:
            return True
        case {"M": members}, {"M": members_before}:
            return members.keys() == members_before.keys() and all(
                _is_same(value, members_before[name]) for name, value in members.items()
            )
        case {"L": elements}, {"L": elements_before}:
            return len(elements) == len(elements_before) and all(map(_is_same, elements, elements_before))
    return new == old
