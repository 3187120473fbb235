"""JSON with one spelling: sorted keys, no spaces, ASCII, no fractions; so that the same content has the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shared.errors import TrailUnreadable


def canonical_json(document: Mapping[str, Any]) -> bytes:
    """The document's one spelling.

    Raises:
        ValueError: it holds a number that JSON cannot say.
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def json_object(line: bytes) -> dict[str, Any]:
    """What a line says, in whatever spelling.

    Raises:
        TrailUnreadable: it is no JSON object.
    """
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise TrailUnreadable("holds a line that is no JSON") from None
    if not isinstance(document, dict):
        raise TrailUnreadable("holds a line that is no JSON object")
    return document


def fields(document: Any, **types: type) -> tuple[Any, ...]:
    """The values of an object that has just these fields, each of its type.

    Raises:
        TrailUnreadable: it is no object, lacks a field, has another one, or one of another type.
    """
    if not isinstance(document, dict) or document.keys() != types.keys():
        raise TrailUnreadable(f"an object must have just the fields {', '.join(types)}")
    for name, expected in types.items():
        if type(document[name]) is not expected:  # not isinstance: true is no number here
            raise TrailUnreadable(f"field {name} is of another type")
    return tuple(document[name] for name in types)
