"""The canonical bytes of a DynamoDB-typed value: what stands under the cipher.

Every value is a tag (1 byte), the length of its content (4 bytes, big-endian) and the content.

| tag | type | content |
| --- | --- | --- |
| `S` | S | UTF-8 |
| `N` | N | ASCII, as `canonical_number` says |
| `B` | B | the bytes |
| `?` | BOOL | one byte, 0 or 1 |
| `0` | NULL | nothing |
| `s` `n` `b` | SS NS BS | each member: length (4 bytes), bytes; sorted bytewise, none twice, at least one |
| `L` | L | the encoded values, in order |
| `M` | M | each entry: length of the key (4 bytes), key in UTF-8, encoded value; sorted by the keys' bytes |

One value has one encoding, and nothing else decodes. Errors are `ValueError`s that never hold the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from shared.envelope.number import canonical_number
from shared.model import AttributeValue

__all__ = ["HEADER_BYTES", "MAX_DEPTH", "canonical_number", "decode", "encode"]

MAX_DEPTH: Final = 32
"""Containers within one another; DynamoDB itself takes 31 below an attribute's name."""
HEADER_BYTES: Final = 5

_LENGTH_BYTES: Final = 4

Content = TypeVar("Content")


def encode(value: AttributeValue) -> bytes:
    """The canonical encoding; numbers are brought into their one spelling, sets into their one order.

    Raises:
        ValueError: not one DynamoDB-typed value, content of another type than its tag says, a set that is empty or
            repeats a member, a number as `canonical_number` says, a lone surrogate, or more than `MAX_DEPTH`
            containers in one another.
    """
    return _encode(value, MAX_DEPTH)


def decode(raw: bytes) -> AttributeValue:
    """The value of a canonical encoding, as a new tree.

    Raises:
        ValueError: anything that `encode` does not write.
    """
    value, end = _decode(raw, 0, len(raw), MAX_DEPTH)
    if end != len(raw):
        raise ValueError("bytes follow the typed value")
    return value


def _encode(value: AttributeValue, depth: int) -> bytes:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError("a typed value has exactly one type")
    ((kind, content),) = value.items()
    leaf = _BY_KIND.get(kind)
    if leaf is not None:
        return leaf.tag + _sized(leaf.to_bytes(content))
    if kind == "L":
        inner = _deeper(depth)
        return b"L" + _sized(b"".join([_encode(member, inner) for member in _checked(content, list)]))
    if kind == "M":
        inner = _deeper(depth)
        entries = sorted((_to_utf8(key), member) for key, member in _checked(content, dict).items())
        return b"M" + _sized(b"".join([_sized(key) + _encode(member, inner) for key, member in entries]))
    raise ValueError("not a DynamoDB type")


def _decode(raw: bytes, start: int, end: int, depth: int) -> tuple[AttributeValue, int]:
    """The value that begins at `start`, and where it ends; it may not reach past `end`."""
    tag = raw[start : start + 1]
    content_start, content_end = _extent(raw, start + 1, end)
    leaf = _BY_TAG.get(tag)
    if leaf is not None:
        return {leaf.kind: leaf.from_bytes(raw[content_start:content_end])}, content_end
    if tag == b"L":
        return {"L": list(_decode_list(raw, content_start, content_end, _deeper(depth)))}, content_end
    if tag == b"M":
        return {"M": dict(_decode_map(raw, content_start, content_end, _deeper(depth)))}, content_end
    raise ValueError("unknown tag of a typed value")


def _decode_list(raw: bytes, start: int, end: int, depth: int) -> Iterator[AttributeValue]:
    while start < end:
        value, start = _decode(raw, start, end, depth)
        yield value


def _decode_map(raw: bytes, start: int, end: int, depth: int) -> Iterator[tuple[str, AttributeValue]]:
    last: bytes | None = None
    while start < end:
        key_start, key_end = _extent(raw, start, end)
        key = raw[key_start:key_end]
        if last is not None and key <= last:
            raise ValueError("the keys of a map are not in their one order")
        last = key
        value, start = _decode(raw, key_end, end, depth)
        yield _from_utf8(key), value


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(_LENGTH_BYTES, "big") + content


