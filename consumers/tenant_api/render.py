"""Values as JSON: numbers by their digits; what JSON has no form for, or the caller no right to, as a marker.

A marker is a map with one name alone; a map that would be taken for one is marked itself, so that each value has a form
of its own.
"""

from __future__ import annotations

import json
from base64 import b64encode
from decimal import Decimal
from typing import Any, Final

from shared.sealed_table import Sealed, Unreadable

MARKERS: Final = frozenset({"_sealed", "_unreadable", "_binary", "_set", "_map"})


def json_text(value: Any) -> str:
    """A value as `SealedTable` gives it, in JSON."""
    match value:
        case dict():
            is_like_a_marker = len(value) == 1 and not MARKERS.isdisjoint(value)
            return f'{{"_map":{attributes_text(value)}}}' if is_like_a_marker else attributes_text(value)
        case list():
            return f"[{','.join(map(json_text, value))}]"
        case set():
            return f'{{"_set":[{",".join(sorted(map(json_text, value)))}]}}'
        case str():
            return _string(value)
        case bool() | None:
            return json.dumps(value)
        case Decimal():
            return str(value)
        case _:
            return json.dumps(_marker(value))


def attributes_text(item: dict[str, Any]) -> str:
    """An item's attributes, none of which is taken for a marker."""
    return "{" + ",".join(f"{_string(name)}:{json_text(value)}" for name, value in item.items()) + "}"


def _marker(value: Any) -> dict[str, str]:
    match value:
        case Sealed():
            return {"_sealed": value.data_class}
        case Unreadable():
            return {"_unreadable": value.reason}
        case _:  # boto3's Binary
            return {"_binary": b64encode(bytes(value)).decode("ascii")}


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
