"""An item's size as DynamoDB counts it, so that what is too large is known before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MAX_ITEM_BYTES: Final = 400 * 1024
_CONTAINER_BYTES: Final = 3
_MEMBER_BYTES: Final = 1


def item_size_bytes(attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """Names and values in bytes, never less than what DynamoDB counts.

    Source: "DynamoDB item sizes and formats" in the DynamoDB developer guide; a number is taken at its upper bound.
    """
    return sum(len(name.encode("utf-8")) + _value_bytes(value) for name, value in attributes.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode("utf-8"))
        case "B":
            return len(content)
        case "N":
            return _number_bytes(content)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return _CONTAINER_BYTES + sum(_MEMBER_BYTES + _value_bytes(inner) for inner in content)
        case "M":
            return _CONTAINER_BYTES + item_size_bytes(content) + _MEMBER_BYTES * len(content)
        case _:  # a set holds values of one scalar kind
            return sum(_value_bytes({kind[0]: member}) for member in content)


def _number_bytes(text: str) -> int:
    digits = text.lstrip("-").replace(".", "").strip("0")
    # two digits a byte, which the decimal point may shift by one; an exponent; a byte more for a negative number
    return (len(digits) + 1) // 2 + 2 + text.startswith("-")
