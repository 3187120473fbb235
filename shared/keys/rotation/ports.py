"""What rotation asks of the world beside the keyring's ports: it sees no data key in clear, and no item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.keys.ports import DataKeyRow, EncryptionContext, KeyStore


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row of the key store that should be a data key and has not the form of one; `name` is its sort key."""

    tenant_id: str
    name: str


@dataclass(frozen=True, slots=True)
class KeyStorePage:
    """Some data keys of the whole key store, of all tenants and states; there may be none on a page.

    Attributes:
        cursor: where the next page begins; "" after the last one.
    """

    rows: Sequence[DataKeyRow | UnreadableRow]
    cursor: str


class RotatingKeyStore(KeyStore, Protocol):
    """The key store, seen from rotation. Every read is strongly consistent."""

    def page(self, cursor: str, limit: int, *, tenant_id: str = "") -> KeyStorePage:
        """The data keys among the next `limit` rows after the cursor ("" for the first), of all tenants or of one."""

    def replace_row(self, read: DataKeyRow, changed: DataKeyRow) -> bool:
        """Write what changed of a data key, if state, closing time and encrypted key still are as they were read.

        A change of the state also hangs on the class's pointer: it must not name the key.

        Returns:
            False, with nothing written, where the row is not as it was read.

        Raises:
            KeyStoreCorrupt: the state was to be changed of a key that the pointer names.
        """


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """An encrypted data key, of which nobody saw the clear form."""

    encrypted: bytes = field(repr=False)
    kms_key_arn: str
    key_material_id: str


class WrappingService(Protocol):
    """KMS, seen from rotation; errors as those of `KeyService.decrypt`."""

    def current_material_id(self, kms_key_arn: str) -> str:
        """The id of the key material that this KMS key wraps with now; "" where KMS tells none."""

    def generate_wrapped(self, context: EncryptionContext) -> WrappedKey:
        """A new 32-byte data key under the attribute key, bound to the context."""

    def rewrap(self, encrypted: bytes, kms_key_arn: str, context: EncryptionContext) -> WrappedKey:
        """The same data key under the attribute key's current material, bound to the same context.

        `kms_key_arn` names the KMS key that wrapped it: KMS opens it under no other.
        """


class ItemsHistory(Protocol):
    """What is known of the items table from outside it."""

    def item_count(self) -> int:
        """About how many items it holds; hours old."""

    def earliest_restore_point(self) -> float | None:
        """The earliest moment whose items a backup can bring back, seconds since the epoch; None without any backup."""
