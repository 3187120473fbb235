"""A run is called off, wherever it is: what was done stays, and whoever drives it or works on it comes to an end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.errors import RunRefused
from shared.keys.rotation.decide import DESTRUCTION_SECONDS
from shared.model import KeyState
from shared.runs.model import PHASES, Phase, RunKind
from tests.fakes.rotation import replace_active_key
from tests.fakes.rotation_world import World

ACME, PII, PCI = "acme", "pii", "pci"


def led_to(world: World, kind: RunKind, phase: Phase) -> str:
    """A run that just came into this phase; its id."""
    world.first_keys((ACME, PII), (ACME, PCI))
    replace_active_key(world.store, world.service, ACME, PII, created_at=world.clock.wall())
    run_id = str(world.begin(kind)["run_id"])
    while (run := world.runs.load(run_id)) is not None and run.phase is not phase:
        assert run.phase is not Phase.DONE
        if run.phase in {Phase.SWEEP, Phase.CENSUS}:
            world.scanned(run_id, run.phase)
        if run.phase is Phase.BARRIER:
            world.clock.advance(max(0.0, (run.barrier_until or 0.0) - world.clock.wall()))
        world.advance(run_id)
    return run_id


@pytest.mark.parametrize(
    ("kind", "phase"), [(kind, phase) for kind, phases in PHASES.items() for phase in phases if phase is not Phase.DONE]
)
def test_a_run_of_any_kind_is_called_off_in_any_phase_and_the_next_may_begin(world, kind, phase):
    run_id = led_to(world, kind, phase)
    world.clock.advance(5)

    answer = world.cancel(run_id)

    assert ("done", "cancelled") == (answer["phase"], answer["verdict"])
    run = world.runs.load(run_id)
    assert (Phase.DONE, "cancelled", world.clock.wall()) == (run.phase, run.verdict, run.ended_at)
    [completed] = world.events("rotation.completed")
    assert {"run_id": run_id, "kind": kind.value, "verdict": "cancelled"}.items() <= completed.items()
    assert [] == world.events("census.completed"), "nobody knows whether it was complete"
    assert world.begin(kind)["joined"] is False


def test_what_was_done_is_not_undone_and_is_told(world):
    old = world.first_keys((ACME, PII))[ACME, PII]
    world.service.key_material_id = "material-2"
    run_id = world.begin(due=False)["run_id"]
    world.advance(run_id)
    rows = world.store.all_rows()

    answer = world.cancel(run_id)

    assert rows == world.store.all_rows()
    assert (KeyState.DECRYPT_ONLY, "material-2") == (world.row(ACME, old).state, world.row(ACME, old).key_material_id)
    assert {"keys": 1, "rewrapped": 1, "renewed": 1, "decrypt_only": 1} == answer["counts"]["keys"]
    [completed] = world.events("rotation.completed")
    assert {"rewrapped": 1, "renewed": 1, "retired": 0}.items() <= completed.items()
    assert world.rotate()["verdict"] == "retired", "the next run does what was left"


def test_to_call_off_again_changes_nothing_and_tells_the_same(world, capsys):
    run_id = led_to(world, RunKind.ROTATION, Phase.SWEEP)
    first = world.cancel(run_id)
    before = world.runs.load(run_id)
    world.clock.advance(50)

    assert first == world.cancel(run_id)

    assert before == world.runs.load(run_id)
    one, other = world.events("rotation.completed")
    assert one == other
    assert 1 == capsys.readouterr().out.count('"KeysRenewed":'), "metrics count a run once"


def test_whoever_drives_a_run_that_was_called_off_comes_to_its_end(world):
    run_id = led_to(world, RunKind.ROTATION, Phase.BARRIER)
    world.cancel(run_id)
    assert ("done", "cancelled") == tuple(world.advance(run_id)[name] for name in ("phase", "verdict"))


def test_a_segment_that_is_stored_after_the_run_was_called_off_changes_nothing(world):
    run_id = led_to(world, RunKind.ROTATION, Phase.SWEEP)
    world.cancel(run_id)
    before = world.runs.load(run_id)

    world.scanned(run_id, Phase.SWEEP)

    assert ("done", "cancelled") == tuple(world.advance(run_id)[name] for name in ("phase", "verdict"))
    assert before == world.runs.load(run_id)


def test_a_run_that_is_done_stays_as_it_ended(world):
    world.first_keys((ACME, PII))
    done = world.rotate(due=False)
    assert done == world.cancel(done["run_id"])
    assert "retired" == world.runs.load(done["run_id"]).verdict


def before_the_next_save(world: World, action: Any) -> None:
    """What another process does right before the next run is stored."""

    def before(method: str) -> None:
        if method == "save":
            world.runs.before = lambda method: None
            action()

    world.runs.before = before


def test_who_advances_at_the_same_time_may_win_and_the_run_is_called_off_all_the_same(world):
    run_id = led_to(world, RunKind.ROTATION, Phase.SWEEP)
    world.scanned(run_id, Phase.SWEEP)
    before_the_next_save(world, lambda: world.advance(run_id))

    assert "cancelled" == world.cancel(run_id)["verdict"]

    assert world.runs.load(run_id).barrier_until is not None, "the other had got there"


def test_a_run_that_is_called_off_right_before_its_good_end_is_stored_is_told_as_called_off_only(world):
    run_id = led_to(world, RunKind.ROTATION, Phase.CENSUS)
    world.scanned(run_id, Phase.CENSUS)
    before_the_next_save(world, lambda: world.cancel(run_id))

    answer = world.advance(run_id)

    assert "cancelled" == answer["verdict"] == world.runs.load(run_id).verdict
    assert {"cancelled"} == {event["verdict"] for event in world.events("rotation.completed", "census.completed")}


def test_two_who_end_a_run_at_once_count_it_once(world, capsys):
    run_id = led_to(world, RunKind.ROTATION, Phase.CENSUS)
    world.scanned(run_id, Phase.CENSUS)
    before_the_next_save(world, lambda: world.advance(run_id))

    assert "retired" == world.advance(run_id)["verdict"]

    assert 1 == capsys.readouterr().out.count('"KeysRetired":')


def test_a_destruction_that_is_called_off_destroys_no_further_page(world, monkeypatch):
    monkeypatch.setattr("consumers.rotation.pages.PAGE_ROWS", 1)
    ids = world.first_keys((ACME, PII), (ACME, PCI))
    assert world.rotate(due=False)["verdict"] == "retired"
    world.clock.advance(DESTRUCTION_SECONDS)
    run_id = world.begin("destruction")["run_id"]
    world.scanned(run_id, Phase.CENSUS)
    before_the_next_save(world, lambda: world.cancel(run_id))

    world.advance(run_id)

    states = [world.row(ACME, key_id).state for key_id in ids.values()]
    assert [KeyState.DESTROYED, KeyState.RETIRED] == sorted(states, key=str)


def test_who_called_it_off_and_died_is_completed_by_whoever_comes_next(world):
    run_id = led_to(world, RunKind.ROTATION, Phase.SWEEP)
    run = world.runs.load(run_id)
    world.runs.save(replace(run, phase=Phase.DONE, verdict="cancelled", ended_at=world.clock.wall()))

    world.advance(run_id)

    assert ["cancelled"] == [event["verdict"] for event in world.events("rotation.completed")]


@pytest.mark.parametrize("run_id", ["ab" * 16, "ab", None])
def test_a_run_that_is_not_there_cannot_be_called_off(world, run_id):
    with pytest.raises(RunRefused, match=r"no run of this id|'run_id' must be"):
        world.rotation.run({"operation": "cancel", "run_id": run_id}, world.seconds_left)


KINDS_WITHOUT_KEYS = (RunKind.ADOPTION, RunKind.SURVEY, RunKind.RECONCILIATION)


@pytest.mark.parametrize("kind", RunKind)
def test_the_end_is_told_first_and_the_key_store_is_gone_through_only_where_the_run_may_have_touched_a_key(world, kind):
    run_id = led_to(world, kind, PHASES[kind][0])
    page, told = world.store.page, []

    def pages(*arguments, **named):
        told.append(world.log.getvalue().count('"event":"rotation.completed"'))
        return page(*arguments, **named)

    world.store.page = pages

    world.cancel(run_id)
    world.advance(run_id)

    assert ([] if kind in KINDS_WITHOUT_KEYS else [1, 2]) == told
