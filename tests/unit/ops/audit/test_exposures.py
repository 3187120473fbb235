"""What `sealstream audit exposures` prints."""

from __future__ import annotations

import json

import pytest

from ops.audit.exposures import ASKED_OF_NOBODY, NEVER_KNOWN, PARTS_MISSING, show_exposures
from ops.audit.holders import Copies
from ops.audit.proof import NotVerified, Standing
from ops.audit.reading import Trail
from ops.audit.selection import Selection
from shared.aws.backups import Copy, RecoveryWindow
from shared.aws.retention import ObjectDays
from tests.unit.ops.audit.test_exposure_events import SHOWN_ALIKE, clear, sealed
from tests.unit.ops.audit.trail import HOUR, START, MemoryObjects, event

DAY = 24 * HOUR
KNOWN = Copies(
    RecoveryWindow(START - DAY, 35),
    [Copy("backup", "arn:nightly", START + 2, START + 2)],
    stream_hours=168,
    landing=ObjectDays(14, None),
    unknown=["asking AWS Backup: refused"],
)


class Attested(NotVerified):
    """Vouches for everything."""

    def __init__(self):
        super().__init__("")

    def standing(self, name):
        return Standing.ATTESTED


@pytest.fixture
def bucket():
    return MemoryObjects()


@pytest.fixture
def asked():
    return []


@pytest.fixture
def shown(bucket, asked, capsys, monkeypatch):
    def run(selection=Selection(), *, since=START - DAY, until=START + DAY, now=START + HOUR, people=False, **more):  # noqa: B008 - frozen
        def copies(*span):
            asked.append(span)
            return KNOWN

        monkeypatch.setattr("ops.audit.exposures.for_programs", lambda as_json: not people)
        options = {"copies": copies, **more}
        status = show_exposures(Trail(bucket, Attested()), selection, since, until, wall=lambda: now, **options)
        out = capsys.readouterr().out
        return status, out.splitlines() if people else [json.loads(line) for line in out.splitlines()]

    return run


def test_programs_get_an_exposure_with_the_places_that_may_hold_it(bucket, shown):
    bucket.write(clear(0, source_sequence_number="495"), sealed(4, open_seconds=3))
    status, (one, listed) = shown()
    assert (0, "acme", 3) == (status, one["tenant_id"], one["open_seconds"])
    assert [
        ("the table's stream", "2026-01-02T00:00:04Z"),
        ("point-in-time recovery", "2026-02-05T00:00:04Z"),
        ("backup arn:nightly", None),
        ("the source stream, record 495", "2026-01-08T00:00:00Z"),
    ] == [(place["what"], place["until"]) for place in one["may_be_in"]]
    assert {
        "event": "listed",
        "exposures": 1,
        "open": 0,
        "landing_days": {"ingested": 14, "others": "until somebody deletes it"},
        "unknown": [*NEVER_KNOWN, "asking AWS Backup: refused"],
    } == listed


def test_people_get_a_few_lines_for_each(bucket, shown):
    bucket.write(clear(0, source_sequence_number="495"), sealed(4, open_seconds=3))
    bucket.write(clear(5, "standing", "a.b", "c", item_id="i-2"), where="b")
    bucket.write(
        clear(10, "modify", item_id="i-3"),
        sealed(130, "item.removed", "removed", removed_by="expiry", item_id="i-3"),
        where="c",
    )
    status, lines = shown(people=True)
    assert 1 == status
    assert [
        "acme/i-1: name",
        "  written  2026-01-01T00:00:00Z, as a new item; it named 1 record as its source",
        "  sealed   2026-01-01T00:00:04Z after 3 s: item.remediated",
        "  may still be in",
        "    the table's stream: until 2026-01-02T00:00:04Z, 24 hours after it is sealed or removed",
        "    point-in-time recovery: until 2026-02-05T00:00:04Z, 35 days after it is sealed or removed",
        "    backup arn:nightly: once somebody deletes it",
        "    the source stream, record 495: until 2026-01-08T00:00:00Z, 168 hours after its arrival, at the latest",
        "acme/i-2: a.b, c",
        "  written  at the latest 2026-01-01T00:00:05Z, when it was found in the table",
        "  sealed   not yet: 59 min 55 s since it was found",
        "  may still be in",
        "    the items table: once it is sealed or removed",
        "    the table's stream: 24 hours after it is sealed or removed",
        "    point-in-time recovery: 35 days after it is sealed or removed",
        "    backup arn:nightly: once somebody deletes it",
        "acme/i-3: name",
        "  written  2026-01-01T00:00:10Z, into an item that was there",
        "  sealed   2026-01-01T00:02:10Z after 2 min 0 s: removed by its expiry",
    ] == lines[:19]
    assert [
        "3 exposures of 3 items, 1 still open",
        "What came in a file lies in the landing bucket until about 14 days after its upload,",
        "and until somebody deletes it where not every line of it was ingested.",
        "Not known here:",
        *(f"  {one}" for one in (*NEVER_KNOWN, "asking AWS Backup: refused")),
    ] == lines[-9:]


