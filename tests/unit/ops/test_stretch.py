"""A stretch is read to its end, whatever fails on the way; what holds it up is said."""

from __future__ import annotations

import pytest

from ops.clock import Clock
from ops.errors import FunctionFailed, FunctionRefused, NoProgress
from ops.patience import Patience
from ops.stretch import LONGEST_STEP_SECONDS, STEP_SECONDS, Reading, Stretch, read_answer
from tests.fakes.clock import FakeClock
from tests.fakes.redriver import FakeRecord, FakeRedriver

RECORDS = [FakeRecord(number, 1_700_000_000.0 + number) for number in range(10, 15)]


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def patience(clock):
    return Patience(Clock(clock.wall, clock.monotonic, clock.advance), lambda message: None)


def stretch_of(redriver):
    asked = {"operation": "replay", "shard_id": "shard-1", "from": 1_700_000_000.0, "to": 1_800_000_000.0}
    return Stretch(redriver, "redriver", asked)


def test_it_is_read_step_by_step_each_from_where_the_last_ended(patience):
    redriver = FakeRedriver({"shard-1": RECORDS})

    reading = stretch_of(redriver).to_the_end(patience)

    assert (True, "14", 5, {"written": 5}, 1_700_000_014.0) == (
        reading.done,
        reading.after,
        reading.records,
        reading.counts,
        reading.reached,
    )
    places = [(one.get("from"), one.get("after"), one.get("next"), one["seconds"]) for one in redriver.asked]
    assert [
        (1_700_000_000.0, None, None, STEP_SECONDS),
        (1_700_000_000.0, "11", "12", STEP_SECONDS),
        (1_700_000_000.0, "13", "14", STEP_SECONDS),
    ] == places


def test_what_is_done_already_may_be_gone_where_the_next_is_there(patience):
    redriver = FakeRedriver({"shard-1": RECORDS})

    def retention(payload):
        if payload.get("after") == "11":
            redriver.shards = {"shard-1": RECORDS[2:]}

    redriver.before = retention
    asked = {"operation": "reread", "shard_id": "shard-1", "first": "10", "last": "14"}

    assert not Stretch(redriver, "redriver", asked).to_the_end(patience).missing


def test_what_a_step_owes_is_waited_before_the_next_and_ends_with_the_command(patience, clock):
    redriver = FakeRedriver({"shard-1": RECORDS}, owed_seconds=100.0)
    begun = clock.monotonic()
    at = []
    redriver.before = lambda payload: at.append(clock.monotonic() - begun)
    stretch = stretch_of(redriver)

    assert 100.0 == stretch.step(patience).owed_seconds
    stretch.to_the_end(patience)
    assert [0, 100, 200] == at

    patience.stopped.set()
    patience.rest(1e9)
    assert 200 == clock.monotonic() - begun


def test_what_is_owed_is_waited_where_a_record_stands_in_the_way_but_only_once_where_a_call_fails(patience, clock):
    begun = clock.monotonic()
    at = []

    def redriver(payload):
        at.append(clock.monotonic() - begun)
        if len(at) == 3:
            raise FunctionFailed("killed")
        stands = len(at) < 3
        return answer(done=not stands, outcomes={"retry": int(stands)}, owed_seconds=10.0)

    stretch_of(redriver).to_the_end(patience)

    first, second, third, fourth = at
    assert second - first >= 10
    assert third - second >= 10
    assert fourth - third < 10


@pytest.mark.parametrize("fails", [True, False])
def test_nothing_is_begun_once_another_worker_has_stopped_it(clock, fails):
    """It was waiting, for what the step before owed or after a failure."""
    asked = []

    def redriver(payload):
        asked.append(payload)
        if fails:
            raise FunctionFailed("killed")
        return answer(after="1", owed_seconds=100.0)

    def stopped_meanwhile(seconds):
        clock.advance(seconds)
        stopping.stopped.set()

    stopping = Patience(Clock(clock.wall, clock.monotonic, stopped_meanwhile), lambda message: None)

    assert not stretch_of(redriver).to_the_end(stopping).done
    assert 1 == len(asked)


def test_a_call_that_fails_is_repeated_from_the_same_place(patience):
    redriver = FakeRedriver({"shard-1": RECORDS})

    def every_other_fails(payload):
        if len(redriver.asked) % 2:
            raise FunctionFailed("killed")

    redriver.before = every_other_fails
    assert {"written": 5} == stretch_of(redriver).to_the_end(patience).counts
    assert ["11", "11"] == [one["after"] for one in redriver.asked if one.get("after") == "11"]


