"""One data key in a rotation's first phase: wrapped anew where it must be, replaced where it is due.

Both are safe to repeat: what this run did to a key stands in its row, and whoever comes by again after a killed process
finds it done and gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from shared.errors import CannotOpen, KeyServiceUnavailable, KeyStoreCorrupt, SealstreamError, StoreUnavailable
from shared.keys.barrier import CLOCK_SKEW_SECONDS
from shared.keys.ports import DataKeyRow, EncryptionContext, encryption_context
from shared.keys.rotation.decide import is_to_renew, is_wrapped_now
from shared.keys.rotation.ports import RotatingKeyStore, WrappedKey, WrappingService
from shared.model import KeyState
from shared.policy.compiled import DataClass
from shared.runs.model import Run

ATTEMPTS: Final = 4
"""Looks at a row that others change meanwhile; a race that is lost was won by somebody else."""
MAKING_SECONDS: Final = 30
"""A new key that took longer to make is discarded: the barrier counts from before it (`barrier.CALLS_SECONDS`)."""
KEYS_OWN_TROUBLE: Final = (CannotOpen, KeyServiceUnavailable, KeyStoreCorrupt)
"""What one key (or its tenant) may meet while the others are well."""


@dataclass(frozen=True, slots=True)
class Treated:
    """What became of one data key.

    Attributes:
        row: as it stands now.
        rewrapped: whether this run had it wrapped anew.
        successor: the key that this run put in its place.
        trouble: why it could not be wrapped anew, or not be replaced.
    """

    row: DataKeyRow
    rewrapped: bool = False
    successor: DataKeyRow | None = None
    trouble: tuple[SealstreamError, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyRenewer:
    """Treats data keys of one dataset.

    Attributes:
        classes: of the policy, by name.
        attribute_key: ARN of the KMS key that everything is to be wrapped under.
        trusted: ARNs of all KMS keys that may have wrapped a data key.
        new_key_id: gives a random id from 1 to 2**32 - 1.
        wall: seconds since the epoch.
    """

    store: RotatingKeyStore
    service: WrappingService
    dataset: str
    classes: Mapping[str, DataClass]
    attribute_key: str
    trusted: frozenset[str]
    new_key_id: Callable[[], int]
    wall: Callable[[], float]

    def current_material_id(self) -> str:
        """What a wrapping under the attribute key names now; raises as `WrappingService`."""
        return self.service.current_material_id(self.attribute_key)

    def treat(self, row: DataKeyRow, run: Run, material_id: str) -> Treated:
        """Wrap one key anew and replace it, as far as it needs either; the one does not hang on the other.

        Raises:
            StoreUnavailable: nobody knows how far it came: to be treated again.
        """
        trouble: list[SealstreamError] = []
        rewrapped, successor = False, None
        try:
            row, rewrapped = self._rewrap(row, run, material_id)
        except KEYS_OWN_TROUBLE as error:
            trouble.append(error)
        try:
            successor = self._renew(row, run)
        except KEYS_OWN_TROUBLE as error:
            trouble.append(error)
        return Treated(row, rewrapped, successor, tuple(trouble))

    def _rewrap(self, row: DataKeyRow, run: Run, material_id: str) -> tuple[DataKeyRow, bool]:
        for _ in range(ATTEMPTS):
            if row.state is KeyState.DESTROYED or is_wrapped_now(row, self.attribute_key, material_id):
                return row, row.rewrapped_by == run.run_id
            if row.kms_key_arn not in self.trusted:
                what = f"data key {row.key_id:08x} of tenant {row.tenant_id} names an untrusted {row.kms_key_arn}"
                raise KeyStoreCorrupt(what)
            wrapped = self.service.rewrap(row.encrypted_data_key, row.kms_key_arn, self._context(row, row.key_id))
            changed = replace(
                row,
                encrypted_data_key=wrapped.encrypted,
                kms_key_arn=wrapped.kms_key_arn,
                key_material_id=wrapped.key_material_id,
                rewrapped_by=run.run_id,
            )
            if self.store.replace_row(row, changed):
                return changed, True
            row = read_again(self.store, row)
        raise StoreUnavailable(f"wrapping data key {row.key_id:08x} of {row.tenant_id}: lost {ATTEMPTS} races")

    def _renew(self, row: DataKeyRow, run: Run) -> DataKeyRow | None:
        """The key that this run puts, or has put, in this one's place."""
        for _ in range(ATTEMPTS):
            if row.state is KeyState.DECRYPT_ONLY:
                return self._successor(row, run)
            if not is_to_renew(row, run, self.classes, self.wall()):
                return None
            new = self._new_row(row, run)
            if self.store.create(new, replaces=row.key_id):
                return new
            row = read_again(self.store, row)
        raise KeyStoreCorrupt(
            f"data key {row.key_id:08x} of tenant {row.tenant_id} is active, and its class's pointer names another"
        )

    def _successor(self, row: DataKeyRow, run: Run) -> DataKeyRow | None:
        if row.closed_at is None or row.closed_at < run.started_at - CLOCK_SKEW_SECONDS:
            return None
        key_id = self.store.active_key_id(row.tenant_id, row.data_class)
        active = None if key_id is None else self.store.rows(row.tenant_id, [key_id]).get(key_id)
        if active is None or active.made_by != run.run_id or active.created_at != row.closed_at:
            return None
        return active

    def _new_row(self, old: DataKeyRow, run: Run) -> DataKeyRow:
        created_at, key_id, wrapped = self._wrapped_in_time(old)
        return DataKeyRow(
            tenant_id=old.tenant_id,
            key_id=key_id,
            data_class=old.data_class,
            encrypted_data_key=wrapped.encrypted,
            kms_key_arn=wrapped.kms_key_arn,
            key_material_id=wrapped.key_material_id,
            state=KeyState.ACTIVE,
            created_at=created_at,
            made_by=run.run_id,
        )

    def _wrapped_in_time(self, old: DataKeyRow) -> tuple[float, int, WrappedKey]:
        """A new data key: since when it is counted, its id, and its wrapped form."""
        for _ in range(ATTEMPTS):
            created_at = self.wall()  # before the two calls that make it: the barrier counts from here
            key_id = self.new_key_id()
            wrapped = self.service.generate_wrapped(self._context(old, key_id))
            if self.wall() - created_at <= MAKING_SECONDS:
                return created_at, key_id, wrapped
        raise KeyServiceUnavailable(f"making a data key took longer than {MAKING_SECONDS} s, {ATTEMPTS} times")

    def _context(self, row: DataKeyRow, key_id: int) -> EncryptionContext:
        return encryption_context(
            tenant_id=row.tenant_id, data_class=row.data_class, dataset=self.dataset, key_id=key_id
        )


def read_again(store: RotatingKeyStore, row: DataKeyRow) -> DataKeyRow:
    """The row as it stands now; raises KeyStoreCorrupt where it is gone."""
    found = store.rows(row.tenant_id, [row.key_id]).get(row.key_id)
    if found is None:
        raise KeyStoreCorrupt(f"the row of data key {row.key_id:08x} of tenant {row.tenant_id} is gone")
    return found