def test_nothing_in_clear_is_said_and_nobody_is_asked(bucket, shown, asked):
    bucket.write(sealed(1, "item.written"))
    unknown = ["Not known here:", *(f"  {one}" for one in NEVER_KNOWN)]
    assert (0, ["no event of that time tells of anything in clear", *unknown]) == shown(people=True)
    assert (0, 0) == (shown()[0], shown()[1][0]["exposures"])
    assert [] == asked


def test_an_end_counts_that_came_after_the_time_that_is_asked_for(bucket, shown):
    bucket.write(clear(0))
    bucket.write(sealed(3 * DAY), at=START + 3 * DAY)
    _, (one, _) = shown(until=START + HOUR, now=START + 4 * DAY)
    assert 3 * DAY == one["open_seconds"]


def test_only_what_was_found_in_that_time_is_told(bucket, shown):
    bucket.write(clear(0), sealed(1), clear(2 * HOUR, "modify"), sealed(3 * HOUR), at=START + 3 * HOUR)
    bucket.write(clear(4 * HOUR, "modify"), at=START + 4 * HOUR)
    _, lines = shown(since=START + HOUR, until=START + 3 * HOUR, now=START + 5 * HOUR)
    assert ["2026-01-01T02:00:00Z"] == [one["written_at"] for one in lines[:-1]]


def test_what_was_in_clear_before_that_time_was_written_nobody_knows_when(bucket, shown, asked):
    bucket.write(clear(0, sequence_number="1"))
    bucket.write(clear(2 * HOUR, "modify", exposure="continued", sequence_number="2"), at=START + 2 * HOUR)
    status, (one, _) = shown(since=START + HOUR, now=START + 3 * HOUR)
    assert (1, None, "2026-01-01T02:00:00Z") == (status, one["written_at"], one["found_at"])
    assert "backup arn:nightly" in {place["what"] for place in one["may_be_in"]}
    assert -60 == asked[0][0]
    written = "  written  before 2026-01-01T02:00:00Z: it was changed then, and already in clear"
    assert written in shown(since=START + HOUR, now=START + 3 * HOUR, people=True)[1]


def test_what_it_shows_does_not_depend_on_what_came_shortly_before_that_time(bucket, shown):
    bucket.write(clear(-5), clear(5, "modify", exposure="continued"), at=START)
    assert 1 == shown(since=START)[1][-1]["exposures"]


def test_the_trail_is_read_again_from_the_first_that_was_found_on(bucket, shown):
    early, late = bucket.write(event(), at=START), bucket.write(clear(5 * HOUR), at=START + 5 * HOUR)
    shown(since=START)
    assert [early, late, late] == bucket.read_keys


def test_what_was_found_standing_is_not_open_if_it_was_sealed_just_before(bucket, shown):
    bucket.write(sealed(3_599, sequence_number="7"), at=START)
    bucket.write(clear(3_600.4, "standing"), at=START + HOUR)
    status, (one, _) = shown(since=START + HOUR, now=START + 2 * HOUR)
    assert (0, "2026-01-01T00:59:59Z") == (status, one["ended_at"])


def test_an_end_that_may_be_another_items_is_told_as_that_and_is_none(bucket, shown):
    bucket.write(clear(0, **SHOWN_ALIKE), sealed(60, "item.written", **SHOWN_ALIKE))
    status, lines = shown(people=True)
    perhaps = "perhaps at 2026-01-01T00:01:00Z, if it was this item: others are shown alike"
    assert (1, f"  sealed   not yet: 1 h 0 min since it was found; {perhaps}") == (status, lines[2])


