"""Which events can be counted."""

from __future__ import annotations

import io
import json

import pytest

from consumers.auditor.events import write_unreadable
from ops.audit.reading import LeftOut
from ops.report.counted import CountedTrail, fits
from shared.aws.stream_records import UnreadableChange
from shared.runtime.audit_log import AuditLog
from tests.unit.ops.audit.trail import START, MemoryObjects, event
from tests.unit.ops.report.period import DAY, a_period, change

QUARANTINED = event("record.quarantined", reason="not_json", record_count=2)
STARTED = event("rotation.started", run_id="a1", kind="rotation")
CENSUS = next(one for one in a_period() if one["event"] == "census.completed")
MISFITS = {
    "unknown name": event("item.blessed", verdict="verified"),
    "unknown field": event("key.created", tenant_id="acme", colour="red"),
    "field of another event": event("item.written", verdict="verified", open_seconds=5),
    "unknown field of a finding": change("item.malformed", START, "malformed", findings=[{"value": "4111"}]),
    "no verdict": event("item.written", tenant_id="acme", item_id="customer-1"),
    "unknown verdict": event("item.written", verdict="blessed"),
    "verdict that is none": event("item.written", verdict=None),
    "no count": {name: value for name, value in QUARANTINED.items() if name != "record_count"},
    "a count in words": {**QUARANTINED, "record_count": "two"},
    "a count that is none": {**QUARANTINED, "record_count": True},
    "no reason": {name: value for name, value in QUARANTINED.items() if name != "reason"},
    "no run": {name: value for name, value in STARTED.items() if name != "run_id"},
    "no kind": {name: value for name, value in STARTED.items() if name != "kind"},
    "no figure": {name: value for name, value in CENSUS.items() if name != "clear_values"},
}


@pytest.mark.parametrize("why", MISFITS)
def test_what_is_not_of_the_form_that_its_name_promises_cannot_be_counted(why):
    assert not fits(MISFITS[why])


def test_what_the_functions_tell_can_be_counted():
    assert all(map(fits, [*a_period(), QUARANTINED, STARTED]))


def test_a_change_that_nobody_could_read_is_counted_though_its_event_names_no_item():
    out = io.StringIO()
    write_unreadable(UnreadableChange("49", START, "no image"), AuditLog(out))
    assert fits(json.loads(out.getvalue()))


def test_the_others_of_a_segment_are_counted_and_it_is_named():
    objects = MemoryObjects()
    good = change("item.written", START, "verified")
    mixed = objects.write(good, MISFITS["no verdict"], MISFITS["unknown verdict"])
    objects.write(change("item.written", START + 1, "verified", "customer-2"), where="s-2")
    trail = CountedTrail(objects)
    assert ["customer-1", "customer-2"] == [one["item_id"] for one in trail.events(START, START + DAY)]
    assert {mixed: LeftOut(2, 3, "not of the form that the name promises")} == trail.left_out
