"""Killed at any call of key store, KMS, runs, backups or log, and started again: the end is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from shared.errors import CannotOpen
from shared.keys.rotation.decide import DESTRUCTION_SECONDS
from shared.runs.model import Phase, Tally
from tests.fakes.rotation_world import World

ACME, OTHER, DENIED = "acme", "other", "denied"
PII, PCI = "pii", "pci"
PLAIN = b"value"


class Killed(BaseException):
    """The process is gone."""


class Killer:
    """Kills the process at one call of the ports: before it has its effect, or right after."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.calls = 0
        self.at = at
        self.after = after

    def wrap(self, port: Any) -> Any:
        killer = self

        class Port:
            def __getattr__(self, name: str) -> Any:
                method = getattr(port, name)

                def call(*arguments: Any, **named: Any) -> Any:
                    killer.calls += 1
                    dies = killer.calls == killer.at
                    if dies and not killer.after:
                        raise Killed
                    result = method(*arguments, **named)
                    if dies:
                        raise Killed
                    return result

                return call

        return Port()


def restarted(step: Callable[[], Any]) -> Any:
    """The step's answer; once more where the process was killed."""
    try:
        return step()
    except Killed:
        return step()


def rotation(killer: Killer) -> tuple[World, str, dict[tuple[str, int], bytes]]:
    """After a rotation of the KMS key everything is renewed; one tenant is denied, one key still has values."""
    world = World()
    ids = world.first_keys((ACME, PII), (ACME, PCI), (OTHER, PII), (DENIED, PII))
    sealed = {(pair[0], key): world.keyring().opener(pair[0], key).cipher.seal(PLAIN, b"") for pair, key in ids.items()}
    world.service.key_material_id = "material-2"
    world.refuse_tenant(DENIED)
    world.clock.advance(5)
    census = Tally({"visited": 1}, {f"{OTHER}/{ids[OTHER, PII]:08x}": 1})
    return world, led(world, killer, census=census, due=False), sealed


def destruction(killer: Killer) -> tuple[World, str, dict[tuple[str, int], bytes]]:
    """Two retired keys; one of them still has values."""
    world = World()
    ids = world.first_keys((ACME, PII), (OTHER, PII))
    sealed = {(pair[0], key): world.keyring().opener(pair[0], key).cipher.seal(PLAIN, b"") for pair, key in ids.items()}
    assert world.rotate(due=False)["verdict"] == "retired"
    world.clock.advance(DESTRUCTION_SECONDS)
    census = Tally({"visited": 1}, {f"{OTHER}/{ids[OTHER, PII]:08x}": 1})
    return world, led(world, killer, census=census, kind="destruction"), sealed


def reopening(killer: Killer) -> tuple[World, str, dict[tuple[str, int], bytes]]:
    """A retired key is reopened."""
    world = World()
    [((tenant_id, _), key_id)] = world.first_keys((ACME, PII)).items()
    sealed = {(tenant_id, key_id): world.keyring().opener(tenant_id, key_id).cipher.seal(PLAIN, b"")}
    run_id = world.rotate(due=False)["run_id"]
    world.wrap = killer.wrap
    assert restarted(lambda: world.reopen(tenant_id, key_id)) == {"state": "decrypt_only"}
    return world, run_id, sealed


def led(world: World, killer: Killer, *, census: Tally, **options: Any) -> str:
    """Begin a run and lead it to its end; whoever drives it does not die."""
    world.wrap = killer.wrap
    run_id = restarted(lambda: world.begin(**options))["run_id"]
    restarted(lambda: world.drive(run_id, census=lambda: census))
    return str(run_id)


def end(world: World, run_id: str, sealed: dict[tuple[str, int], bytes]) -> dict[str, Any]:
    """Everything that must not depend on where the process died; new keys are told by what they are, not by id."""
    run = world.runs.load(run_id)
    assert run is not None
    rows = Counter(
        (
            row.tenant_id,
            row.data_class,
            row.state,
            row.key_material_id,
            row.kms_key_arn,
            row.made_by == run_id,
            row.rewrapped_by == run_id,
            row.state_set_by == run_id,
            row.closed_at,
            row.state_set_at,
        )
        for row in world.store.all_rows()
    )
    events = {event["event_id"]: event for event in world.events()}
    return {
        "rows": rows,
        "active": sorted(row.data_class for row in world.store.all_rows() if row.state == "active"),
        "opens": {place: opens(world, *place, raw) for place, raw in sealed.items()},
        "run": (run.phase, run.verdict, run.counts, run.cursor, [(one.tenant_id, one.why) for one in run.examples]),
        "events": Counter(
            (event["event"], event.get("tenant_id"), event.get("data_class"), event.get("verdict"))
            for event in events.values()
        ),
        "orphans": Counter(event["event"] for event in events.values() if is_about_no_key(world, event)),
    }


def opens(world: World, tenant_id: str, key_id: int, raw: bytes) -> bytes | str:
    """What a value under the key opens to; or why it stays closed."""
    try:
        return world.keyring(opens_retired=True).opener(tenant_id, key_id).cipher.open(raw, b"")
    except CannotOpen as closed:
        return type(closed).__name__


