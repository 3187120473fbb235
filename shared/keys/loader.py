"""Gets data keys out of the key store and KMS, and makes a tenant's first one; without any cache.

What is sent to KMS is built from what the caller asked for. The data class of a key that is asked for by its id comes
from its row: an id leads to one key only, and a row that lies about the class does not open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from shared.envelope.cipher import KEY_BYTES, ValueCipher
from shared.errors import (
    CannotOpen,
    KeyDenied,
    KeyDestroyed,
    KeyRetired,
    KeyServiceUnavailable,
    KeyStoreCorrupt,
    KeyUnknown,
    SealstreamError,
    SettingsError,
    StoreUnavailable,
)
from shared.keys.age import AgeLimit, Deadline
from shared.keys.counts import Tally
from shared.keys.data_key import DataKey
from shared.keys.ports import DataKeyRow, GeneratedKey, KeyService, KeyStore, encryption_context
from shared.keys.single_flight import SingleFlight
from shared.model import ENDED, KeyState

ATTEMPTS: Final = 4
"""Looks at a pointer that others move or are about to write; a race that is lost was won by somebody else."""


class KeyLoader:
    """Reads rows, checks them, has them opened; the arguments are the keyring's."""

    def __init__(
        self,
        *,
        store: KeyStore,
        service: KeyService,
        dataset: str,
        trusted_kms_key_arns: frozenset[str],
        new_key_id: Callable[[], int],
        age: AgeLimit,
        tally: Tally,
        on_created: Callable[[DataKeyRow], None],
        opens_retired: bool,
    ) -> None:
        self._store = store
        self._service = service
        self._dataset = dataset
        self._trusted_kms_key_arns = trusted_kms_key_arns
        self._new_key_id = new_key_id
        self._age = age
        self._tally = tally
        self._on_created = on_created
        self._opens_retired = opens_retired
        self._unwraps: SingleFlight[tuple[str, int], DataKey] = SingleFlight()

    def active(self, tenant_id: str, data_class: str) -> DataKey:
        """The active key of the class, made and stored first where there is none; errors as `Keyring.active`."""
        try:
            return self._find_or_create(tenant_id, data_class)
        except KeyDenied as denied:  # for one who seals, that is a fault of the set-up and not of a record
            raise KeyServiceUnavailable(str(denied)) from None
        except CannotOpen as closed:
            raise KeyStoreCorrupt(f"active key of {tenant_id}/{data_class}: {closed}") from None

    def by_id(self, tenant_id: str, key_id: int) -> DataKey:
        """The key of this id; errors as `Keyring.opener`."""
        deadline = self._age.deadline()
        row = self._store.rows(tenant_id, [key_id]).get(key_id)
        return self.unwrap(tenant_id, key_id, row, deadline)

    def unwrap(self, tenant_id: str, key_id: int, row: DataKeyRow | None, deadline: Deadline) -> DataKey:
        """The key in a row that was read after the deadline was taken; None where there was no row."""
        if row is None:
            raise KeyUnknown(f"tenant {tenant_id} has no data key {key_id:08x}")
        if row.state is KeyState.RETIRED and not self._opens_retired:
            raise KeyRetired(f"data key {key_id:08x} of tenant {tenant_id} is retired")
        if row.state is KeyState.DESTROYED:
            raise KeyDestroyed(f"data key {key_id:08x} of tenant {tenant_id} is destroyed")
        if row.kms_key_arn not in self._trusted_kms_key_arns:
            raise KeyStoreCorrupt(f"data key {key_id:08x} of tenant {tenant_id} names an untrusted {row.kms_key_arn}")
        context = self._context(tenant_id, row.data_class, key_id)

        def open_with_kms() -> DataKey:
            self._tally.add(kms_decrypt=1)
            with self._counted_failures():
                plaintext = self._service.decrypt(row.encrypted_data_key, row.kms_key_arn, context)
            return _data_key(row, plaintext, deadline)

        return self._unwraps.run((tenant_id, key_id), open_with_kms)

    def _find_or_create(self, tenant_id: str, data_class: str) -> DataKey:
        trouble: SealstreamError = StoreUnavailable(f"first key of {tenant_id}/{data_class}: lost {ATTEMPTS} races")
        for _ in range(ATTEMPTS):
            deadline = self._age.deadline()
            key_id = self._store.active_key_id(tenant_id, data_class)
            if key_id is None:
                created = self._create_first(tenant_id, data_class, deadline)
                if created is not None:
                    return created
                continue
            row = self._store.rows(tenant_id, [key_id]).get(key_id)
            if row is not None and row.state is KeyState.ACTIVE and row.data_class == data_class:
                if row.may_be_untold(self._age.wall()):
                    self._on_created(row)
                return self.unwrap(tenant_id, key_id, row, deadline)
            # either the pointer moved between the two reads, and the next look finds the new key, or:
            what = f"a {row.state} key" if row is not None and row.state in ENDED else "no active key of the class"
            trouble = KeyStoreCorrupt(f"pointer {tenant_id}/{data_class} names {key_id:08x}, {what}")
        raise trouble

    def _create_first(self, tenant_id: str, data_class: str, deadline: Deadline) -> DataKey | None:
        """A new key, stored before anyone uses it; None where its id is taken or another key came first."""
        key_id = self._new_key_id()
        generated = self._generate(self._context(tenant_id, data_class, key_id))
        row = DataKeyRow(
            tenant_id=tenant_id,
            key_id=key_id,
            data_class=data_class,
            encrypted_data_key=generated.encrypted,
            kms_key_arn=generated.kms_key_arn,
            key_material_id=generated.key_material_id,
            state=KeyState.ACTIVE,
            created_at=self._age.wall(),
        )
        if not self._store.create(row, replaces=None):
            return None
        self._tally.add(keys_created=1)
        self._on_created(row)
        return _data_key(row, generated.plaintext, deadline)

    def _generate(self, context: Mapping[str, str]) -> GeneratedKey:
        self._tally.add(kms_generate=1)
        with self._counted_failures():
            generated = self._service.generate(context)
        if generated.kms_key_arn not in self._trusted_kms_key_arns:  # once stored, nobody would open it
            raise SettingsError(f"data keys come from {generated.kms_key_arn}, which is no trusted attribute key")
        return generated

    @contextmanager
    def _counted_failures(self) -> Iterator[None]:
        try:
            yield
        except (KeyServiceUnavailable, KeyDenied) as error:
            self._tally.add(kms_failed=1, kms_denied=isinstance(error, KeyDenied))
            raise

    def _context(self, tenant_id: str, data_class: str, key_id: int) -> Mapping[str, str]:
        return encryption_context(tenant_id=tenant_id, data_class=data_class, dataset=self._dataset, key_id=key_id)


def _data_key(row: DataKeyRow, plaintext: bytes, deadline: Deadline) -> DataKey:
    if len(plaintext) != KEY_BYTES:
        raise KeyStoreCorrupt(f"data key {row.key_id:08x} of tenant {row.tenant_id} has not {KEY_BYTES} bytes")
    return DataKey(row.key_id, row.data_class, ValueCipher.from_key(row.key_id, plaintext), deadline)
