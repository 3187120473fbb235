"""From the auditor's events to what stood in clear, from when to when."""

from __future__ import annotations

import pytest

from ops.audit.exposure import Exposure, exposures, in_order, shows_clear
from tests.unit.ops.audit.trail import START, event

ITEM = {"tenant_id": "acme", "item_id": "i-1"}


def clear(at=0, change="insert", *places, name="item.plaintext_found", **more):
    findings = [{"kind": "plaintext", "where": place, "why": "in clear"} for place in places or ("name",)]
    findings.append({"kind": "stale", "where": "age", "why": "old key"})
    return event(name, at=START + at, change=change, verdict="plaintext", findings=findings, **{**ITEM, **more})


def sealed(at, name="item.remediated", verdict="verified", **more):
    return event(name, at=START + at, verdict=verdict, change="modify", **{**ITEM, **more})


def test_what_was_sealed_was_open_from_its_writing_to_its_sealing():
    found = clear(0, source_sequence_number="495", sequence_number="1")
    assert [
        Exposure(
            "acme",
            "i-1",
            places=("name",),
            event_id=found["event_id"],
            found_at=START,
            written_at=START,
            change="insert",
            source_sequence_number="495",
            ended_at=START + 4,
            ended_by="item.remediated",
            told_open_seconds=3,
        )
    ] == exposures([found, sealed(4, open_seconds=3)])


@pytest.mark.parametrize(
    ("end", "ended_by", "removed_by", "seconds"),
    [
        (sealed(4, open_seconds=3), "item.remediated", "", 3),
        (sealed(4), "item.remediated", "", 4),
        (sealed(4, "item.written"), "item.written", "", 4),
        (sealed(4, "item.stale", "stale"), "item.stale", "", 4),
        (sealed(4, "item.malformed", "malformed"), "item.malformed", "", 4),
        (sealed(4, "item.removed", "removed", removed_by="expiry"), "item.removed", "expiry", 4),
        (sealed(4, "item.reconciled"), "item.reconciled", "", 4),
    ],
    ids=lambda value: value["event"] if isinstance(value, dict) else "",
)
def test_any_event_that_shows_nothing_in_clear_is_the_end(end, ended_by, removed_by, seconds):
    (one,) = exposures([clear(), end])
    assert (ended_by, removed_by, seconds) == (one.ended_by, one.removed_by, one.open_seconds)


def test_what_nobody_ended_is_open():
    (one,) = exposures([clear()])
    assert (True, None, None) == (one.is_open, one.ended_at, one.open_seconds)


def test_another_writing_in_clear_prolongs_it_and_adds_its_places():
    (one,) = exposures([clear(0, "insert", "a", "b"), clear(3, "modify", "b", "c"), sealed(5)])
    assert (("a", "b", "c"), 5) == (one.places, one.open_seconds)


def test_a_mending_that_leaves_something_in_clear_is_not_the_end():
    (one,) = exposures([clear(), clear(2, "modify", name="item.remediated"), sealed(9)])
    assert 9 == one.open_seconds


def test_what_is_exposed_again_is_another_exposure():
    found = exposures([clear(0), sealed(1), clear(10, "modify"), sealed(12)])
    assert [(START, 1), (START + 10, 2)] == [(one.written_at, one.open_seconds) for one in found]


def test_of_what_was_found_standing_nobody_knows_since_when():
    (one,) = exposures([clear(5, "standing"), sealed(9)])
    assert (None, START + 5, None) == (one.written_at, one.found_at, one.open_seconds)


def test_a_change_whose_record_has_no_time_does_not_say_when_it_was_written():
    (one,) = exposures([clear(-START), sealed(9)])
    assert (None, None) == (one.written_at, one.open_seconds)


def test_items_are_told_apart_and_in_the_order_of_their_finding():
    found = exposures([clear(1, item_id="i-2"), clear(2), sealed(3, item_id="i-2"), clear(2, tenant_id="a")])
    assert [("acme", "i-2", False), ("a", "i-1", True), ("acme", "i-1", True)] == [
        (one.tenant_id, one.item_id, one.is_open) for one in found
    ]


def test_events_about_other_things_say_nothing_of_it():
    others = [event("rotation.completed", verdict="retired"), event("key.created", tenant_id="acme")]
    (one,) = exposures([clear(), *others])
    assert one.is_open
    assert not any(map(shows_clear, others))


def test_changes_of_one_second_are_in_the_order_of_their_numbers():
    end, begin = sealed(0, sequence_number="1000"), clear(0, sequence_number="999")
    (one,) = exposures(in_order([end, begin]))
    assert 0 == one.open_seconds


def test_a_program_gets_times_that_it_can_read():
    (one,) = exposures([clear(0, source_sequence_number="495"), sealed(4, open_seconds=3)])
    assert {
        **ITEM,
        "places": ["name"],
        "event_id": one.event_id,
        "found_at": "2026-01-01T00:00:00Z",
        "written_at": "2026-01-01T00:00:00Z",
        "change": "insert",
        "source_sequence_number": "495",
        "ended_at": "2026-01-01T00:00:04Z",
        "ended_by": "item.remediated",
        "removed_by": None,
        "open_seconds": 3,
    } == one.document()
