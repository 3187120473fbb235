"""How far runs are, looked at by the clock: what tells one that moves from one that stands still."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.runs.model import Phase


@pytest.fixture
def look(world, capsys):
    """What a look answers, and the metrics that it writes."""

    def looked():
        capsys.readouterr()
        answer = world.rotation.run({"operation": "look"}, world.seconds_left)
        (line,) = capsys.readouterr().out.splitlines()
        document = json.loads(line)
        return answer, {name: value for name, value in document.items() if name.startswith("Run")}

    return looked


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

    assert ["barrier"] == [one["phase"] for one in answer["under_way"]]
    assert {"RunsUnderWay": 1} == values


def test_runs_of_several_kinds_are_looked_at_together(world, look):
    for kind in ("survey", "reconciliation"):
        world.advance(world.begin(kind, segments=2)["run_id"])

    _, values = look()

    assert (2, 6) == (values["RunsUnderWay"], values["RunSegments"])


def test_a_run_that_is_done_is_no_run_under_way(world, look):
    world.cancel(world.begin("survey")["run_id"])

    assert ({"under_way": []}, {"RunsUnderWay": 0}) == look()
