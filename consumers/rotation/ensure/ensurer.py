"""Makes the data keys that a tenant has not yet, without ever holding one in clear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import KeyDenied, KeyServiceUnavailable, RequestRefused, SettingsError, StoreUnavailable
from shared.identity import is_tenant_id
from shared.keys.ports import DataKeyRow, KeyStore, encryption_context
from shared.keys.rotation.ports import WrappedKey, WrappingService
from shared.model import KeyState
from shared.policy.compiled import Policy

ATTEMPTS: Final = 4
"""Looks at a pointer that others are about to write; a race that is lost was won by somebody else."""
_FIELDS: Final = frozenset({"tenant_id", "data_classes"})


@dataclass(frozen=True, slots=True)
class KeyEnsurer:
    """Makes first keys of one dataset's tenants.

    Attributes:
        attribute_key: ARN of the KMS key that wraps them.
        on_created: told of each key that was made and stored; and of one whose maker may not have told.
        on_made: told of each key that was made and stored, and of no other.
        new_key_id: gives a random id from 1 to 2**32 - 1.
        wall: seconds since the epoch.
    """

    store: KeyStore
    service: WrappingService
    policy: Policy
    attribute_key: str
    on_created: Callable[[DataKeyRow], None]
    on_made: Callable[[DataKeyRow], None]
    new_key_id: Callable[[], int]
    wall: Callable[[], float]

    def ensure(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Make what is missing; safe to repeat, and to be called by several at once.

        Args:
            event: `tenant_id`, and `data_classes`, of the policy's; none, and nothing is made.

        Raises:
            RequestRefused: it is not of this form; nothing of it is quoted.
            RetryLater: the key store or KMS does not answer, or KMS refuses the attribute key.
            SettingsError: KMS makes data keys under another key than the attribute key.
        """
        tenant_id, data_classes = self._asked(event)
        for data_class in data_classes:
            self._ensure(tenant_id, data_class)
        return {}

    def _asked(self, event: Mapping[str, Any]) -> tuple[str, list[str]]:
        if not isinstance(event, Mapping) or event.keys() != _FIELDS:
            raise RequestRefused("a request has a 'tenant_id' and 'data_classes', and nothing else")
        tenant_id, data_classes = event["tenant_id"], event["data_classes"]
        if not is_tenant_id(tenant_id):
            raise RequestRefused("'tenant_id' must be a tenant's name")
        known = self.policy.classes
        if not isinstance(data_classes, list) or not all(
            isinstance(name, str) and name in known for name in data_classes
        ):
            raise RequestRefused(f"'data_classes' must be a list of: {', '.join(sorted(known))}")
        return tenant_id, list(dict.fromkeys(data_classes))

    def _ensure(self, tenant_id: str, data_class: str) -> None:
        for _ in range(ATTEMPTS):
            key_id = self.store.active_key_id(tenant_id, data_class)
            if key_id is not None:
                self._tell_again(tenant_id, key_id)
                return
            row = self._new_row(tenant_id, data_class)
            if self.store.create(row, replaces=None):
                self.on_created(row)
                self.on_made(row)
                return
        raise StoreUnavailable(f"first key of {tenant_id}/{data_class}: lost {ATTEMPTS} races")

    def _tell_again(self, tenant_id: str, key_id: int) -> None:
        row = self.store.rows(tenant_id, [key_id]).get(key_id)
        if row is not None and row.may_be_untold(self.wall()):
            self.on_created(row)

    def _new_row(self, tenant_id: str, data_class: str) -> DataKeyRow:
        key_id = self.new_key_id()
        wrapped = self._generate(tenant_id, data_class, key_id)
        return DataKeyRow(
            tenant_id=tenant_id,
            key_id=key_id,
            data_class=data_class,
            encrypted_data_key=wrapped.encrypted,
            kms_key_arn=wrapped.kms_key_arn,
            key_material_id=wrapped.key_material_id,
            state=KeyState.ACTIVE,
            created_at=self.wall(),
        )

    def _generate(self, tenant_id: str, data_class: str, key_id: int) -> WrappedKey:
        context = encryption_context(
            tenant_id=tenant_id, data_class=data_class, dataset=self.policy.dataset, key_id=key_id
        )
        try:
            wrapped = self.service.generate_wrapped(context)
        except KeyDenied as denied:  # a fault of the set-up, which may pass
            raise KeyServiceUnavailable(str(denied)) from None
        if wrapped.kms_key_arn != self.attribute_key:  # once stored, nobody would open it
            raise SettingsError(f"data keys come from {wrapped.kms_key_arn}, which is not the attribute key")
        return wrapped
