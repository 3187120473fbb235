"""What the keyring asks of the world: a store of encrypted data keys, and a service that makes and opens them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.model import KeyState

EncryptionContext = Mapping[str, str]

UNTOLD_SECONDS: Final = 1_800
"""Twice the longest invocation: by then whoever made a key, or what he did it for, has come again."""


@dataclass(frozen=True, slots=True)
class DataKeyRow:
    """One data key as the key store holds it.

    Attributes:
        key_id: 1 to 2**32 - 1, unique within the tenant.
        encrypted_data_key: as KMS returned it; empty once the key is destroyed.
        key_material_id: of the KMS key material that wrapped it; "" where KMS returned none.
        created_at: seconds since the epoch.
        made_by: the run that made it; "" for a first key.
        closed_at: when it last ceased to be the key to seal under: replaced, or reopened after its retirement; None
            while it is active.
        rewrapped_by: the run that last had KMS wrap it anew; "" for none.
        state_set_by: the run that last retired or destroyed it; stays when a retirement is taken back; "" for none.
        state_set_at: when it was retired, reopened or destroyed; None for never.
    """

    tenant_id: str
    key_id: int
    data_class: str
    encrypted_data_key: bytes = field(repr=False)
    kms_key_arn: str
    key_material_id: str
    state: KeyState
    created_at: float
    made_by: str = ""
    closed_at: float | None = None
    rewrapped_by: str = ""
    state_set_by: str = ""
    state_set_at: float | None = None

    def may_be_untold(self, now: float) -> bool:
        """Whether this is a first key, just made: by somebody who may have been killed before he told of it."""
        return not self.made_by and now - self.created_at < UNTOLD_SECONDS


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """A new data key: once in clear, once encrypted."""

    plaintext: bytes = field(repr=False)
    encrypted: bytes = field(repr=False)
    kms_key_arn: str
    key_material_id: str


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy as the key store holds it, from the first time that something was to be sealed under it.

    Attributes:
        created_at: seconds since the epoch.
    """

    digest: bytes
    source: str = field(repr=False)
    created_at: float


class KeyStore(Protocol):
    """The table of encrypted data keys. Every read is strongly consistent."""

    def active_key_id(self, tenant_id: str, data_class: str) -> int | None:
        """The id that the class's pointer row names, or None before the first key."""

    def rows(self, tenant_id: str, key_ids: Collection[int]) -> Mapping[int, DataKeyRow]:
        """The rows of these ids; an id without a row is absent."""

    def create(self, row: DataKeyRow, *, replaces: int | None) -> bool:
        """Write an active key and its pointer in one transaction, and the replaced key's state `decrypt_only`.

        The replaced key's `closed_at` is the new one's `created_at`.

        Returns:
            False, with nothing written, where the pointer no longer is `replaces` or the id is taken.
        """


class KeyService(Protocol):
    """KMS, seen from the keyring."""

    def generate(self, context: EncryptionContext) -> GeneratedKey:
        """A new 32-byte data key under the attribute key, bound to the context."""

    def decrypt(self, encrypted: bytes, kms_key_arn: str, context: EncryptionContext) -> bytes:
        """The data key in clear.

        Raises:
            KeyDenied: the credentials may not open it.
            DoesNotOpen: the context or the bytes are not those that were wrapped.
            KeyServiceUnavailable: throttled, down, or the KMS key is disabled.
        """


def encryption_context(*, tenant_id: str, data_class: str, dataset: str, key_id: int) -> EncryptionContext:
    """The non-secret pairs that KMS binds to a data key; exactly these, always from what the caller expects."""
    return {"tenant_id": tenant_id, "data_class": data_class, "dataset": dataset, "key_id": f"{key_id:08x}"}