def _extent(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the content begins and ends whose length stands at `start`."""
    content_start = start + _LENGTH_BYTES
    content_end = content_start + int.from_bytes(raw[start:content_start], "big")
    if content_end > end:
        raise ValueError("a typed value is cut off")
    return content_start, content_end


def _deeper(depth: int) -> int:
    if depth == 0:
        raise ValueError(f"more than {MAX_DEPTH} lists and maps within one another")
    return depth - 1


def _checked(content: Any, kind: type[Content]) -> Content:
    if not isinstance(content, kind):
        raise ValueError("the content of a typed value is not of its type")  # noqa: TRY004 - one error for all
    return content


def _to_bytes(raw: Any) -> bytes:
    return _checked(raw, bytes)


def _to_utf8(text: Any) -> bytes:
    try:
        return _checked(text, str).encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds a lone surrogate") from None


def _from_utf8(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ValueError("a text is not UTF-8") from None


def _to_number(text: Any) -> bytes:
    return canonical_number(_checked(text, str)).encode()


def _from_number(raw: bytes) -> str:
    text = _from_utf8(raw)
    if canonical_number(text) != text:
        raise ValueError("a number is not in its one spelling")
    return text


def _to_boolean(truth: Any) -> bytes:
    return b"\x01" if _checked(truth, bool) else b"\x00"


def _from_boolean(raw: bytes) -> bool:
    if raw not in (b"\x00", b"\x01"):
        raise ValueError("a boolean is neither 0 nor 1")
    return raw == b"\x01"


def _to_null(content: Any) -> bytes:
    if content is not True:
        raise ValueError("a null says True")
    return b""


def _from_null(raw: bytes) -> bool:
    if raw:
        raise ValueError("a null has content")
    return True


def _set_to_bytes(member_to_bytes: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    def to_bytes(members: Any) -> bytes:
        ordered = sorted(map(member_to_bytes, _checked(members, list)))
        if not ordered or len(set(ordered)) != len(ordered):
            raise ValueError("a set is empty or repeats a member")
        return b"".join(map(_sized, ordered))

    return to_bytes


def _set_from_bytes(member_from_bytes: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def from_bytes(raw: bytes) -> Any:
        members: list[bytes] = []
        end = 0
        while end < len(raw):
            start, end = _extent(raw, end, len(raw))
            if members and raw[start:end] <= members[-1]:
                raise ValueError("the members of a set are not in their one order")
            members.append(raw[start:end])
        if not members:
            raise ValueError("a set is empty")
        return list(map(member_from_bytes, members))

    return from_bytes


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A type that holds no typed values: its name in DynamoDB, its tag, its content to bytes and back."""

    kind: str
    tag: bytes
    to_bytes: Callable[[Any], bytes]
    from_bytes: Callable[[bytes], Any]


_LEAVES: Final = (
    _Leaf("S", b"S", _to_utf8, _from_utf8),
    _Leaf("N", b"N", _to_number, _from_number),
    _Leaf("B", b"B", _to_bytes, bytes),
    _Leaf("BOOL", b"?", _to_boolean, _from_boolean),
    _Leaf("NULL", b"0", _to_null, _from_null),
    _Leaf("SS", b"s", _set_to_bytes(_to_utf8), _set_from_bytes(_from_utf8)),
    _Leaf("NS", b"n", _set_to_bytes(_to_number), _set_from_bytes(_from_number)),
    _Leaf("BS", b"b", _set_to_bytes(_to_bytes), _set_from_bytes(bytes)),
)
_BY_KIND: Final = {leaf.kind: leaf for leaf in _LEAVES}
_BY_TAG: Final = {leaf.tag: leaf for leaf in _LEAVES}
