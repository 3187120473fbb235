"""A replay reads every shard to its end, tells what came of it, and may be cut off anywhere."""

from __future__ import annotations

import json
from threading import Barrier, Event

import pytest

from ops.clock import Clock
from ops.errors import FunctionFailed, FunctionRefused
from ops.replay.replay import Options, Ports, replay
from tests.fakes.clock import FakeClock
from tests.fakes.redriver import FakeRecord, FakeRedriver

SINCE, UNTIL = 1_700_000_000.0, 1_700_000_100.0
OPTIONS = Options(SINCE, UNTIL)


def records(*outcomes, start=10):
    return [FakeRecord(start + place, SINCE + place, outcome) for place, outcome in enumerate(outcomes)]


@pytest.fixture
def redriver():
    return FakeRedriver({"a": records("written", "duplicate", "duplicate"), "b": records("superseded")}, {"b": ("a",)})


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def ports(redriver, clock):
    return Ports(redriver, Clock(clock.wall, clock.monotonic, clock.advance))


@pytest.fixture
def done(ports, capsys):
    def run(options=OPTIONS):
        status = replay(options, ports=ports)
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.fixture
def shown(ports, monkeypatch, capsys):
    def run(options=OPTIONS):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        status = replay(options, ports=ports)
        return status, capsys.readouterr().out

    return run


def test_all_shards_are_read_and_the_outcomes_told(done):
    status, lines = done()

    assert 0 == status
    begun, *progress, finished = lines
    assert ("begun", ["a", "b"], "2023-11-14T22:13:20Z") == (begun["event"], begun["shards"], begun["from"])
    assert ["a", "a", "b"] == [line["shard_id"] for line in progress]
    assert (True, 4, {"written": 1, "duplicate": 2, "superseded": 1}) == (
        finished["done"],
        finished["records"],
        finished["counts"],
    )


def test_the_payloads_hold_times_and_a_share_of_the_rate(redriver, done):
    done(Options(SINCE, UNTIL, records_per_second=100.0, workers=8))

    (first, second, _) = redriver.of("replay")
    assert {
        "operation": "replay",
        "shard_id": "a",
        "from": SINCE,
        "to": UNTIL,
        "records_per_second": 50.0,
        "seconds": 5,
    } == first
    assert ("11", SINCE) == (second["after"], second["from"])


def test_what_arrived_before_the_time_is_not_replayed_from_the_second_step_on_either(redriver, done):
    early = [FakeRecord(20 + number, SINCE - 1) for number in range(5)]
    redriver.shards = {"a": [*records("written", "written"), *early, *records("duplicate", start=30)]}

    assert {"written": 2, "duplicate": 1} == done()[1][-1]["counts"]


@pytest.mark.parametrize("more", [{}, {"dry_run": True}])
def test_a_time_that_retention_has_taken_is_not_all_well(redriver, done, shown, more):
    redriver.forgotten_before = SINCE + 3_600
    status, lines = done(Options(SINCE, UNTIL, **more))
    assert (1, "2023-11-14T23:13:20Z") == (status, lines[-1]["gone_before"])

    status, text = shown(Options(SINCE, UNTIL, **more))
    assert (1, True) == (status, "what arrived before 2023-11-14T23:13:20Z is gone" in text)


@pytest.mark.parametrize(("shard_id", "gone_before"), [("a", "2023-11-14T23:13:20Z"), ("b", None)])
def test_of_a_shard_that_is_named_only_what_it_has_lost_itself_is_gone(redriver, done, shard_id, gone_before):
    redriver.forgotten_before = SINCE + 3_600

    status, lines = done(Options(SINCE, UNTIL, (shard_id,)))

    assert (int(gone_before is not None), gone_before) == (status, lines[-1]["gone_before"])


@pytest.mark.parametrize("forgotten_before", [None, SINCE - 1, SINCE, SINCE + 30])
def test_where_the_stream_goes_back_as_far_as_asked_nothing_is_gone(redriver, done, forgotten_before):
    redriver.forgotten_before = forgotten_before
    status, lines = done()
    assert (0, None) == (status, lines[-1]["gone_before"])


