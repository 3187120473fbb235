"""A new data key is told without the key."""

from __future__ import annotations

import json

from shared.keys.ports import DataKeyRow
from shared.model import KeyState
from shared.runtime.audit_log import AuditLog, event_id
from shared.runtime.key_events import report_created_key


def test_a_new_data_key_has_its_audit_event_without_the_key(capsys):
    row = DataKeyRow("acme", 7, "pii", b"canary-wrapped", "arn", "", KeyState.ACTIVE, created_at=100.0)

    report_created_key(row, AuditLog())

    out = capsys.readouterr().out
    event = json.loads(out)
    assert ("key.created", "acme", "pii", "00000007") == tuple(
        event[name] for name in ("event", "tenant_id", "data_class", "key_id")
    )
    assert "canary" not in out


def test_a_tenants_name_that_looks_sensitive_is_in_no_event_and_in_no_events_id(capsys):
    row = DataKeyRow("219-09-9999", 7, "pii", b"", "arn", "", KeyState.ACTIVE, created_at=100.0)

    report_created_key(row, AuditLog())

    out = capsys.readouterr().out
    event = json.loads(out)
    assert event["tenant_id"].startswith("sha256:")
    assert "219-09" not in out
    assert event_id("key", row.tenant_id, "00000007") != event["event_id"]  # a digest of few possibilities
