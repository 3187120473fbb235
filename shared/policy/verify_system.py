"""What sealstream itself puts on an item, judged: source position, policy digest, tombstone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from shared.model import (
    DELETED_AT,
    EXPIRES_AT,
    OPEN_SINCE,
    POLICY,
    SOURCE,
    SYSTEM_ATTRIBUTES,
    TOMBSTONE_SECONDS,
    Attributes,
    AttributeValue,
    Finding,
    VerdictKind,
)
from shared.policy.sensitive import scan_bytes, scan_text
from shared.policy.verify_findings import in_clear, malformed
from shared.source_position import FOUND, SourcePosition

_TAGS: Final = {SOURCE: "B", POLICY: "B", DELETED_AT: "N", EXPIRES_AT: "N", OPEN_SINCE: "N"}
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_YEAR_2200: Final = 7_258_118_400


def system_findings(new: Attributes, old: Attributes | None, *, policy_is_known: bool) -> Iterator[Finding]:
    """What is wrong with the system attributes of a new image, by themselves and against the old one."""
    for name in (name for name in _TAGS if name in new):
        yield from _clear_findings(name, new[name])
    yield from _source_findings(new, old)
    if POLICY not in new:
        yield malformed(POLICY, "no policy digest: written by someone else")
    elif not policy_is_known:
        yield malformed(POLICY, "the policy digest is of no policy that was published")
    yield from _tombstone_findings(new)


def _clear_findings(name: str, value: AttributeValue) -> Iterator[Finding]:
    """A system attribute is no place to hide something in clear."""
    match dict(value):
        case {"B": bytes() as raw} if _TAGS[name] == "B":
            yield from in_clear(scan_bytes(raw), VerdictKind.PLAINTEXT, name)
        case {"N": str() as number} if _TAGS[name] == "N":
            yield from in_clear(scan_text(number), VerdictKind.PLAINTEXT, name)
        case _:
            yield Finding(VerdictKind.PLAINTEXT, name, "in clear with another type than sealstream writes")


def _source_findings(new: Attributes, old: Attributes | None) -> Iterator[Finding]:
    if SOURCE not in new:
        yield malformed(SOURCE, "no source position: written by someone else")
        return
    position = _position(new)
    if position is None:
        yield malformed(SOURCE, "the source position has no form that sealstream writes")
        return
    if record := position.kinesis_record():
        yield from in_clear(scan_text(record[0]), VerdictKind.PLAINTEXT, SOURCE)
    before = None if old is None else _position(old)
    if old is None or before is None:
        return
    if position == FOUND != before:
        yield malformed(SOURCE, "the source position was lost")
    elif before.lane != position.lane:
        # nobody writes over another partition key's record; other lanes may follow each other
        if before.lane[:1] == position.lane[:1] == b"k":
            yield malformed(SOURCE, "the source lane changed")
    elif position.place < before.place:
        yield malformed(SOURCE, "the source position went back")
    elif position == before and not _holds_the_same(_without_policy(new), _without_policy(old)):
        yield malformed(SOURCE, "content changed under the same source position")


def _position(item: Attributes) -> SourcePosition | None:
    return SourcePosition.from_bytes(item.get(SOURCE, {}).get("B"))


def _without_policy(item: Attributes) -> AttributeValue:
    return {"M": {name: value for name, value in item.items() if name != POLICY}}


def _holds_the_same(new: AttributeValue, old: AttributeValue) -> bool:
    """Whether, as far as can be read without a key, one record gave both: the same places, the same values in clear.

    Binaries are passed over: to re-encrypt a value in its place, or to seal what had been left in clear, is no change.
    """
    match dict(new), dict(old):
        case {"B": _}, _:
            return True
        case {"M": members}, {"M": members_before}:
            return members.keys() == members_before.keys() and all(
                _holds_the_same(value, members_before[name]) for name, value in members.items()
            )
        case {"L": elements}, {"L": elements_before}:
            return len(elements) == len(elements_before) and all(map(_holds_the_same, elements, elements_before))
    return new == old


def _tombstone_findings(new: Attributes) -> Iterator[Finding]:
    if DELETED_AT in new:
        if EXPIRES_AT not in new:
            yield malformed(EXPIRES_AT, "a tombstone without expiry")
        elif not _is_lifetime(new[DELETED_AT], new[EXPIRES_AT]):
            yield malformed(EXPIRES_AT, "a tombstone of other times than sealstream writes")
        if not new.keys() <= SYSTEM_ATTRIBUTES:
            yield malformed(DELETED_AT, "a tombstone that still holds attributes")
    elif EXPIRES_AT in new:
        yield malformed(EXPIRES_AT, "an item that is no tombstone expires")


def _is_lifetime(deleted_at: AttributeValue, expires_at: AttributeValue) -> bool:
    deleted, expires = deleted_at.get("N", ""), expires_at.get("N", "")
    if not _SECONDS.fullmatch(deleted) or not _SECONDS.fullmatch(expires):
        return False
    return int(deleted) < _YEAR_2200 and int(expires) - int(deleted) >= TOMBSTONE_SECONDS
