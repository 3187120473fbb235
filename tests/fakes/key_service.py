"""KMS in memory; passes the same contract as the real adapter."""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_bytes
from threading import Lock

from shared.errors import DoesNotOpen
from shared.keys.ports import EncryptionContext, GeneratedKey
from shared.keys.rotation.ports import WrappedKey

ATTRIBUTE_KEY_ARN = "arn:aws:kms:eu-central-1:111122223333:key/6f1c9c0e-0000-4000-8000-000000000001"


class FakeKeyService:
    """Remembers what it wrapped; an encrypted key is a random token that says nothing of the key.

    Attributes:
        kms_key_arn: the attribute key; set another one to move to it.
        key_material_id: set another one to rotate the key.
        fail_with: raised by every call while it is set.
        refuse: called with the context of each `rewrap` and `generate_wrapped`; raises where KMS refuses it.
        rewrapped: the context of each `rewrap`.
        on_decrypt: called within each decrypt: makes it slow, or fail for some contexts.
        generated: the context of each `generate`.
        decrypted: the context of each `decrypt`.
    """

    def __init__(self, kms_key_arn: str = ATTRIBUTE_KEY_ARN, key_material_id: str = "material-1") -> None:
        self.kms_key_arn = kms_key_arn
        self.key_material_id = key_material_id
        self.fail_with: Exception | None = None
        self.on_decrypt: Callable[[EncryptionContext], None] = lambda context: None
        self.refuse: Callable[[EncryptionContext], None] = lambda context: None
        self.rewrapped: list[EncryptionContext] = []
        self.generated: list[EncryptionContext] = []
        self.decrypted: list[EncryptionContext] = []
        self._wrapped: dict[tuple[bytes, str], tuple[bytes, EncryptionContext]] = {}
        self._lock = Lock()

    def generate(self, context: EncryptionContext) -> GeneratedKey:
        with self._lock:
            self.generated.append(context)
        self._fail()
        plaintext = token_bytes(32)
        wrapped = self._wrap(plaintext, context)
        return GeneratedKey(plaintext, wrapped.encrypted, wrapped.kms_key_arn, wrapped.key_material_id)

    def current_material_id(self, kms_key_arn: str) -> str:
        self._fail()
        return self.key_material_id if kms_key_arn == self.kms_key_arn else "material-of-another-key"

    def generate_wrapped(self, context: EncryptionContext) -> WrappedKey:
        self._fail()
        self.refuse(context)
        return self._wrap(token_bytes(32), context)

    def rewrap(self, encrypted: bytes, kms_key_arn: str, context: EncryptionContext) -> WrappedKey:
        with self._lock:
            self.rewrapped.append(context)
        self._fail()
        self.refuse(context)
        return self._wrap(self._open(encrypted, kms_key_arn, context), context)

    def decrypt(self, encrypted: bytes, kms_key_arn: str, context: EncryptionContext) -> bytes:
        with self._lock:
            self.decrypted.append(context)
        self.on_decrypt(context)
        self._fail()
        return self._open(encrypted, kms_key_arn, context)

    def _open(self, encrypted: bytes, kms_key_arn: str, context: EncryptionContext) -> bytes:
        plaintext, bound = self._wrapped.get((encrypted, kms_key_arn), (b"", None))
        if bound != dict(context):
            raise DoesNotOpen("the fake KMS did not wrap this for that key and context")
        return plaintext

    def _wrap(self, plaintext: bytes, context: EncryptionContext) -> WrappedKey:
        encrypted = token_bytes(184)
        with self._lock:
            self._wrapped[encrypted, self.kms_key_arn] = (plaintext, dict(context))
        return WrappedKey(encrypted, self.kms_key_arn, self.key_material_id)

    def _fail(self) -> None:
        if self.fail_with is not None:
            raise self.fail_with
