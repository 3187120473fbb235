"""What sealstream itself puts on an item, judged: source position, policy digest, tombstone, its times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from shared.model import (
    ARRIVED,
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

_TAGS: Final = {SOURCE: "B", POLICY: "B", DELETED_AT: "N", EXPIRES_AT: "N", OPEN_SINCE: "N", ARRIVED: "N"}
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_MILLISECONDS: Final = re.compile(r"[1-9][0-9]{12}", re.ASCII)
"""From 2001 on, which is before there was any stream."""
_YEAR_2200: Final = 7_258_118_400


def system_findings(new: Attributes, *, policy_is_known: bool) -> Iterator[Finding]:
    """What is wrong with the system attributes of an item by themselves."""
    sound = {ARRIVED} if arrived_at(new) is not None else set()
    for name in (name for name in _TAGS if name in new and name not in sound):
        yield from _clear_findings(name, new[name])
    yield from _source_findings(new)
    if POLICY not in new:
        yield malformed(POLICY, "no policy digest: written by someone else")
    elif not policy_is_known:
        yield malformed(POLICY, "the policy digest is of no policy that was published")
    yield from _tombstone_findings(new)
    if OPEN_SINCE in new and open_since(new) is None:
        yield malformed(OPEN_SINCE, "a time of exposure of another form than sealstream writes")
    if ARRIVED in new.keys() - sound:
        yield malformed(ARRIVED, "a time of arrival of another form than sealstream writes")


def open_since(item: Attributes) -> int | None:
    """Since when something that is sealed now had stood in clear, seconds since the epoch; None where unknown."""
    return _seconds(item.get(OPEN_SINCE, {}))


def arrived_at(item: Attributes) -> float | None:
    """When the record came that the item's content is from, seconds since the epoch; None where unknown.

    Where it is known nothing else is looked for in it: ids of persons have thirteen digits, too.
    """
    number = item.get(ARRIVED, {}).get("N")
    if not isinstance(number, str) or not _MILLISECONDS.fullmatch(number):
        return None
    seconds = int(number) / 1_000
    return seconds if seconds < _YEAR_2200 else None


def strays(item: Attributes) -> frozenset[str]:
    """System attributes of no form that sealstream writes, though it wrote the item, and that nothing depends on.

    Mending takes them off: code from before `_arrived` seals it, as it does every reserved name that it does not know.
    In an item of somebody else it may be data.
    """
    if ARRIVED not in item or arrived_at(item) is not None:
        return frozenset()
    position = SourcePosition.from_bytes(item.get(SOURCE, {}).get("B"))
    return frozenset() if position in {None, FOUND} else frozenset({ARRIVED})


def _clear_findings(name: str, value: AttributeValue) -> Iterator[Finding]:
    """A system attribute is no place to hide something in clear."""
    match dict(value):
        case {"B": bytes() as raw} if _TAGS[name] == "B":
            yield from in_clear(scan_bytes(raw), VerdictKind.PLAINTEXT, name)
        case {"N": str() as number} if _TAGS[name] == "N":
            yield from in_clear(scan_text(number), VerdictKind.PLAINTEXT, name)
        case _:
            yield Finding(VerdictKind.PLAINTEXT, name, "in clear with another type than sealstream writes")


def _source_findings(new: Attributes) -> Iterator[Finding]:
    if SOURCE not in new:
        yield malformed(SOURCE, "no source position: written by someone else")
        return
    position = SourcePosition.from_bytes(new[SOURCE].get("B"))
    if position is None:
        yield malformed(SOURCE, "the source position has no form that sealstream writes")
        return
    if record := position.kinesis_record():
        yield from in_clear(scan_text(record[0]), VerdictKind.PLAINTEXT, SOURCE)


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
