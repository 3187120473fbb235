"""A reconciliation as rotation leads it: one scan, by the reconciler, and what it says in the end."""

from __future__ import annotations

import pytest

from shared.runs.model import Example, Phase, Tally

ALL_VERDICTS = {"verified": 5, "stale": 4, "plaintext": 3, "malformed": 2, "undeclared": 1, "unjudged": 1, "sent": 9}


def test_its_segments_are_the_reconcilers_and_those_of_any_other_run_the_sweepers(world):
    workers = {kind: world.advance(world.begin(kind)["run_id"])["worker"] for kind in ("reconciliation", "survey")}

    assert {"reconciliation": "reconciler", "survey": "sweeper"} == workers


def test_it_begins_with_its_scan(world):
    begun = world.begin("reconciliation", workers=2, items_per_second=100)
    run = world.runs.load(begun["run_id"])

    assert (Phase.CENSUS, world.clock.wall(), 100, 0.0) == (
        run.phase,
        run.census_at,
        run.items_per_second,
        run.barrier_seconds,
    )


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ({}, "in_order"),
        ({"visited": 5, "verified": 5}, "in_order"),
        *(({"visited": 5, "verified": 4, name: 1}, "findings") for name in ALL_VERDICTS if name != "verified"),
    ],
    ids=str,
)
def test_it_is_in_order_where_every_item_is_verified(world, counts, verdict):
    assert verdict == world.rotate(kind="reconciliation", census=lambda: Tally(counts))["verdict"]


def test_its_end_is_told_with_its_figures_and_as_no_census(world):
    found = Tally({"visited": 16, **ALL_VERDICTS}, examples=(Example("acme", "i-1", "ssn", "in clear"),))
    answer = world.rotate(kind="reconciliation", census=lambda: found)

    (event,) = world.events("reconciliation.completed")
    assert {"kind": "reconciliation", "verdict": "findings", "visited": 16, **ALL_VERDICTS}.items() <= event.items()
    assert answer["run_id"] == event["run_id"]
    assert [] == world.events("census.completed")
    assert ["rotation.started", "reconciliation.completed", "rotation.completed"] == [
        one["event"] for one in world.events()
    ]
    assert ["i-1"] == [one["item_id"] for one in answer["examples"]]


def test_called_off_it_proves_nothing(world):
    run_id = world.begin("reconciliation")["run_id"]

    assert world.cancel(run_id)["verdict"] == "cancelled"
    assert [] == world.events("reconciliation.completed")


def test_no_key_is_touched(world):
    old = world.first_keys(("acme", "pii"))["acme", "pii"]
    before = world.row("acme", old)

    world.rotate(kind="reconciliation")

    assert before == world.row("acme", old)


def test_it_takes_no_option_of_a_rotation(world):
    with pytest.raises(Exception, match="kind reconciliation knows no option 'tenant_id'"):
        world.begin("reconciliation", tenant_id="acme")
