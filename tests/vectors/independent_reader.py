"""Opens sealed values with nothing but AES; written from docs/envelope_format.md, sharing no code with the project."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ELEMENT = "element"
MAX_DEPTH = 32


class Refused(Exception):
    """`not_sealed` or `does_not_open`."""


def open_sealed(  # section 5
    sealed: bytes, *, data_key: bytes, key_id: int, dataset: str, tenant_id: str, item_id: str, path: list[Any]
) -> dict[str, Any]:
    """The typed value, Binary as bytes; a path is a list of `{"key": …}` and `"element"`."""
    if len(sealed) < 50 or sealed[0] != 1 or sealed[1:5] == bytes(4):
        raise Refused("not_sealed")
    if int.from_bytes(sealed[1:5], "big") != key_id:
        raise Refused("does_not_open")
    nonce, ciphertext_and_tag = sealed[5:29], sealed[29:]
    associated = associated_data(dataset, tenant_id, item_id, path)
    try:
        plaintext = AESGCM(subkey(data_key, nonce[:12])).decrypt(nonce[12:], ciphertext_and_tag, associated)
    except InvalidTag:
        raise Refused("does_not_open") from None
    value, rest = read_value(plaintext, MAX_DEPTH)
    check(not rest)
    return value


def associated_data(dataset: str, tenant_id: str, item_id: str, path: list[Any]) -> bytes:  # section 4
    raw = b"\x01" + text(dataset) + text(tenant_id) + text(item_id)
    for component in path:
        raw += b"e" if component == ELEMENT else b"k" + text(component["key"])
    return raw


def text(content: str) -> bytes:
    raw = content.encode("utf-8")
    return len(raw).to_bytes(4, "big") + raw


def subkey(key: bytes, salt: bytes) -> bytes:  # section 5, steps 1 to 4
    aes = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305 - single blocks, as the page says
    block = int.from_bytes(aes.update(bytes(16)), "big")
    k1 = (block << 1) & ((1 << 128) - 1)
    if block >> 127:
        k1 ^= 0x87
    m1 = int.from_bytes(b"\x00\x01\x58\x00" + salt, "big")
    m2 = int.from_bytes(b"\x00\x02\x58\x00" + salt, "big")
    return aes.update((m1 ^ k1).to_bytes(16, "big")) + aes.update((m2 ^ k1).to_bytes(16, "big"))


def read_value(  # noqa: C901, PLR0912 - section 6; one case per row of its table
    raw: bytes, containers_left: int
) -> tuple[dict[str, Any], bytes]:
    check(len(raw) >= 1)
    tag = chr(raw[0])
    content, rest = read_sized(raw[1:])
    value: Any
    match tag:
        case "S":
            value = {"S": read_text(content)}
        case "N":
            value = {"N": read_number(content)}
        case "B":
            value = {"B": content}
        case "?":
            check(content in {b"\x00", b"\x01"})
            value = {"BOOL": content == b"\x01"}
        case "0":
            check(content == b"")
            value = {"NULL": True}
        case "s":
            value = {"SS": [read_text(member) for member in read_set(content)]}
        case "n":
            value = {"NS": [read_number(member) for member in read_set(content)]}
        case "b":
            value = {"BS": read_set(content)}
        case "L":
            check(containers_left > 0)
            members = []
            while content:
                member, content = read_value(content, containers_left - 1)
                members.append(member)
            value = {"L": members}
        case "M":
            check(containers_left > 0)
            keys, entries = [], {}
            while content:
                key, content = read_sized(content)
                keys.append(key)
                entries[read_text(key)], content = read_value(content, containers_left - 1)
            check(ascending(keys))
            value = {"M": entries}
        case _:
            raise Refused("not_sealed")
    return value, rest


def read_sized(raw: bytes) -> tuple[bytes, bytes]:
    check(len(raw) >= 4)
    end = 4 + int.from_bytes(raw[:4], "big")
    check(len(raw) >= end)
    return raw[4:end], raw[end:]


def read_set(content: bytes) -> list[bytes]:
    members = []
    while content:
        member, content = read_sized(content)
        members.append(member)
    check(bool(members) and ascending(members))
    return members


def ascending(parts: list[bytes]) -> bool:
    return all(one < next_ for one, next_ in pairwise(parts))


def read_text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("not_sealed") from None


def read_number(raw: bytes) -> str:
    spelled = re.fullmatch(rb"-?(0|[1-9][0-9]*)(?:\.([0-9]*[1-9]))?", raw)
    check(spelled is not None and raw != b"-0")
    assert spelled is not None
    whole, fraction = spelled[1].decode(), (spelled[2] or b"").decode()
    check(len((whole + fraction).strip("0")) <= 38)
    if whole == "0":
        check(len(fraction) - len(fraction.lstrip("0")) < 130)
    check(len(whole) <= 126)
    return raw.decode()


def check(holds: bool) -> None:
    if not holds:
        raise Refused("not_sealed")
