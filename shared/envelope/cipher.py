"""One data key, ready for use: Tink's XAES-256-GCM with 192-bit nonces under a key id of our own.

Tink has no keyset manager in Python, so a keyset of the one key is filled in by hand. Making the primitive costs
some 50 µs, so once per data key; it is safe to share between threads.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import tink
from tink import aead, secret_key_access
from tink.proto import tink_pb2, x_aes_gcm_pb2

from shared.envelope.layout import KEY_ID_BYTES, NONCE_BYTES, key_id_of
from shared.errors import DoesNotOpen

KEY_BYTES: Final = 32
_KEY_TYPE: Final = "type.googleapis.com/google.crypto.tink.XAesGcmKey"
_GCM_NONCE_BYTES: Final = 12
_SALT_BYTES: Final = NONCE_BYTES - _GCM_NONCE_BYTES  # the salt derives the subkey; with GCM's nonce it is the 24 bytes
_FINGERPRINTS: Final = b"sealstream fingerprints v1"
_MAX_KEY_ID: Final = (1 << 8 * KEY_ID_BYTES) - 1


@dataclass(frozen=True, slots=True)
class ValueCipher:
    """Seals and opens values under one data key."""

    key_id: int
    primitive: Any = field(repr=False)
    fingerprint_key: bytes = field(repr=False)

    @classmethod
    def from_key(cls, key_id: int, key: bytes) -> ValueCipher:
        """The cipher of a data key: an id of 1 to 2**32 - 1 and 32 bytes.

        Raises:
            ValueError: an id or a key of another size.
        """
        if not 1 <= key_id <= _MAX_KEY_ID:
            raise ValueError("a key id is 1 to 2**32 - 1")
        if len(key) != KEY_BYTES:
            raise ValueError(f"a data key has {KEY_BYTES} bytes")
        _register_tink()
        handle = tink.proto_keyset_format.parse(_keyset(key_id, key), secret_key_access.TOKEN)
        return cls(key_id, handle.primitive(aead.Aead), hmac.digest(key, _FINGERPRINTS, "sha256"))

    def seal(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """The sealed value of an encoded typed value; the nonce is drawn by Tink."""
        sealed: bytes = self.primitive.encrypt(plaintext, associated_data)
        return sealed

    def open(self, sealed: bytes, associated_data: bytes) -> bytes:
        """The plaintext.

        Raises:
            NotSealed: the bytes do not have the form of a sealed value.
            DoesNotOpen: sealed under another key, changed, or bound to other associated data.
        """
        key_id = key_id_of(sealed)
        if key_id != self.key_id:
            raise DoesNotOpen(f"sealed under data key {key_id:08x}, not {self.key_id:08x}")
        try:
            plaintext: bytes = self.primitive.decrypt(sealed, associated_data)
        except tink.TinkError:
            raise DoesNotOpen(f"changed or moved since it was sealed under data key {key_id:08x}") from None
        return plaintext

    def fingerprint(self, content: bytes) -> bytes:
        """32 bytes that equal contents share under one data key, and that tell nothing to who does not have it."""
        return hmac.digest(self.fingerprint_key, content, "sha256")


@cache
def _register_tink() -> None:
    aead.register()


def _keyset(key_id: int, key: bytes) -> bytes:
    """A serialised Tink keyset that holds just this key."""
    material = x_aes_gcm_pb2.XAesGcmKey(params=x_aes_gcm_pb2.XAesGcmParams(salt_size=_SALT_BYTES), key_value=key)
    key_data = tink_pb2.KeyData(
        type_url=_KEY_TYPE, value=material.SerializeToString(), key_material_type=tink_pb2.KeyData.SYMMETRIC
    )
    only = tink_pb2.Keyset.Key(
        key_data=key_data, status=tink_pb2.ENABLED, key_id=key_id, output_prefix_type=tink_pb2.TINK
    )
    keyset: bytes = tink_pb2.Keyset(primary_key_id=key_id, key=[only]).SerializeToString()
    return keyset
