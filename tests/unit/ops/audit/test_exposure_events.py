"""From the auditor's events to what stood in clear, from when to when."""

from __future__ import annotations

import pytest

from ops.audit.exposure import Exposure, Source
from ops.audit.exposure_events import exposures, in_order, shows_clear
from ops.audit.reading import READ_WITHIN_SECONDS
from shared.public_ids import public_item_id
from tests.unit.ops.audit.trail import START, event

ITEM = {"tenant_id": "acme", "item_id": "i-1"}
ONE, OTHER = "customer1@example.com", "customer21@example.com"
"""Two ids that are shown alike."""
SHOWN_ALIKE = {"item_id": public_item_id(ONE)}


def clear(at=0, change="insert", *places, name="item.plaintext_found", **more):
    findings = [{"kind": "plaintext", "where": place, "why": "in clear"} for place in places or ("name",)]
    findings.append({"kind": "stale", "where": "age", "why": "old key"})
    told = {"exposure": "continued" if change == "standing" else "begun", **ITEM, **more}
    return event(name, at=START + at, change=change, verdict="plaintext", findings=findings, **told)


def sealed(at, name="item.remediated", verdict="verified", **more):
    return event(name, at=START + at, verdict=verdict, **{"change": "modify", **ITEM, **more})


def test_what_was_sealed_was_open_from_its_writing_to_its_sealing():
    found = clear(0, source_sequence_number="495", source_sub_sequence=2, sequence_number="1")
    assert [
        Exposure(
            "acme",
            "i-1",
            places=("name",),
            event_id=found["event_id"],
            found_at=START,
            written_at=START,
            change="insert",
            sources=(Source("495", 2, START),),
            ended_at=START + 4,
            ended_by="item.remediated",
            told_open_seconds=3,
        )
    ] == exposures([found, sealed(4, open_seconds=3)])


@pytest.mark.parametrize("name", ["item.written", "item.malformed", "item.removed"])
def test_who_says_of_the_very_change_that_all_is_well_ends_nothing(name):
    found = clear(4, sequence_number="7")
    for told in ([found, sealed(4, name, sequence_number="7")], [sealed(4, name, sequence_number="7"), found]):
        (exposure,) = exposures(in_order(told))
        assert exposure.is_open


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


def test_every_record_that_it_named_is_told_with_the_last_time():
    events = [clear(0, source_sequence_number="1"), clear(3, "modify", source_sequence_number="2")]
    events += [
        clear(5, "modify", source_sequence_number="1"),
        clear(6, "modify"),
        sealed(9, source_sequence_number="3"),
    ]
    (one,) = exposures(events)
    assert (Source("1", 0, START + 5), Source("2", 0, START + 3)) == one.sources


def test_what_was_in_clear_before_was_written_nobody_knows_when():
    (one,) = exposures([clear(5, "modify", exposure="continued"), sealed(9)])
    assert (None, START + 5, None) == (one.written_at, one.found_at, one.open_seconds)


def test_what_is_malformed_and_lies_open_stands_in_clear_too():
    found = {
        **clear(0, name="item.malformed"),
        "verdict": "malformed",
        "findings": [{"kind": "malformed", "where": "photo", "why": "no envelope"}],
    }
    (one,) = exposures([found, sealed(4)])
    assert (("photo",), 4) == (one.places, one.open_seconds)


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


def test_what_was_found_standing_and_sealed_within_the_second_is_not_open():
    end, begin = sealed(5, sequence_number="7"), clear(5.9, "standing")
    (one,) = exposures(in_order([end, begin]))
    assert START + 5 == one.ended_at


@pytest.mark.parametrize(
    ("seconds", "ends"), [(0.5, False), (READ_WITHIN_SECONDS, False), (READ_WITHIN_SECONDS + 1, True)]
)
def test_a_page_that_may_have_been_read_before_the_writing_is_no_end_of_it(seconds, ends):
    begin = clear(5, "modify", sequence_number="9")
    (one,) = exposures(in_order([begin, sealed(5 + seconds, "item.reconciled", change="standing")]))
    assert ends is not one.is_open


@pytest.mark.parametrize("end", ["item.written", "item.removed", "item.reconciled", "item.remediated"])
def test_another_item_that_is_shown_alike_ends_nothing(end):
    assert public_item_id(ONE) == public_item_id(OTHER)
    (one,) = exposures([clear(0, **SHOWN_ALIKE), sealed(5, end, **SHOWN_ALIKE), sealed(7, end, **SHOWN_ALIKE)])
    assert (True, START + 5) == (one.is_open, one.perhaps_ended_at)
    assert "2026-01-01T00:00:05Z" == one.document()["perhaps_ended_at"]


def test_of_a_tenant_that_is_not_shown_an_end_is_as_uncertain():
    (one,) = exposures([clear(0, tenant_id="sha256:b413"), sealed(5, "item.written", tenant_id="sha256:b413")])
    assert (True, START + 5) == (one.is_open, one.perhaps_ended_at)


@pytest.mark.parametrize(
    "link",
    [{"open_seconds": 5}, {"source_sequence_number": "495", "source_sub_sequence": 3}],
    ids=["since when it lay open", "the record that it names"],
)
def test_of_items_that_are_shown_alike_that_one_ends_to_which_something_links(link):
    named = {"source_sequence_number": "495", "source_sub_sequence": 3}
    one, other = clear(0, **SHOWN_ALIKE, **named), clear(1, **SHOWN_ALIKE, **{**named, "source_sub_sequence": 4})
    found = exposures([one, other, sealed(5, **SHOWN_ALIKE, **link)])
    assert [(one["event_id"], False), (other["event_id"], True)] == [(each.event_id, each.is_open) for each in found]
    assert 5 == found[0].open_seconds


def test_of_two_that_are_shown_alike_and_began_in_one_second_nobody_knows_which_ended():
    begun = [clear(0, **SHOWN_ALIKE, sequence_number=number) for number in ("1", "2")]
    assert [True, True] == [one.is_open for one in exposures([*begun, sealed(5, **SHOWN_ALIKE, open_seconds=5)])]


def test_of_an_item_that_is_not_shown_its_source_says_that_it_is_still_the_same():
    (one,) = exposures(
        [
            clear(0, "insert", "a", **SHOWN_ALIKE, source_sequence_number="1"),
            clear(3, "modify", "b", **SHOWN_ALIKE, source_sequence_number="1"),
        ]
    )
    assert ("a", "b") == one.places


def test_a_program_gets_times_that_it_can_read():
    (one,) = exposures([clear(0, source_sequence_number="495"), sealed(4, open_seconds=3)])
    assert {
        **ITEM,
        "places": ["name"],
        "event_id": one.event_id,
        "found_at": "2026-01-01T00:00:00Z",
        "written_at": "2026-01-01T00:00:00Z",
        "change": "insert",
        "sources": [{"sequence_number": "495", "sub_sequence": 0, "named_at": "2026-01-01T00:00:00Z"}],
        "ended_at": "2026-01-01T00:00:04Z",
        "perhaps_ended_at": None,
        "ended_by": "item.remediated",
        "removed_by": None,
        "open_seconds": 3,
        "proof": None,
        "ended_proof": None,
    } == one.document()
