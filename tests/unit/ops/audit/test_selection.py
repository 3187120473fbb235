"""Which events a filter means."""

from __future__ import annotations

import pytest

from ops.audit.selection import NAMES, Selection
from shared.public_ids import public_item_id, withheld
from shared.runtime.audit_log import AuditEvent
from tests.unit.ops.audit.trail import event

CARD = "4111111111111111"


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        (Selection(), True),
        (Selection(tenant="acme"), True),
        (Selection(tenant="bolt"), False),
        (Selection(item="i-1"), True),
        (Selection(item="i-2"), False),
        (Selection(events=("item.written",)), True),
        (Selection(events=("item",)), True),
        (Selection(events=("key", "item.written")), True),
        (Selection(events=("item.stale", "record")), False),
        (Selection("acme", "i-1", ("item",)), True),
        (Selection("acme", "i-2", ("item",)), False),
    ],
)
def test_all_that_is_said_must_hold(selection, wanted):
    assert wanted == selection.wants(event("item.written", tenant_id="acme", item_id="i-1"))


def test_who_was_asked_for_is_meant_as_well_as_who_asked():
    denied = event("access.denied", tenant_id="acme", asked_tenant_id="bolt")
    assert [True, True, False] == [Selection(tenant=one).wants(denied) for one in ("acme", "bolt", "coil")]


@pytest.mark.parametrize("shown", [CARD, public_item_id(CARD)])
def test_an_item_is_found_by_its_id_though_events_show_a_digest(shown):
    assert Selection(item=shown).wants(event(item_id=public_item_id(CARD)))


@pytest.mark.parametrize("shown", [CARD, public_item_id(CARD)])
def test_a_tenant_is_found_by_his_name_though_events_show_a_digest(shown):
    assert Selection(tenant=shown).wants(event(tenant_id=public_item_id(CARD)))


def test_the_systems_own_keys_are_found():
    assert Selection(tenant="_system").wants(event("key.created", tenant_id="_system"))


def test_what_only_the_policys_own_detectors_withhold_is_found_too():
    phone, insured = "+49 170 1234567", "756.9217.0769.85"
    assert Selection(item=phone).wants(event(item_id=withheld(phone)))
    assert Selection(tenant=insured).wants(event(tenant_id=withheld(insured)))


def test_an_event_without_tenant_or_item_is_none_of_theirs():
    assert not Selection(tenant="acme").wants(event("rotation.completed"))
    assert not Selection(item="i-1").wants(event("rotation.completed"))


def test_events_are_chosen_by_name_or_family():
    assert set(AuditEvent) < set(NAMES)
    assert {"item", "key", "record", "access"} < set(NAMES)
