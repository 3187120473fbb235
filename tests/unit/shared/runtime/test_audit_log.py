"""Audit events: one line, static names, listed fields, repeatable ids, and never a value in an error."""

from __future__ import annotations

import io
import json

import pytest

from shared.runtime.audit_log import ALLOWED_FIELDS, AuditEvent, AuditLog, event_id

CANARY = "4111111111111111"


@pytest.fixture
def out():
    return io.StringIO()


@pytest.fixture
def log(out):
    return AuditLog(out)


def test_an_event_is_one_json_line(log, out):
    log.write(
        AuditEvent.KEY_CREATED, event_id="ab" * 16, at=1_693_997_155.25, tenant_id="acme", data_class="pii", key_id=7
    )
    assert out.getvalue() == (
        '{"event":"key.created","event_id":"abababababababababababababababab","at":"2023-09-06T10:45:55.250Z",'
        '"tenant_id":"acme","data_class":"pii","key_id":7}\n'
    )


def test_a_field_that_is_not_listed_is_refused_by_name_and_nothing_is_written(log, out):
    with pytest.raises(ValueError, match=r"audit event key.created has no field 'name'") as caught:
        log.write(AuditEvent.KEY_CREATED, event_id="1", at=0, name=CANARY)
    assert CANARY not in str(caught.value)
    assert out.getvalue() == ""


@pytest.mark.parametrize("value", [{"S": CANARY}, [CANARY], CANARY.encode(), 1.5, True])
def test_a_value_that_is_no_string_or_integer_is_refused_without_it(log, out, value):
    with pytest.raises(ValueError, match=r"'tenant_id' of audit event key.created must be a string") as caught:
        log.write(AuditEvent.KEY_CREATED, event_id="1", at=0, tenant_id=value)
    assert CANARY not in str(caught.value)
    assert out.getvalue() == ""


@pytest.mark.parametrize("finding", [{"value": CANARY}, {"where": {"S": CANARY}}])
def test_a_finding_has_listed_fields_only(log, out, finding):
    with pytest.raises(ValueError, match=r"a finding of audit event item.stale has no field") as caught:
        log.write(AuditEvent.ITEM_STALE, event_id="1", at=0, findings=[finding])
    assert CANARY not in str(caught.value)
    assert out.getvalue() == ""


def test_a_field_that_is_none_is_left_out(log, out):
    log.write(AuditEvent.ITEM_REMOVED, event_id="1", at=0, removed_by=None)
    assert json.loads(out.getvalue()) == {"event": "item.removed", "event_id": "1", "at": "1970-01-01T00:00:00.000Z"}


def test_a_name_cannot_end_or_forge_a_line(log, out):
    name = 'x\n{"event":"item.removed"}\u2028\r\ud800"'
    log.write(AuditEvent.ITEM_REMOVED, event_id="1", at=0, item_id=name)
    (written,) = out.getvalue().splitlines()
    assert name == json.loads(written)["item_id"]
    assert written.isascii()


def test_every_event_has_the_common_fields():
    assert set(AuditEvent) == ALLOWED_FIELDS.keys()
    assert all(fields >= {"event", "event_id", "at"} for fields in ALLOWED_FIELDS.values())


def test_an_event_id_repeats_for_the_same_source_and_only_for_it():
    assert event_id("items", "acme", "123") == event_id("items", "acme", "123")
    ids = {event_id("items", "acme", "12"), event_id("items", "acme1", "2"), event_id("items", "acme", "1", "2")}
    assert len(ids) == 3
    assert all(len(one) == 32 and int(one, 16) for one in ids)