@pytest.mark.parametrize(("parents", "gone_before"), [({}, "2023-11-14T23:13:20Z"), ({"b": ("a",)}, None)])
def test_what_retention_takes_before_a_shards_turn_comes_is_not_all_well(redriver, done, parents, gone_before):
    redriver.parents = parents

    def an_hour_later(payload):
        if payload.get("shard_id") == "b":
            redriver.forgotten_before = SINCE + 3_600

    redriver.before = an_hour_later
    status, lines = done(Options(SINCE, UNTIL, workers=1))

    assert (0 if gone_before is None else 1, gone_before) == (status, lines[-1]["gone_before"])


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(("found_from", "duplicates"), [(None, 2), ("13", 3)])
def test_what_retention_takes_while_a_shard_is_read_is_said(redriver, done, shown, terminal, found_from, duplicates):
    every = records(*["duplicate"] * 4)
    redriver.shards, redriver.parents = {"a": every}, {}

    def retention(payload):
        if "after" in payload:
            redriver.shards = {"a": every[3:] if found_from else []}

    redriver.before = retention
    if terminal:
        status, text = shown()
        assert "retention overtook the reading" in text
        assert ["a", found_from or "nothing"] in [line.split() for line in text.splitlines()]
    else:
        status, lines = done()
        (shard,) = lines[-1]["shards"]
        assert (True, found_from, duplicates) == (shard["missing"], shard["found_from"], shard["counts"]["duplicate"])
    assert 1 == status


def test_what_one_shard_owes_is_waited_before_the_next(redriver, done, clock):
    redriver.owed_seconds = 100.0
    begun = clock.monotonic()

    assert 0 == done(Options(SINCE, UNTIL, workers=1))[0]

    steps = len(redriver.of("replay"))
    assert (3, 200) == (steps, clock.monotonic() - begun)


def test_one_shard_can_be_named_and_an_unknown_one_is_said_with_those_there_are(redriver, done):
    status, lines = done(Options(SINCE, UNTIL, shard_ids=("b",)))
    assert (0, ["b"]) == (status, lines[0]["shards"])

    with pytest.raises(SystemExit, match="named c; there are: a, b"):
        done(Options(SINCE, UNTIL, shard_ids=("c",)))


def test_what_goes_to_quarantine_makes_status_1_and_is_told_by_reason(redriver, shown):
    redriver.shards = {"a": records("written", "quarantined")}
    status, text = shown()

    assert 1 == status
    assert "quarantined: not json 1" in text
    assert ["quarantined", "1"] in [line.split() for line in text.splitlines()]


def test_a_dry_run_says_what_would_be(redriver, shown):
    redriver.shards = {"a": records("written", "duplicate")}
    status, text = shown(Options(SINCE, UNTIL, dry_run=True))

    assert 0 == status
    assert all(one["dry_run"] for one in redriver.of("replay"))
    assert ["sendable", "2"] in [line.split() for line in text.splitlines()]
    assert "nothing written" in text


def test_a_time_without_records_has_no_shards_and_is_all_well(redriver, shown):
    redriver.shards = {}
    status, text = shown()
    assert (0, True) == (status, "0 Kinesis records replayed" in text)


def test_shards_are_read_side_by_side_but_children_after_their_parents(redriver, ports):
    redriver.shards = {"a": records("written"), "b": records("written"), "c": records("written")}
    redriver.parents = {"c": ("a", "b")}
    side_by_side = Barrier(2)

    def meet(payload):
        if payload.get("shard_id") in {"a", "b"}:
            side_by_side.wait(10)

    redriver.before = meet
    assert 0 == replay(Options(SINCE, UNTIL, workers=3), ports=ports)
    assert "c" == redriver.of("replay")[-1]["shard_id"]


def test_a_record_that_stays_to_be_tried_again_ends_it_with_how_far_it_came(redriver, shown):
    redriver.shards = {"a": records("written", "written", "written", "retry")}
    status, text = shown()

    assert 1 == status
    assert "gave up after" in text
    assert "not read to their end" in text
    assert ["a", "2023-11-14T22:13:22Z"] in [line.split() for line in text.splitlines()]
    assert ["written", "3"] in [line.split() for line in text.splitlines()]


def test_a_refusal_ends_it_for_all_workers(redriver, done):
    redriver.parents = {}
    refused = Event()

    def refuses(payload):
        if payload.get("shard_id") == "a":
            refused.set()
            raise FunctionRefused("redriver: no")
        if payload.get("shard_id") == "b":
            refused.wait(10)

    redriver.before = refuses
    status, lines = done()

    assert (1, "redriver: no") == (status, lines[-1]["why"])


def test_ctrl_c_shows_what_was_done_and_begins_nothing_more(redriver, ports, monkeypatch, capsys):
    looked = []

    def interrupted(works, *, meanwhile, every_seconds):
        looked.append(every_seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr("ops.replay.replay.together", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replay(OPTIONS, ports=ports)

    finished = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert ("finished", False) == (finished["event"], finished["done"])
    assert [1.0] == looked


def test_a_function_that_fails_now_and_then_delays_it_only(redriver, done):
    def every_third_fails(payload):
        if len(redriver.asked) % 3 == 0:
            raise FunctionFailed("redriver: killed")

    redriver.before = every_third_fails
    status, lines = done()

    assert 0 == status
    assert any(line["event"] == "trouble" for line in lines)
    assert {"written": 1, "duplicate": 2, "superseded": 1} == lines[-1]["counts"]
