"""Writes a vector file once: `python -m tests.vectors.generate FILE`. An existing file is never touched.

Keys, places and values are fixed below; the nonces are Tink's own, so a second run gives other, equally good bytes.
That is why envelope_v1.json was recorded once and stays as it is. A change of the format gets a new file.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path as FilePath
from typing import Any

from shared.envelope.associated_data import associated_data, record_prefix
from shared.envelope.cipher import ValueCipher
from shared.envelope.typed_value import encode
from shared.model import ELEMENT, AttributeValue, Path

KEY = bytes(range(32))
KEY_ID = 0x0A1B2C3D
OTHER_KEY = bytes(range(32, 64))
DATASET, TENANT_ID, ITEM_ID = "customers", "acme", "c-1"

Entry = dict[str, Any]


def nested(depth: int, *, core: AttributeValue) -> AttributeValue:
    """Lists and maps in turn around the core."""
    value = core
    for level in range(depth):
        value = {"L": [value]} if level % 2 else {"M": {"in": value}}
    return value


VALUES: dict[str, AttributeValue] = {
    "string": {"S": "123-45-6789"},
    "empty string": {"S": ""},
    "string beyond the basic plane": {"S": "Zo\u00eb \N{LOCK}"},
    "decomposed letters stay so": {"S": "e\u0301"},
    "zero": {"N": "0"},
    "negative fraction": {"N": "-0.05"},
    "number of 38 digits": {"N": "12345678901234567890123456789012345678"},
    "fraction of 38 digits": {"N": "-3.1415926535897932384626433832795028841"},
    "largest number": {"N": "9" * 38 + "0" * 88},
    "smallest magnitude": {"N": "0." + "0" * 129 + "1"},
    "binary": {"B": bytes(range(256))},
    "empty binary": {"B": b""},
    "true": {"BOOL": True},
    "false": {"BOOL": False},
    "null": {"NULL": True},
    "string set": {"SS": ["", "Z", "a", "\u00e9"]},
    "number set sorts as bytes": {"NS": ["-1", "10", "2.5", "9"]},
    "binary set": {"BS": [b"", b"\x00", b"\x00\x00", b"\xff"]},
    "empty list": {"L": []},
    "empty map": {"M": {}},
    "map sorts as bytes": {"M": {"": {"S": "no name"}, "B": {"N": "2"}, "a": {"N": "1"}, "\u00e9": {"NULL": True}}},
    "address": {"M": {"lines": {"L": [{"S": "1 Main St"}, {"NULL": True}]}, "zip": {"N": "12345"}}},
    "32 deep": nested(32, core={"S": "core"}),
}

PATHS: dict[str, Path] = {
    "nested key": ("a", "b"),
    "key with a dot": ("a.b",),
    "key with quotes and a dot": ('"a.b"',),
    "list element": ("contacts", ELEMENT, "email"),
    "element of a list in a list": ("grid", ELEMENT, ELEMENT),
    "key that reads like an element": ("contacts", "[]", "email"),
    "key e": ("contacts", "e"),
    "empty key": ("a", ""),
    "key beyond ASCII": ("adr\u00e9ss\u0435", "\N{LOCK}"),
}

RECORDS: dict[str, tuple[str, str, str]] = {
    "item id beyond ASCII": (DATASET, TENANT_ID, "c/1 \u00fc \N{LOCK}"),
    "one letter moved from dataset to tenant": ("customer", "sacme", ITEM_ID),
    "quarantine's tenant": (DATASET, "_system", "q-1"),
}

NOT_CANONICAL: dict[str, bytes] = {
    "no typed value": b"123-45-6789",
    "number with a needless zero": b"N\x00\x00\x00\x031.0",
    "number with an exponent": b"N\x00\x00\x00\x041E+2",
    "minus zero": b"N\x00\x00\x00\x02-0",
    "number of 39 digits": b"N\x00\x00\x00\x27" + b"1" * 39,
    "number too large": b"N\x00\x00\x00\x7f1" + b"0" * 126,
    "string that is not UTF-8": b"S\x00\x00\x00\x02\xc0\x80",
    "surrogate": b"S\x00\x00\x00\x03\xed\xa0\x80",
    "boolean 2": b"?\x00\x00\x00\x01\x02",
    "null with content": b"0\x00\x00\x00\x01\x00",
    "empty set": b"s\x00\x00\x00\x00",
    "set out of order": b"s\x00\x00\x00\x0a\x00\x00\x00\x01b\x00\x00\x00\x01a",
    "set with a member twice": b"n\x00\x00\x00\x0a\x00\x00\x00\x011\x00\x00\x00\x011",
    "map out of order": b"M\x00\x00\x00\x14\x00\x00\x00\x01b0\x00\x00\x00\x00\x00\x00\x00\x01a0\x00\x00\x00\x00",
    "map with a key twice": b"M\x00\x00\x00\x14\x00\x00\x00\x01a0\x00\x00\x00\x00\x00\x00\x00\x01a0\x00\x00\x00\x00",
    "bytes after the value": b"0\x00\x00\x00\x00\x00",
    "content longer than the bytes": b"S\x00\x00\x00\x05abc",
    "element longer than its list": b"L\x00\x00\x00\x05S\x00\x00\x00\x01a",
    "unknown tag": b"X\x00\x00\x00\x00",
}


def entry(
    name: str,
    plaintext: bytes,
    *,
    record: tuple[str, str, str] = (DATASET, TENANT_ID, ITEM_ID),
    path: Path = ("ssn",),
) -> Entry:
    """What opens, without its value."""
    dataset, tenant_id, item_id = record
    bound = associated_data(record_prefix(dataset=dataset, tenant_id=tenant_id, item_id=item_id), path)
    return {
        "name": name,
        "data_key": KEY.hex(),
        "key_id": f"{KEY_ID:08x}",
        "dataset": dataset,
        "tenant_id": tenant_id,
        "item_id": item_id,
        "path": ["element" if component is ELEMENT else {"key": component} for component in path],
        "associated_data": bound.hex(),
        "plaintext": plaintext.hex(),
        "sealed": ValueCipher.from_key(KEY_ID, KEY).seal(plaintext, bound).hex(),
    }


def opening() -> list[Entry]:
    """Every type in one place, and one value in every kind of place."""
    secret = VALUES["string"]
    return [
        *({**entry(name, encode(value)), "value": as_json(value)} for name, value in VALUES.items()),
        *({**entry(name, encode(secret), path=path), "value": as_json(secret)} for name, path in PATHS.items()),
        *({**entry(name, encode(secret), record=record), "value": as_json(secret)} for name, record in RECORDS.items()),
    ]


def refused() -> list[Entry]:
    """One per kind of corruption, move and non-canonical plaintext."""
    good = entry("", encode(VALUES["string"]))
    sealed = bytes.fromhex(good["sealed"])

    def changed(name: str, raw: bytes, why: str) -> Entry:
        return {**good, "name": name, "sealed": raw.hex(), "why": why}

    def flipped(at: int) -> bytes:
        return sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]

    def moved(name: str, **to: Any) -> Entry:
        return {**without(good, "associated_data"), "name": name, **to, "why": "does_not_open"}

    return [
        changed("nothing", b"", "not_sealed"),
        changed("a byte too short for any value", sealed[:49], "not_sealed"),
        changed("another first byte", b"\x02" + sealed[1:], "not_sealed"),
        changed("key id zero", sealed[:1] + bytes(4) + sealed[5:], "not_sealed"),
        changed("another key id", flipped(4), "does_not_open"),
        changed("nonce, first byte", flipped(5), "does_not_open"),
        changed("nonce, last byte", flipped(28), "does_not_open"),
        changed("ciphertext", flipped(29), "does_not_open"),
        changed("tag", flipped(len(sealed) - 1), "does_not_open"),
        changed("cut by one byte", sealed[:-1], "does_not_open"),
        changed("longer by one byte", sealed + b"\x00", "does_not_open"),
        {**good, "name": "another data key", "data_key": OTHER_KEY.hex(), "why": "does_not_open"},
        moved("moved to another dataset", dataset="orders"),
        moved("moved to another tenant", tenant_id="other"),
        moved("moved to another item", item_id="c-2"),
        moved("moved to another attribute", path=[{"key": "name"}]),
        moved("moved into a map", path=[{"key": "ssn"}, {"key": "ssn"}]),
        moved("moved into a list", path=[{"key": "ssn"}, "element"]),
        *({**entry(name, raw), "why": "not_sealed"} for name, raw in NOT_CANONICAL.items()),
        {**entry("33 deep", too_deep()), "why": "not_sealed"},
    ]


def too_deep() -> bytes:
    """33 lists in one another, which `encode` refuses to write."""
    raw = b""
    for _ in range(33):
        raw = b"L" + len(raw).to_bytes(4, "big") + raw
    return raw


def without(entry_: Entry, name: str) -> Entry:
    """The entry without one of its fields."""
    return {field: content for field, content in entry_.items() if field != name}


def as_json(value: AttributeValue) -> Any:
    """DynamoDB's JSON: Binary as Base64."""
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {"B": base64.b64encode(content).decode()}
        case "BS":
            return {"BS": [base64.b64encode(member).decode() for member in content]}
        case "L":
            return {"L": [as_json(member) for member in content]}
        case "M":
            return {"M": {key: as_json(member) for key, member in content.items()}}
        case _:
            return dict(value)


def main(file: str) -> None:
    """Write the file, which must not exist."""
    vectors = {"format": "sealstream envelope, version 1", "opens": opening(), "refused": refused()}
    with FilePath(file).open("x", encoding="utf-8") as out:
        json.dump(vectors, out, indent=1, ensure_ascii=True)
        out.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
