"""How the command line shows one item: every value on its line, sealed ones by what may be known of them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.envelope.layout import is_sealed, key_id_of
from shared.envelope.seal import open_attributes
from shared.errors import CannotOpen, DoesNotOpen, KeyDenied, KeyDestroyed, KeyRetired, KeyUnknown, NotSealed
from shared.model import ITEM_ID, POLICY, SOURCE, TENANT_ID, Attributes, AttributeValue, KeyStatus, Path
from shared.policy.paths import format_path
from shared.printable import quoted
from shared.sealed_table_keys import OpenSealed
from shared.source_position import LANE_BYTES

CLOSED_TAG: Final = "SEALED"
"""Stands in a view, which is DynamoDB-typed otherwise, before a `Closed`."""

_MARKED: Final = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}{}\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
_WHY: Final[Mapping[type[CannotOpen], str]] = {
    DoesNotOpen: "does not open: changed or moved",
    KeyDenied: "your credentials may not open it",
    KeyDestroyed: "its data key is destroyed",
    KeyRetired: "its data key is retired",
    KeyUnknown: "its data key is unknown",
    NotSealed: "holds no typed value",
}

View = Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class Closed:
    """A binary that stays closed.

    Attributes:
        data_class: "" where the key store does not know the key.
        key_id: None where the binary has not the form of a sealed value.
        why: it stays closed although it was to be opened; "" where it was not.
    """

    size_bytes: int
    key_id: int | None = None
    data_class: str = ""
    why: str = ""

    def __str__(self) -> str:
        if self.key_id is None:
            return _MARKED.format(f"not sealed · {self.size_bytes} bytes")
        parts = ["sealed", f"class {self.data_class or '?'}", f"key {self.key_id:08x}", f"{self.size_bytes} bytes"]
        return _MARKED.format(" · ".join([*parts, self.why] if self.why else parts))

    def as_json(self) -> dict[str, Any]:
        """The same, for programs."""
        key_id = None if self.key_id is None else f"{self.key_id:08x}"
        return {"data_class": self.data_class, "key_id": key_id, "bytes": self.size_bytes, "why": self.why}


def stored_view(item: Attributes, statuses: Mapping[int, KeyStatus]) -> View:
    """The item with a `Closed` for each binary."""
    return open_attributes(item, lambda _, sealed: {CLOSED_TAG: _closed(sealed, statuses)})


def opened_view(item: Attributes, statuses: Mapping[int, KeyStatus], open_sealed: OpenSealed) -> View:
    """The item with each sealed value opened, or a `Closed` that says why it is not."""

    def open_one(path: Path, sealed: bytes) -> AttributeValue:
        try:
            return open_sealed(path, sealed)
        except CannotOpen as error:
            return {CLOSED_TAG: _closed(sealed, statuses, error)}

    return open_attributes(item, open_one)


def rows_of(view: View) -> list[tuple[str, str]]:
    """Path and value, one for each that is no map or list; harmless on a terminal whatever the values hold."""
    return [row for name in sorted(view, key=_keys_first) for row in _rows(format_path((name,)), view[name])]


def table_of(view: View) -> str:
    """One line per value, the paths in a column."""
    rows = rows_of(view)
    width = max(len(path) for path, _ in rows)
    return "\n".join(f"{path:<{width}}  {shown}" for path, shown in rows)


def json_of(view: View) -> str:
    """DynamoDB's JSON (binary as Base64), with `{"SEALED": {…}}` for what is closed."""
    return json.dumps({name: _json(value) for name, value in view.items()}, indent=2, ensure_ascii=True)


def _closed(sealed: bytes, statuses: Mapping[int, KeyStatus], error: CannotOpen | None = None) -> Closed:
    if not is_sealed(sealed):
        return Closed(len(sealed))
    key_id = key_id_of(sealed)
    status = statuses.get(key_id)
    why = "" if error is None else _WHY.get(type(error), "does not open")
    return Closed(len(sealed), key_id, "" if status is None else status.data_class, why)


def _keys_first(name: str) -> tuple[bool, bool, bool, str]:
    return name != TENANT_ID, name != ITEM_ID, name.startswith("_"), name


def _rows(path: str, value: AttributeValue) -> Iterator[tuple[str, str]]:
    ((tag, content),) = value.items()
    if tag == "M" and content:
        for key, member in content.items():
            yield from _rows(f"{path}.{format_path((key,))}", member)
    elif tag == "L" and content:
        for index, member in enumerate(content):
            yield from _rows(f"{path}[{index}]", member)
    elif tag == "B" and path in {SOURCE, POLICY}:
        yield path, _system_binary(path, content)
    else:
        yield path, _shown(tag, content)


def _shown(tag: str, content: Any) -> str:
    match tag:
        case "S":
            return quoted(content)
        case "B":
            return _MARKED.format(f"binary · {b64encode(content).decode()}")
        case "SS" | "NS" | "BS":
            return "{" + ", ".join(_shown(tag[0], member) for member in content) + "}"
        case "BOOL" | "NULL":
            return json.dumps(None if tag == "NULL" else content)
        case "M" | "L":
            return json.dumps(content)
        case _:  # a number, or what is closed
            return str(content)


def _system_binary(name: str, content: bytes) -> str:
    if name == POLICY:
        return content.hex()
    return f"{quoted(content[:1].decode('latin-1'))} {content[1:LANE_BYTES].hex()} {content[LANE_BYTES:].hex()}"


def _json(value: AttributeValue) -> Any:
    ((tag, content),) = value.items()
    match tag:
        case "M":
            return {"M": {key: _json(member) for key, member in content.items()}}
        case "L":
            return {"L": [_json(member) for member in content]}
        case "B":
            return {"B": b64encode(content).decode()}
        case "BS":
            return {"BS": [b64encode(member).decode() for member in content]}
        case _ if tag == CLOSED_TAG:
            return {CLOSED_TAG: content.as_json()}
        case _:
            return dict(value)
