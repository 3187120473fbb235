"""DynamoDB-typed values to the Python values of a boto3 Table, and back; exact, and without a value in any error.

boto3's own TypeDeserializer fails on numbers below 1E-128, its TypeSerializer puts values into its errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from boto3.dynamodb.types import Binary

from shared.envelope.typed_value import MAX_DEPTH, canonical_number
from shared.model import AttributeValue

_SET_TAGS: Final = {"S": "SS", "N": "NS", "B": "BS"}


def to_python(value: AttributeValue) -> Any:
    """Text, Decimal, boto3's Binary, bool, None, list, dict, or a set of one of the first three.

    The content of a tag that DynamoDB does not have is given as it is.
    """
    ((tag, content),) = value.items()
    match tag:
        case "M":
            return {key: to_python(member) for key, member in content.items()}
        case "L":
            return [to_python(member) for member in content]
        case "NULL":
            return None
        case "SS" | "NS" | "BS":
            return {to_python({tag[0]: member}) for member in content}
        case "N":
            return Decimal(content)
        case "B":
            return Binary(content)
        case _:
            return content


def to_typed(value: Any, depth: int = MAX_DEPTH) -> AttributeValue:
    """What a boto3 Table takes, DynamoDB-typed; numbers are int or Decimal.

    Raises:
        TypeError: a float, or a type that DynamoDB does not have; the message names only the type.
        ValueError: a number out of range, an empty set, a lone surrogate, or over `depth` containers in one another.
    """
    if depth < 0:
        raise ValueError("too many lists and maps within one another")
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case list() | tuple():
            return {"L": [to_typed(member, depth - 1) for member in value]}
        case Mapping():
            return {"M": {_text(key): to_typed(member, depth - 1) for key, member in value.items()}}
        case set() | frozenset():
            return _typed_set(value)
        case _:
            return _typed_scalar(value)


def _typed_scalar(value: Any) -> AttributeValue:
    match value:
        case str():
            return {"S": _text(value)}
        case int() | Decimal():
            return {"N": canonical_number(str(value))}
        case bytes() | bytearray():
            return {"B": bytes(value)}
        case Binary():
            return {"B": value.__bytes__()}
        case float():
            raise TypeError("DynamoDB's numbers are exact: use Decimal instead of float")
        case _:
            raise TypeError(f"DynamoDB has no type for {type(value).__name__}")


def _typed_set(members: set[Any] | frozenset[Any]) -> AttributeValue:
    typed = [_typed_scalar(member) for member in members]
    tags = {tag for member in typed for tag in member}
    if len(tags) != 1:
        raise ValueError("a set is empty or has members of several types")
    (tag,) = tags
    return {_SET_TAGS[tag]: [member[tag] for member in typed]}


def _text(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a key of a map is text, not {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds a lone surrogate") from None
    return text