def test_a_change_that_was_judged_late_is_put_in_its_place(bucket, shown):
    bucket.write(sealed(10, sequence_number="2"))
    bucket.write(clear(0, sequence_number="1"), at=START + HOUR)
    status, (one, _) = shown(now=START + 2 * HOUR)
    assert (0, 10) == (status, one["open_seconds"])


@pytest.mark.parametrize(
    ("selection", "found"), [(Selection(tenant="acme"), 1), (Selection(tenant="bolt"), 0), (Selection(item="i-1"), 1)]
)
def test_it_can_be_asked_of_a_tenant_or_an_item(bucket, shown, selection, found):
    bucket.write(clear(0), event("item.written", tenant_id="bolt", item_id="i-9", verdict="verified"))
    assert found == shown(selection)[1][-1]["exposures"]


def test_backups_of_the_whole_time_are_asked_for(bucket, shown, asked):
    bucket.write(clear(0), sealed(10))
    shown()
    bucket.write(clear(20, item_id="i-2"), where="b")
    shown()
    bucket.write(clear(20, "standing", item_id="i-3"), where="c")
    shown()
    assert [(START - 60, START + 70), (START - 60, START + HOUR + 60), (-60, START + HOUR + 60)] == asked


def test_a_copy_alone_says_what_it_cannot_tell(bucket, shown):
    bucket.write(clear(0), sealed(1))
    _, (one, listed) = shown(is_copy=True, copies=None)
    assert ["the table's stream"] == [place["what"] for place in one["may_be_in"]]
    assert (True, None) == (ASKED_OF_NOBODY in listed["unknown"], listed["landing_days"])


def test_other_tables_are_asked_for_too(bucket, shown, monkeypatch):
    asked = []

    def known(*span, other_tables):
        asked.append((span, other_tables))
        return Copies()

    monkeypatch.setattr("ops.audit.exposures.known_copies", known)
    bucket.write(clear(0), sealed(10))
    shown(copies=None, other_tables=["old"])
    assert [((START - 60, START + 70), ["old"])] == asked


def test_a_part_of_the_trail_that_cannot_be_read_is_not_all_well(bucket, shown):
    bucket.objects[bucket.write(event())] = b"no gzip"
    assert (1, [*NEVER_KNOWN, PARTS_MISSING]) == (shown()[0], shown()[1][0]["unknown"])


def test_a_part_that_cannot_be_read_is_named_also_where_something_is_still_open(bucket, shown, capsys):
    broken = bucket.write(event(), where="broken")
    bucket.objects[broken] = b"no gzip"
    bucket.write(clear(0))
    trail = Trail(bucket, Attested())
    status = show_exposures(trail, Selection(), START, START + DAY, copies=lambda *_: KNOWN, wall=lambda: START + HOUR)
    assert (1, True) == (status, f"events of it are missing: {broken}" in capsys.readouterr().err)


def test_of_what_has_no_time_none_is_told(bucket, shown):
    begun, ended = ({"item_id": "i-2", "sequence_number": number} for number in "12")
    bucket.write(clear(-START, "modify"), clear(-START, **begun), sealed(-START, **ended))
    _, lines = shown(people=True)
    assert [
        "  written  before a time that nobody knows: it was changed then, and already in clear",
        "  sealed   not yet",
        "  written  before a time that nobody knows: it was changed then, and already in clear",
        "  sealed   a time that nobody knows: item.remediated",
    ] == [line for line in lines if line.startswith(("  written", "  sealed"))]
    told = next(one for one in shown()[1] if one.get("item_id") == "i-2")
    assert (None, None, None) == (told["found_at"], told["ended_at"], told["open_seconds"])
    assert "the table's stream" in {place["what"] for place in told["may_be_in"]}, "nobody knows that it forgot it"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (59.6, "1 min 0 s"), (3_599, "59 min 59 s"), (90_061, "25 h 1 min")]
)
def test_durations_are_said_as_people_do(bucket, shown, seconds, said):
    bucket.write(clear(0))
    assert f"  sealed   not yet: {said} since it was found" in shown(people=True, now=START + seconds)[1]