def is_about_no_key(world: World, event: dict[str, Any]) -> bool:
    """Whether an event tells of a key that is not there."""
    tenant_id, key_id = event.get("tenant_id"), event.get("key_id")
    return bool(tenant_id and key_id) and not world.store.rows(str(tenant_id), [int(str(key_id), 16)])


CALLS = {rotation: 76, destruction: 22, reopening: 3}
"""How many calls each makes when nobody dies."""


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr("consumers.rotation.pages.PAGE_ROWS", 2)


@pytest.fixture(scope="module")
def undisturbed() -> dict[Any, Any]:
    """How each ends when nobody dies; filled by the tests."""
    return {}


def test_a_rotation_that_nobody_disturbs_ends_as_it_should():
    found = end(*rotation(Killer(0, after=False)))
    assert found["run"][1] == "not_safe"
    counts = {"keys": 4, "rewrapped": 3, "renewed": 3, "decrypt_only": 3, "failed": 1, "retired": 2, "kept": 1}
    assert counts == found["run"][2]
    assert {PLAIN} == set(found["opens"].values())


@pytest.mark.parametrize("scenario", CALLS, ids=lambda scenario: scenario.__name__)
def test_every_call_is_a_place_to_die(scenario):
    killer = Killer(0, after=False)
    scenario(killer)
    assert CALLS[scenario] == killer.calls


@pytest.mark.parametrize(
    ("scenario", "at"),
    [(scenario, at) for scenario, calls in CALLS.items() for at in range(1, calls + 1)],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_who_is_killed_and_started_again_comes_to_the_same_end(undisturbed, scenario, at, after):
    if scenario not in undisturbed:
        undisturbed[scenario] = end(*scenario(Killer(0, after=False)))
    killer = Killer(at, after=after)

    found = end(*scenario(killer))

    assert killer.calls >= at
    assert undisturbed[scenario] == found


def called_off(step: Callable[[World], str], at: int, *, after: bool) -> tuple[World, str]:
    """Who leads the run is killed at this call, and the run is called off instead of being led on."""
    world = World()
    run_id = step(world)
    killer = Killer(at, after=after)
    world.wrap = killer.wrap
    with suppress(Killed):
        world.advance(run_id)
    world.wrap = lambda port: port
    world.cancel(run_id)
    return world, run_id


def to_prepare(world: World) -> str:
    """A rotation that is to wrap and to replace every key."""
    world.first_keys((ACME, PII), (ACME, PCI), (OTHER, PII))
    world.service.key_material_id = "material-2"
    return str(world.begin(due=False)["run_id"])


def to_retire(world: World) -> str:
    """The same, right before its keys are retired."""
    run_id = to_prepare(world)
    world.advance(run_id)
    world.scanned(run_id, Phase.SWEEP)
    world.clock.advance(world.advance(run_id)["wait_seconds"])
    world.advance(run_id)
    world.scanned(run_id, Phase.CENSUS)
    return run_id


def to_destroy(world: World) -> str:
    """A destruction whose census is complete."""
    world.first_keys((ACME, PII), (OTHER, PII))
    world.rotate(due=False)
    world.clock.advance(DESTRUCTION_SECONDS)
    run_id = str(world.begin("destruction")["run_id"])
    world.scanned(run_id, Phase.CENSUS)
    return run_id


def done_and_told(world: World, run_id: str) -> tuple[set[tuple[str, str, str]], set[tuple[str, str, str]]]:
    """What the rows say that the run did, and what its events say; by event, tenant and key."""
    ended = {"retired": "key.retired", "destroyed": "key.destroyed"}
    done = set()
    for row in world.store.all_rows():
        names = [
            "key.rewrapped" * (row.rewrapped_by == run_id),
            "key.rotated" * (row.made_by == run_id),
            ended.get(row.state, "") * (row.state_set_by == run_id),
        ]
        done |= {(name, row.tenant_id, f"{row.key_id:08x}") for name in filter(None, names)}
    told = [event for event in world.events() if event["event"].startswith("key.") and event.get("run_id") == run_id]
    assert len({event["event_id"] for event in told}) == len(
        {(event["event"], event["tenant_id"], event["key_id"]) for event in told}
    ), "told again with the same ids"
    return done, {(event["event"], event["tenant_id"], event["key_id"]) for event in told}


@pytest.mark.parametrize("step", [to_prepare, to_retire, to_destroy], ids=lambda step: step.__name__)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_what_a_killed_process_did_is_told_where_the_run_is_called_off(step, after):
    for at in range(1, 30):
        world, run_id = called_off(step, at, after=after)
        done, told = done_and_told(world, run_id)
        assert done == told, f"killed at call {at}"


def test_what_is_done_to_a_key_right_after_the_run_was_called_off_is_told_by_who_advances_it():
    world = World()
    run_id = to_prepare(world)
    [row] = [row for row in world.store.all_rows() if row.tenant_id == OTHER]
    world.cancel(run_id)
    world.store.put_row(replace(row, rewrapped_by=run_id))
    assert [] == world.events("key.rewrapped")

    world.advance(run_id)

    done, told = done_and_told(world, run_id)
    assert done == told != set()
