"""A producer's JSON to DynamoDB-typed attributes, exactly: no number passes through a float."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from shared.envelope.typed_value import canonical_number
from shared.errors import Reason, RecordRejected
from shared.item_size import MAX_ITEM_BYTES
from shared.model import AttributeValue

MAX_CONTAINERS: Final = 31
"""Maps and lists that DynamoDB accepts inside one attribute, the attribute's own included."""
MAX_NAME_BYTES: Final = 65_535
_EACH_TAKES_A_BYTE: Final = (b",", b"[", b"{")
"""Of an item, at least: a member, a container, or a character of a string."""


class _Number(str):
    """The text of a JSON number, told from a string by its type."""

    __slots__ = ()


def decode(payload: bytes) -> dict[str, AttributeValue]:
    """The attributes of one record.

    Raises:
        RecordRejected: with the reason why the bytes are no record.
    """
    # before it is taken apart, which would take two hundred times its size in memory
    if len(payload) > MAX_ITEM_BYTES and sum(map(payload.count, _EACH_TAKES_A_BYTE)) > MAX_ITEM_BYTES:
        raise RecordRejected(Reason.ITEM_TOO_LARGE, f"more values than an item of {MAX_ITEM_BYTES} bytes can hold")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise RecordRejected(Reason.INVALID_UTF8, "the payload is not UTF-8") from None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError:
        raise RecordRejected(Reason.NOT_JSON, "the payload is not one JSON value") from None
    except RecursionError:
        raise RecordRejected(Reason.TOO_DEEP, f"more than {MAX_CONTAINERS} nested containers") from None
    if not isinstance(value, dict):
        raise RecordRejected(Reason.NOT_AN_OBJECT, "the payload is not a JSON object")
    return {_name(name): _typed(inner, MAX_CONTAINERS) for name, inner in value.items()}


def _typed(value: Any, containers_left: int) -> AttributeValue:
    if isinstance(value, _Number):
        return {"N": _number(value)}
    if isinstance(value, str):
        return {"S": _text(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if containers_left == 0:
        raise RecordRejected(Reason.TOO_DEEP, f"more than {MAX_CONTAINERS} nested containers")
    if isinstance(value, list):
        return {"L": [_typed(inner, containers_left - 1) for inner in value]}
    return {"M": {_name(name): _typed(inner, containers_left - 1) for name, inner in value.items()}}


def _name(name: str) -> str:
    if not 0 < len(_text(name).encode("utf-8")) <= MAX_NAME_BYTES:
        raise RecordRejected(Reason.NAME_INVALID, f"an attribute name is empty or over {MAX_NAME_BYTES} bytes")
    return name


def _text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise RecordRejected(Reason.LONE_SURROGATE, "a string holds half of a surrogate pair") from None
    return text


def _number(text: str) -> str:
    try:
        return canonical_number(text)
    except ValueError:
        raise RecordRejected(
            Reason.NUMBER_OUT_OF_RANGE, "a number has over 38 digits or is outside DynamoDB's range"
        ) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise RecordRejected(Reason.DUPLICATE_KEY, "an object names one key twice")
    return members


def _no_number(_: str) -> NoReturn:
    raise RecordRejected(Reason.INVALID_NUMBER, "NaN and Infinity are no JSON numbers")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_Number, parse_int=_Number, parse_constant=_no_number
)
