"""What rotation does to a data key, for tests of what comes after."""

from __future__ import annotations

from dataclasses import replace

from shared.keys.key_id import random_key_id
from shared.keys.ports import encryption_context
from tests.fakes.key_service import FakeKeyService
from tests.fakes.key_store import FakeKeyStore


def replace_active_key(
    store: FakeKeyStore,
    service: FakeKeyService,
    tenant_id: str,
    data_class: str,
    *,
    dataset: str = "customers",
    created_at: float | None = None,
) -> int:
    """Put a new active key in the place of the present one, as old as that where nothing is said; gives the new id."""
    old_id = store.active_key_id(tenant_id, data_class)
    assert old_id is not None
    old = store.rows(tenant_id, [old_id])[old_id]
    new_id = random_key_id()
    context = encryption_context(tenant_id=tenant_id, data_class=data_class, dataset=dataset, key_id=new_id)
    new = replace(
        old,
        key_id=new_id,
        encrypted_data_key=service.generate(context).encrypted,
        made_by="rotation-1",
        created_at=old.created_at if created_at is None else created_at,
    )
    assert store.create(new, replaces=old_id)
    return new_id
