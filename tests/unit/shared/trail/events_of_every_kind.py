"""Events as the audit log writes them: of every name, with every allowed field, in every variant that is told apart."""

from __future__ import annotations

import io
import json
from typing import Any

from shared.runtime.audit_log import ALLOWED_FIELDS, COMMON_FIELDS, FINDING_FIELDS, AuditEvent, AuditLog

VARIANTS: dict[str, list[dict[str, str]]] = {
    "change": [{"change": change} for change in ("insert", "modify", "remove", "standing")],
    "removed_by": [{"change": "remove", "removed_by": who} for who in ("expiry", "principal")],
    "state": [{"state": state} for state in ("done", "rejected", "failed")],
}


def written(name: AuditEvent, mark: str = "a", **fields: Any) -> dict[str, Any]:
    """One event with every field that it may have; strings begin with the mark but for those given."""
    allowed: dict[str, Any] = {field: f"{mark}-{field}" for field in sorted(ALLOWED_FIELDS[name] - COMMON_FIELDS)}
    if "findings" in allowed:
        allowed["findings"] = [{field: f"{mark}-{field}" for field in sorted(FINDING_FIELDS)}]
    return line(name, event_id=f"{mark}-id", **allowed | fields)


def line(name: AuditEvent, *, event_id: str = "id", **fields: Any) -> dict[str, Any]:
    out = io.StringIO()
    AuditLog(out).write(name, event_id=event_id, at=1_693_997_155.25, **fields)
    event: dict[str, Any] = json.loads(out.getvalue())
    return event


def every_kind(name: AuditEvent, mark: str = "a") -> list[dict[str, Any]]:
    """Events of this name in all variants, the first with none but the fields that every event has."""
    variants = [
        fields
        for field, of_field in VARIANTS.items()
        for fields in of_field
        if {field, *fields} <= ALLOWED_FIELDS[name]
    ]
    return [line(name), written(name, mark), *(written(name, mark, **fields) for fields in variants)]
