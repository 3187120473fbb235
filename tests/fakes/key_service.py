"""KMS in memory; passes the same contract as the real adapter."""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_bytes
from threading import Lock

from shared.errors import DoesNotOpen
from shared.keys.ports import EncryptionContext, GeneratedKey

ATTRIBUTE_KEY_ARN = "arn:aws:kms:eu-central-1:111122223333:key/6f1c9c0e-0000-4000-8000-000000000001"


class FakeKeyService:
    """Remembers what it wrapped; an encrypted key is a random token that says nothing of the key.

    Attributes:
        fail_with: raised by every call while it is set.
        on_decrypt: called within each decrypt: makes it slow, or fail for some contexts.
        generated: the context of each `generate`.
        decrypted: the context of each `decrypt`.
    """

    def __init__(self, kms_key_arn: str = ATTRIBUTE_KEY_ARN, key_material_id: str = "material-1") -> None:
        self.kms_key_arn = kms_key_arn
        self.key_material_id = key_material_id
        self.fail_with: Exception | None = None
        self.on_decrypt: Callable[[EncryptionContext], None] = lambda context: None
        self.generated: list[EncryptionContext] = []
        self.decrypted: list[EncryptionContext] = []
        self._wrapped: dict[tuple[bytes, str], tuple[bytes, EncryptionContext]] = {}
        self._lock = Lock()

    def generate(self, context: EncryptionContext) -> GeneratedKey:
        with self._lock:
            self.generated.append(context)
        if self.fail_with is not None:
            raise self.fail_with
        plaintext, encrypted = token_bytes(32), token_bytes(184)
        with self._lock:
            self._wrapped[encrypted, self.kms_key_arn] = (plaintext, dict(context))
        return GeneratedKey(plaintext, encrypted, self.kms_key_arn, self.key_material_id)

    def decrypt(self, encrypted: bytes, kms_key_arn: str, context: EncryptionContext) -> bytes:
        with self._lock:
            self.decrypted.append(context)
        self.on_decrypt(context)
        if self.fail_with is not None:
            raise self.fail_with
        plaintext, bound = self._wrapped.get((encrypted, kms_key_arn), (b"", None))
        if bound != dict(context):
            raise DoesNotOpen("the fake KMS did not wrap this for that key and context")
        return plaintext
