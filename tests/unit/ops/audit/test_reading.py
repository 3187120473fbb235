"""The trail's events are those of its segments: each once, in order, of the time that was asked for."""

from __future__ import annotations

import pytest

from ops.audit.objects import READS_AT_ONCE
from ops.audit.reading import TOLD_OTHERWISE, WRITTEN_WITHIN_SECONDS, LeftOut, Trail
from ops.audit.selection import Selection
from shared.errors import ObjectUnreadable, StoreDenied, StoreUnavailable
from shared.trail.ocsf import ocsf
from shared.trail.segments import segments
from tests.unit.ops.audit.trail import HOUR, START, MemoryObjects, event

ALWAYS = {"since": 0, "until": START + 1_000 * HOUR}


@pytest.fixture
def bucket():
    return MemoryObjects()


@pytest.fixture
def trail(bucket):
    return Trail(bucket)


def test_events_come_back_as_they_were_written(bucket, trail):
    written = event("item.plaintext_found", tenant_id="acme", findings=[{"kind": "plaintext"}], change="insert")
    bucket.write(written)
    assert [written] == list(trail.events(**ALWAYS))


def test_an_empty_trail_has_no_events(trail):
    assert [] == list(trail.events(**ALWAYS))


def test_an_event_that_is_in_many_segments_comes_once(bucket, trail):
    one, two, three = (event(at=START + second) for second in range(3))
    bucket.write(one, two, where="s-1")
    bucket.write(two, three, where="s-2")
    bucket.write(one, two, three, at=START + 30 * HOUR, where="s-3")
    assert [one, two, three] == list(trail.events(**ALWAYS))


def test_of_what_was_told_twice_in_an_hour_the_longer_telling_counts(bucket, trail):
    whole = event("record.redriven", uid="ab" * 16, written=3, request_id="r")
    for where, told in (("a", event("record.redriven", uid="ab" * 16)), ("b", whole), ("c", {**whole, "written": 3})):
        bucket.write(told, where=where)
    assert [whole] == list(trail.events(**ALWAYS))


def test_what_was_found_is_not_taken_back_by_who_says_under_the_same_id_that_all_is_well(bucket, trail):
    """Whichever is longer, came first, or was written in which hour."""
    uid = "ab" * 16
    found = event("item.plaintext_found", uid=uid, verdict="plaintext")
    well = event("item.written", uid=uid, verdict="verified", policy="f" * 16, item_id="of any length")
    for hour, told in ((0, well), (0, found), (1, found), (1, well)):
        bucket.write(told, at=START + hour * HOUR, where=told["event"])
    counts, other = (name for name in sorted(bucket.objects)[:2])
    assert [{**well, TOLD_OTHERWISE: counts}, found] == list(trail.events(**ALWAYS))
    assert [(counts, other)] == [*trail.conflicts]

    bucket.write(event("item.malformed", uid=uid, verdict="malformed"), at=START + 2 * HOUR)
    assert "item.malformed" == list(trail.events(**ALWAYS))[-1]["event"]


@pytest.mark.parametrize("stage", ["tenant-api", "landing-ingest", "nobody"])
def test_what_another_stage_says_is_told_and_not_counted(bucket, trail, stage):
    found = event("item.plaintext_found", uid="ab" * 16, verdict="plaintext")
    bucket.write(found)
    mended = event("item.remediated", at=START + 1, verdict="verified")
    shadow = {**found, "event": "item.written", "verdict": "verified", "item_id": "longer than the other"}
    forged = bucket.write(mended, shadow, stage=stage)
    assert [found] == list(trail.events(**ALWAYS))
    assert {forged: LeftOut(2, 2, f"{stage} does not tell item.remediated, item.written")} == trail.left_out


def test_the_others_of_a_segment_with_such_an_event_are_counted(bucket, trail):
    own = event("access.denied", tenant_id="acme")
    bucket.write(own, event("item.remediated"), stage="tenant-api")
    assert [own] == list(trail.events(**ALWAYS))


def test_events_of_an_hour_are_in_the_order_of_their_times_then_of_their_changes(bucket, trail):
    events = [
        event(at=START + 1, sequence_number="900"),
        event(at=START + 2, sequence_number="99"),
        event(at=START + 2, sequence_number="100"),
        event(at=START + 3.5),
        event(at=START + 4),
    ]
    bucket.write(*events[3:], where="a")
    bucket.write(*reversed(events[:3]), where="b")
    assert events == list(trail.events(**ALWAYS))


def test_hours_come_one_after_the_other(bucket, trail):
    late, next_one = event(at=START), event(at=START + HOUR)
    first = event(at=START + 2 * HOUR)
    bucket.write(first, at=START + 2 * HOUR)
    bucket.write(next_one, late, at=START + 3 * HOUR)
    assert [first, late, next_one] == list(trail.events(**ALWAYS))


@pytest.mark.parametrize(
    ("at", "written", "is_meant"),
    [
        (0, 0, True),
        (-1, 0, False),
        (HOUR - 0.001, HOUR, True),
        (HOUR, HOUR, False),
        (1, HOUR + WRITTEN_WITHIN_SECONDS - 1, True),
        (0, -60, True),
    ],
    ids=["first", "before", "last", "behind", "written late", "by another clock"],
)
def test_what_happened_then_is_found_whenever_it_was_written(bucket, trail, at, written, is_meant):
    bucket.write(event(at=START + at), at=START + written)
    assert is_meant == bool(list(trail.events(START, START + HOUR)))


