"""The audit event of a data key that somebody who seals made and stored."""

from __future__ import annotations

from shared.keys.ports import DataKeyRow
from shared.public_ids import public_owner
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id


def report_created_key(row: DataKeyRow, audit_log: AuditLog) -> None:
    """Write the event of a tenant's first data key of a class."""
    owner, key_id = public_owner(row.tenant_id), f"{row.key_id:08x}"
    audit_log.write(
        AuditEvent.KEY_CREATED,
        event_id=event_id("key", owner, key_id),
        at=row.created_at,
        tenant_id=owner,
        data_class=row.data_class,
        key_id=key_id,
    )
