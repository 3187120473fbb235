"""Takes a retirement back: the re-encryptor or the sweeper met a value under a retired key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import NeedsAttention
from shared.identity import is_tenant_id
from shared.keys.ports import DataKeyRow
from shared.keys.rotation.ending import KeyEnder
from shared.model import SYSTEM_TENANT, KeyState
from shared.public_ids import public_owner
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id

_KEY_ID: Final = re.compile(r"(?!00000000)[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Reopener:
    """Reopens data keys."""

    ender: KeyEnder
    audit_log: AuditLog

    def reopen(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Make a retired key one that opens again; answers with the state in which the key is after that.

        Args:
            event: `tenant_id`, and `key_id` in 8 small hex digits.

        Raises:
            NeedsAttention: no key was named.
            KeyUnknown: the tenant has no such key.
            KeyStoreCorrupt: the class's pointer names it although it is retired.
            StoreUnavailable: the same call may succeed later.
        """
        tenant_id, key_id = _key(event)
        row = self.ender.reopen(tenant_id, key_id)
        if row.state is KeyState.DECRYPT_ONLY and row.state_set_by:
            # also where it was reopened before: the one who did it may not have come so far as to tell
            self._tell(row)
        return {"state": row.state.value}

    def _tell(self, row: DataKeyRow) -> None:
        owner, key_id = public_owner(row.tenant_id), f"{row.key_id:08x}"
        self.audit_log.write(
            AuditEvent.KEY_REOPENED,
            event_id=event_id(AuditEvent.KEY_REOPENED, row.state_set_by, owner, key_id),
            at=row.state_set_at or 0.0,
            tenant_id=owner,
            data_class=row.data_class,
            key_id=key_id,
            run_id=row.state_set_by,
        )


def _key(event: Mapping[str, Any]) -> tuple[str, int]:
    tenant_id, key_id = event.get("tenant_id"), event.get("key_id")
    if tenant_id != SYSTEM_TENANT and not is_tenant_id(tenant_id):
        raise NeedsAttention("'tenant_id' must be a tenant's name")
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise NeedsAttention("'key_id' must be a data key's id, 8 small hex digits")
    return str(tenant_id), int(key_id, 16)