def test_a_record_that_is_to_be_tried_again_is_given_up_after_some_minutes(patience):
    redriver = FakeRedriver({"shard-1": [*RECORDS[:2], FakeRecord(12, 1_700_000_012.0, "retry")]})
    stretch = stretch_of(redriver)

    with pytest.raises(NoProgress, match="shard-1 does not get on behind 11: 1 record to be tried again"):
        stretch.to_the_end(patience)
    assert ({"written": 2}, 1, False) == (stretch.reading.counts, stretch.reading.waiting, stretch.reading.done)


def test_a_record_that_passes_at_last_is_counted_once(patience):
    redriver = FakeRedriver({"shard-1": [FakeRecord(12, 1_700_000_012.0, "retry")]})

    def mended(payload):
        if len(redriver.asked) == 4:
            redriver.shards = {"shard-1": [FakeRecord(12, 1_700_000_012.0)]}

    redriver.before = mended
    reading = stretch_of(redriver).to_the_end(patience)
    assert ({"written": 1}, 0) == (reading.counts, reading.waiting)


def answer(**changed):
    return {"done": False, "after": None, "kinesis_records": 0, "outcomes": {}, "oldest_arrived_at": None, **changed}


def test_what_a_step_wrote_behind_where_it_ended_is_said_to_the_next_and_to_no_other(patience):
    told = [{"7": [0, 2]}, {"9": [1]}, {}, {}]
    asked = []

    def redriver(payload):
        asked.append(payload.get("ahead"))
        return answer(done=len(asked) == 4, after=str(len(asked)), ahead=told[len(asked) - 1])

    stretch_of(redriver).to_the_end(patience)

    assert [None, {"7": [0, 2]}, {"9": [1]}, None] == asked


def test_what_is_written_beyond_where_reading_ended_is_told_until_it_is_counted():
    ahead = {"7": [0, 2], "9": [0]}

    counts = {"written": 1, "written_beyond": 3}
    assert counts == Reading(counts={"written": 1}, ahead=ahead).document()["counts"]
    assert {"written": 1} == Reading(done=True, counts={"written": 1}, ahead=ahead).document()["counts"]


def test_a_quiet_stretch_is_given_more_time_and_is_no_failure(patience, clock):
    asked = []

    def quiet(payload):
        asked.append(payload["seconds"])
        return answer(done=len(asked) == 5)

    assert stretch_of(quiet).to_the_end(patience).done
    assert [5, 10, 20, 40, 80] == asked
    assert clock.monotonic() == FakeClock().monotonic()


def test_a_stretch_that_is_quiet_for_ever_is_given_up(patience):
    asked = []

    def quiet(payload):
        asked.append(payload["seconds"])
        return answer()

    with pytest.raises(NoProgress):
        stretch_of(quiet).to_the_end(patience)
    assert LONGEST_STEP_SECONDS == max(asked)


def test_what_is_refused_is_not_asked_again(patience):
    redriver = FakeRedriver()

    def refuses(payload):
        raise FunctionRefused("no")

    redriver.before = refuses
    with pytest.raises(FunctionRefused):
        stretch_of(redriver).to_the_end(patience)
    assert 1 == len(redriver.asked)


def test_an_auditor_s_answer_counts_verdicts():
    told = {"done": True, "after": "5", "missing": True, "verdicts": {"verified": 2, "stale": 0}, "records": 2}
    assert Reading(done=True, after="5", records=2, counts={"verified": 2}, missing=True) == read_answer(
        told, "auditor"
    )


def test_what_is_missing_stays_missing(patience):
    redriver = FakeRedriver({"shard-1": RECORDS})
    asked = {"operation": "reread", "shard_id": "shard-1", "first": "7", "last": "14"}

    reading = Stretch(redriver, "redriver", asked).to_the_end(patience)

    assert (True, "10", 5) == (reading.missing, reading.found_from, reading.records)


@pytest.mark.parametrize(
    "told",
    [None, [], "done", {}, {"done": True}, {"done": True, "after": "1", "records": None}, answer(outcomes=[1])],
)
def test_an_answer_of_another_form_is_refused(told):
    with pytest.raises(FunctionRefused, match="redriver"):
        read_answer(told, "redriver")


def test_how_far_it_is_is_known_for_programs():
    reading = Reading(after="5", records=2, counts={"written": 2}, reached=1_700_000_000.0)
    assert {
        "done": False,
        "after": "5",
        "records": 2,
        "counts": {"written": 2},
        "reasons": {},
        "waiting": 0,
        "reached": "2023-11-14T22:13:20Z",
        "missing": False,
        "found_from": None,
    } == reading.document()
