"""What sealstream itself puts on an item, judged: source position, policy digest, tombstone, time of exposure."""

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
    if OPEN_SINCE in new and open_since(new) is None:
        yield malformed(OPEN_SINCE, "a time of exposure of another form than sealstream writes")


def open_since(item: Attributes) -> int | None:
    """Since when something that is sealed now had stood in clear, seconds since the epoch; None where unknown."""
    return _seconds(item.get(OPEN_SINCE, {}))


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
    if old is not None:
        yield from _succession_findings(position, new, old)


def _succession_findings(position: SourcePosition, new: Attributes, old: Attributes) -> Iterator[Finding]:
    """What is wrong with a position as the successor of the one that stood there, if a sound one did."""
    before = _position(old)
    if before is None:
        if position == FOUND and SOURCE not in old and _differs(new, old):
            yield malformed(SOURCE, "content changed while the item was taken over")
    elif position == FOUND != before:
        yield malformed(SOURCE, "the source position was lost")
    elif before.lane != position.lane:
        # nobody writes over another partition key's record; other lanes may follow each other
        if before.lane[:1] == position.lane[:1] == b"k":
            yield malformed(SOURCE, "the source lane changed")
    elif position.place < before.place:
        yield malformed(SOURCE, "the source position went back")
    elif position == before and _differs(new, old):
        yield malformed(SOURCE, "content changed under the same source position")


def _position(item: Attributes) -> SourcePosition | None:
    return SourcePosition.from_bytes(item.get(SOURCE, {}).get("B"))


def _differs(new: Attributes, old: Attributes) -> bool:
    return not _holds_the_same(_from_the_record(new), _from_the_record(old))


def _from_the_record(item: Attributes) -> AttributeValue:
    """Without what a re-encryption may put on an item, or take from it."""
    return {"M": {name: value for name, value in item.items() if name not in {SOURCE, POLICY, OPEN_SINCE}}}


def _holds_the_same(new: AttributeValue, old: AttributeValue) -> bool:
    """Whether, as far as can be read without a key, one record gave both: the same places, the same values in clear.

    Binaries are passed over: to re-encrypt a value in its place, or to seal what had been left in clear, is no change.
    So a map with sealed members may come to be sealed whole, as a tightened policy wants it. The reverse, a map in the
    place of a sealed value, is a change: nothing is ever unsealed in its place.
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
    deleted, expires = _seconds(deleted_at), _seconds(expires_at, below=None)
    return deleted is not None and expires is not None and expires - deleted >= TOMBSTONE_SECONDS


def _seconds(value: AttributeValue, *, below: int | None = _YEAR_2200) -> int | None:
    """Whole seconds since the epoch; None where it is anything else."""
    number = value.get("N")
    if not isinstance(number, str) or not _SECONDS.fullmatch(number):
        return None
    seconds = int(number)
    return seconds if below is None or seconds < below else None