def test_an_event_that_does_not_know_its_time_counts_by_the_hour_of_its_segment(bucket, trail):
    timeless = event(at=0.0)
    bucket.write(timeless, at=START + HOUR)
    assert [[], [timeless]] == [list(trail.events(START + n * HOUR, START + (n + 1) * HOUR)) for n in range(2)]


def test_only_what_may_hold_events_of_the_time_is_read(bucket, trail):
    keys = [bucket.write(event(at=START + n * HOUR), at=START + n * HOUR) for n in range(100)]
    list(trail.events(START + 20 * HOUR, START + 21 * HOUR))
    assert keys[19 : 21 + 48] == sorted(bucket.read_keys)


def test_only_what_is_wanted_comes(bucket, trail):
    bucket.write(*(event(tenant_id=tenant) for tenant in ("acme", "bolt")))
    assert ["bolt"] == [
        one["tenant_id"] for one in trail.events(**ALWAYS, wanted=lambda one: one["tenant_id"] == "bolt")
    ]


def test_many_segments_are_all_read_in_their_order(bucket, trail):
    events = [event(at=START + n * HOUR) for n in range(5 * READS_AT_ONCE)]
    for n, one in enumerate(events):
        bucket.write(one, at=START + n * HOUR)
    assert events == list(trail.events(**ALWAYS))


@pytest.mark.parametrize("content", [b"", b"no gzip", b"\x1f\x8b\x08\x00"])
def test_a_segment_that_cannot_be_read_is_told_and_the_others_are_read(bucket, trail, content):
    broken = bucket.write(event(tenant_id="bolt"))
    bucket.objects[broken] = content
    bucket.write(event())
    assert ([event()], {broken}) == (list(trail.events(**ALWAYS)), trail.unreadable.keys())


@pytest.mark.parametrize("refusal", [ObjectUnreadable("InvalidRequest"), StoreDenied("AccessDenied")])
@pytest.mark.parametrize("where", ["a", "z"])
def test_a_segment_that_the_bucket_does_not_give_is_told_and_the_others_are_read(bucket, trail, refusal, where):
    kept = bucket.write(event(tenant_id="bolt"), where=where)
    bucket.refused[kept] = refusal
    bucket.write(event(), where="m")
    assert [event()] == list(trail.events(**ALWAYS))
    assert {kept: str(refusal)} == trail.unreadable


def test_who_is_given_nothing_at_all_is_told_so(bucket, trail):
    for where in ("a", "b"):
        bucket.refused[bucket.write(event(), where=where)] = StoreDenied("AccessDenied")
    with pytest.raises(StoreDenied):
        list(trail.events(**ALWAYS))


def test_a_bucket_that_does_not_answer_is_none_with_segments_that_cannot_be_read(bucket, trail):
    bucket.write(event(), where="a")
    bucket.refused[bucket.write(event(), where="b")] = StoreUnavailable("SlowDown")
    with pytest.raises(StoreUnavailable, match="SlowDown"):
        list(trail.events(**ALWAYS))


def test_what_is_larger_than_any_segment_is_told_and_not_read(bucket, trail, monkeypatch):
    large = bucket.write(*(event(at=START + n) for n in range(9)), where="a")
    small = bucket.write(event(tenant_id="bolt"), where="b")
    monkeypatch.setattr("ops.audit.needed.MAX_UNZIPPED_BYTES", len(bucket.objects[small]))
    assert len(bucket.objects[large]) > len(bucket.objects[small])
    assert ["bolt"] == [one["tenant_id"] for one in trail.events(**ALWAYS)]
    assert ({large: "is larger than anything of the trail"}, [small]) == (trail.unreadable, bucket.read_keys)


def test_what_is_no_segment_is_passed_over(bucket, trail):
    bucket.objects["segments/2026/01/01/00/auditor/notes.txt"] = b"hello"
    bucket.objects["manifests/000000000001.json"] = b"{}"
    assert ([], {}) == (list(trail.events(**ALWAYS)), trail.unreadable)


def test_a_time_beyond_the_calendar_is_all_time(bucket, trail):
    bucket.write(event())
    assert [event()] == list(trail.events(0, 253_402_300_799.0))


def test_a_reader_may_stop_early(bucket, trail):
    for n in range(50):
        bucket.write(event(at=START + n * HOUR), at=START + n * HOUR)
    assert event() == next(trail.events(**ALWAYS))
    assert len(bucket.read_keys) <= 2 * READS_AT_ONCE


def test_documents_are_those_that_were_written(bucket, trail):
    written = event("key.created", tenant_id="acme", data_class="pii", key_id="01020304")
    bucket.write(written, written, event("key.created", tenant_id="bolt"))
    assert [ocsf(written)] == list(trail.documents(**ALWAYS, wanted=lambda one: one["tenant_id"] == "acme"))


@pytest.mark.parametrize(
    "unmapped",
    [
        None,
        [],
        {"at": "never", "event_id": 7, "event": {}},
        {"item_id": []},
        {"findings": 5},
        {"sequence_number": "\ud800"},
    ],
)
def test_a_document_that_nobody_here_wrote_harms_nothing(bucket, trail, unmapped):
    document = ocsf(event()) | {"unmapped": unmapped}
    ((name, content, _),) = segments([document], written_at=START, stage="auditor", where="s")
    bucket.objects[name.key] = content
    expected = [event()] if unmapped and "at" in unmapped else []
    assert expected == list(trail.events(**ALWAYS, wanted=Selection(item="").wants))
    assert bool(expected) != bool(trail.unreadable)
