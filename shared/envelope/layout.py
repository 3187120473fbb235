"""The bytes of a sealed value, as far as they can be read without its key.

| bytes | field |
| --- | --- |
| 1 | `0x01` |
| 4 | key id, big-endian, not zero |
| 24 | nonce |
| n | ciphertext: as long as the typed value, so at least 5 |
| 16 | tag |
"""

from __future__ import annotations

from typing import Final

from shared.envelope.typed_value import HEADER_BYTES
from shared.errors import NotSealed

FIRST_BYTE: Final = b"\x01"
KEY_ID_BYTES: Final = 4
NONCE_BYTES: Final = 24
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = len(FIRST_BYTE) + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES
SHORTEST_BYTES: Final = OVERHEAD_BYTES + HEADER_BYTES


def key_id_of(sealed: bytes) -> int:
    """The id of the data key that the value was sealed under.

    Raises:
        NotSealed: the bytes do not have the form of a sealed value.
    """
    if len(sealed) < SHORTEST_BYTES:
        raise NotSealed("too short for a sealed value")
    if sealed[:1] != FIRST_BYTE:
        raise NotSealed("does not begin like a sealed value")
    key_id = int.from_bytes(sealed[1 : 1 + KEY_ID_BYTES], "big")
    if key_id == 0:
        raise NotSealed("names no data key")
    return key_id


def is_sealed(value: bytes) -> bool:
    """Whether the bytes have the form of a sealed value; says nothing of whether they open."""
    try:
        key_id_of(value)
    except NotSealed:
        return False
    return True
