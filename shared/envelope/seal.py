"""Seal and open single values, each bound to its record and to its path in it."""

from __future__ import annotations

from shared.envelope.associated_data import associated_data
from shared.envelope.cipher import ValueCipher
from shared.envelope.typed_value import decode, encode
from shared.envelope.walk import open_attributes, sealed_values
from shared.errors import NotSealed
from shared.model import AttributeValue, Path

__all__ = ["open_attributes", "open_value", "seal_value", "sealed_values"]


def seal_value(cipher: ValueCipher, prefix: bytes, path: Path, value: AttributeValue) -> bytes:
    """The sealed value for this path of the record that the prefix is of.

    Raises:
        ValueError: not a typed value that DynamoDB could hold (see `typed_value.encode`).
    """
    return cipher.seal(encode(value), associated_data(prefix, path))


def open_value(cipher: ValueCipher, prefix: bytes, path: Path, sealed: bytes) -> AttributeValue:
    """The typed value that was sealed.

    Raises:
        NotSealed: no sealed value by its form, or what it holds is no canonical typed value.
        DoesNotOpen: sealed under another key, changed, or moved from its record or path.
    """
    plaintext = cipher.open(sealed, associated_data(prefix, path))
    try:
        return decode(plaintext)
    except ValueError:
        raise NotSealed(f"opens under data key {cipher.key_id:08x}, but holds no typed value") from None
