"""Looks by the clock: what tells a run that moves from one that stands still, and what is known to stand open."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.runs.model import Phase, Tally
from tests.fakes.rotation_world import DAY


@pytest.fixture
def looked(world, capsys):
    """What a look answers, and all metrics that it writes."""

    def look():
        capsys.readouterr()
        answer = world.rotation.run({"operation": "look"}, world.seconds_left)
        (line,) = capsys.readouterr().out.splitlines()
        return answer, json.loads(line)

    return look


@pytest.fixture
def look(looked):
    """The same, with those of runs alone."""

    def of_runs():
        answer, document = looked()
        return answer, {name: value for name, value in document.items() if name.startswith("Run")}

    return of_runs


def scan(world, run_id, number, *, times=1, done=False):
    """Store as often how far a segment is."""
    run = world.runs.load(run_id)
    for _ in range(times):
        segment = world.runs.segment(run_id, run.phase, number)
        world.runs.save_segment(replace(segment, done=done))


def test_without_a_run_there_is_nothing_to_stand_still(look):
    assert ({"under_way": []}, {"RunsUnderWay": 0}) == look()


def test_a_run_that_moves_takes_steps_and_one_that_stands_still_takes_none(world, look):
    run_id = world.begin("survey", segments=4)["run_id"]
    world.advance(run_id)

    _, begun = look()
    _, still = look()
    scan(world, run_id, 0, times=3)
    _, later = look()

    assert begun == still
    assert begun["RunSteps"] + 3 == later["RunSteps"]


def test_its_progress_is_of_the_scan_that_is_under_way(world, look):
    run_id = world.begin("survey", segments=4)["run_id"]
    world.advance(run_id)
    for number in (0, 1):
        scan(world, run_id, number, done=True)

    answer, values = look()

    assert [{"run_id": run_id, "kind": "survey", "phase": "census"}] == answer["under_way"]
    assert (1, 5, 2) == (values["RunsUnderWay"], values["RunSegments"], values["RunSegmentsDone"])


def test_who_waits_at_the_barrier_does_not_stand_still(world, look):
    world.first_keys(("acme", "pii"))
    run_id = world.begin("retirement", segments=1)["run_id"]
    for number in range(2):
        scan(world, run_id, number, done=True)
    run = world.runs.load(run_id)
    assert run is not None
    world.runs.save(replace(run, phase=Phase.BARRIER, barrier_until=world.clock.wall() + 60))

    answer, values = look()
    world.clock.advance(61)
    _, after_it = look()

    assert ["barrier"] == [one["phase"] for one in answer["under_way"]]
    assert {"RunsUnderWay": 1} == values
    assert "RunSteps" in after_it, "whoever should have led it on has not"


def test_runs_of_several_kinds_are_looked_at_together(world, look):
    for kind in ("survey", "reconciliation"):
        world.advance(world.begin(kind, segments=2)["run_id"])

    _, values = look()

    assert (2, 6) == (values["RunsUnderWay"], values["RunSegments"])


def test_a_run_that_is_done_is_no_run_under_way(world, look):
    world.cancel(world.begin("survey")["run_id"])

    assert ({"under_way": []}, {"RunsUnderWay": 0}) == look()


def test_how_long_ago_the_last_rotation_was_shows_that_nobody_begins_them_any_more(world, looked):
    assert "RotationAgeSeconds" not in looked()[1]
    run_id = world.begin()["run_id"]
    world.clock.advance(7 * DAY)
    under_way = looked()[1]
    world.advance(run_id)
    world.clock.advance(3 * DAY)

    assert (0, 3 * DAY) == (under_way["RotationAgeSeconds"], looked()[1]["RotationAgeSeconds"])


def test_what_waits_in_quarantine_is_told_each_time_until_it_is_decided(world, looked):
    world.held.entries = 3

    assert [3, 3] == [looked()[1]["QuarantineHeld"] for _ in range(2)]
    world.held.entries = None
    assert "QuarantineHeld" not in looked()[1], "unknown is not none"


def test_what_the_last_census_counted_is_told_until_the_next_one(world, looked):
    figures = {"visited": 9, "sealed_values": 8, "stale_values": 2, "unknown_values": 1, "clear_values": 4}
    assert "CensusValues" not in looked()[1]
    world.drive(world.begin("survey", segments=2)["run_id"], census=lambda: Tally(figures))
    world.advance(world.begin("rotation")["run_id"])  # ends at once: no key is due
    world.begin("survey", segments=2)
    world.clock.advance(DAY)

    told = looked()[1]

    names = ("CensusValues", "CensusValuesStale", "CensusValuesUnknown", "ExposuresKnown", "CensusAgeSeconds")
    assert [8, 2, 1, 4, DAY] == [told[name] for name in names]


def test_what_is_known_in_clear_is_what_the_later_of_census_and_reconciliation_found(world, looked):
    found = [Tally({"visited": 9, "verified": 3, "plaintext": 2, "undeclared": 3}), Tally({"visited": 9})]
    world.drive(world.begin("survey")["run_id"], census=lambda: Tally({"visited": 9, "clear_values": 4}))
    known = [looked()[1]["ExposuresKnown"]]
    for tally in found:
        world.clock.advance(60)
        world.drive(world.begin("reconciliation")["run_id"], census=lambda tally=tally: tally)
        known.append(looked()[1]["ExposuresKnown"])

    assert [4, 2, 0] == known


def test_no_census_says_that_what_is_malformed_was_mended(world, looked):
    """It counts what it would have to seal, and an item whose system attributes are wrong is none of that."""
    found = Tally({"visited": 9, "plaintext": 2, "malformed": 3})
    census = Tally({"visited": 9, "left": 3, "clear_values": 1})
    known = []
    for kind, tally in (("reconciliation", found), ("survey", census), ("reconciliation", Tally({"visited": 9}))):
        world.clock.advance(60)
        world.drive(world.begin(kind)["run_id"], census=lambda tally=tally: tally)
        known.append(looked()[1]["ExposuresKnown"])

    assert [5, 4, 0] == known


def test_a_census_that_was_called_off_is_not_what_is_known(world, looked):
    run_id = world.begin("survey", segments=2)["run_id"]
    scan(world, run_id, 0, done=True)
    world.cancel(run_id)

    assert "CensusValues" not in looked()[1]


def test_a_census_that_is_complete_is_read_once_in_a_process(world):
    world.drive(world.begin("survey")["run_id"])
    reads: list[str] = []
    world.runs.before = reads.append
    rotation = world.rotation

    for _ in range(3):
        rotation.run({"operation": "look"}, world.seconds_left)

    assert 1 == reads.count("segments")
