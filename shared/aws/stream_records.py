"""From a record of a DynamoDB Streams event, as Lambda gets it, to an ItemChange.

Lambda's event is JSON: a binary comes as base64, a time as seconds. What cannot be read is given back as such, not
raised: the auditor must judge it, since reading it again would go no better.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from shared.model import ITEM_ID, TENANT_ID, Attributes, AttributeValue, ChangeKind, ItemChange

StreamRecord: TypeAlias = Mapping[str, Any]
_TTL_PRINCIPAL: Final = "dynamodb.amazonaws.com"
_YEAR_10000: Final = 253_402_300_800
_LEVELS: Final = 64
"""Of maps and lists in one another; DynamoDB has 32, and every walk over an image can go much deeper."""


@dataclass(frozen=True, slots=True)
class UnreadableChange:
    """A stream record that is none of this table's, or holds what DynamoDB would not send.

    Attributes:
        changed_at: seconds since the epoch; 0.0 where the record does not say.
        why: a static sentence fragment.
    """

    sequence_number: str
    changed_at: float
    why: str


def sequence_number_of(record: StreamRecord) -> str:
    """The identifier for a partial batch response, read before anything is decoded.

    Raises:
        KeyError: there is none; the whole batch is at fault.
    """
    return str(record["dynamodb"]["SequenceNumber"])


def item_change(record: StreamRecord) -> ItemChange | UnreadableChange:
    """The change that a stream record tells of."""
    body = record["dynamodb"]
    changed_at = body.get("ApproximateCreationDateTime")
    if not isinstance(changed_at, int | float):
        changed_at = 0.0
    elif not 0 <= changed_at < _YEAR_10000:
        return UnreadableChange(sequence_number_of(record), 0.0, "the stream record's time is no time")
    try:
        return _read(record, body, float(changed_at))
    except _Unreadable as error:
        return UnreadableChange(sequence_number_of(record), float(changed_at), str(error))


class _Unreadable(ValueError):
    """What is wrong, without any value."""


def _read(record: StreamRecord, body: Mapping[str, Any], changed_at: float) -> ItemChange:
    kind = _kind(record.get("eventName"))
    new = _image(body.get("NewImage"))
    if new is None and kind is not ChangeKind.REMOVE:
        raise _Unreadable("the stream record holds no new image")
    keys = _image(body.get("Keys")) or {}
    return ItemChange(
        sequence_number=sequence_number_of(record),
        kind=kind,
        tenant_id=_key(keys, TENANT_ID),
        item_id=_key(keys, ITEM_ID),
        old=_image(body.get("OldImage")),
        new=new,
        changed_at=changed_at,
        by_expiry=_is_expiry(record.get("userIdentity")),
    )


def _kind(name: Any) -> ChangeKind:
    try:
        return ChangeKind(name)
    except ValueError:
        raise _Unreadable("the stream record names no kind of change") from None


def _is_expiry(identity: Any) -> bool:
    # DynamoDB documents exactly this pair for its own TTL deletions
    return isinstance(identity, Mapping) and identity.get("principalId") == _TTL_PRINCIPAL


def _key(keys: Attributes, name: str) -> str:
    value = keys.get(name, {}).get("S")
    if not isinstance(value, str):
        raise _Unreadable(f"the stream record holds no key {name} of type S")
    return value


def _image(image: object) -> Attributes | None:
    if image is None:
        return None
    if not isinstance(image, Mapping):
        raise _Unreadable("an image is no map")
    return {name: _value(value, _LEVELS) for name, value in image.items()}


def _value(value: object, levels: int) -> AttributeValue:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise _Unreadable("a value is not of exactly one type")
    ((kind, content),) = value.items()
    match kind, content:
        case ("S" | "N", str()) | ("BOOL" | "NULL", bool()):
            return value
        case "B", str():
            return {"B": _bytes(content)}
        case (("M" | "L"), _) if not levels:
            raise _Unreadable("a value is nested deeper than DynamoDB allows")
        case "M", Mapping():
            return {"M": {name: _value(member, levels - 1) for name, member in content.items()}}
        case "L", list():
            return {"L": [_value(member, levels - 1) for member in content]}
        case "SS" | "NS", list() if all(isinstance(member, str) for member in content):
            return value
        case "BS", list():
            return {"BS": [_bytes(member) for member in content]}
        case _:
            raise _Unreadable("a value is of no type that DynamoDB has, or its content is not of its type")


def _bytes(encoded: object) -> bytes:
    try:
        if isinstance(encoded, str):
            return binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:
        pass  # raised below, without the cause: it could quote what it met
    raise _Unreadable("a binary is not base64")
