"""What a run may be asked for, and that two starts at once become one."""

from __future__ import annotations

import re

import pytest

from shared.errors import RunRefused
from shared.keys.barrier import BARRIER_SECONDS
from shared.keys.rotation.decide import DESTRUCTION_SECONDS
from shared.runs.model import Phase, Scope
from tests.fakes.rotation_world import DAY


def begun(world, kind="rotation", **options):
    """The run as it is stored."""
    return world.runs.load(world.begin(kind, **options)["run_id"])


def test_a_scheduled_rotation_needs_nothing_but_its_kind(world):
    run = begun(world)
    assert re.fullmatch(r"[0-9a-f]{32}", run.run_id)
    assert (Scope(), True, False, float(BARRIER_SECONDS)) == (
        run.scope,
        run.retire,
        run.abandon_backups,
        run.barrier_seconds,
    )
    assert (Phase.PREPARE, 4, 4, None, None) == (
        run.phase,
        run.workers,
        run.segments,
        run.items_per_second,
        run.census_at,
    )


@pytest.mark.parametrize(
    ("kind", "phase", "barrier_seconds"),
    [
        ("retirement", Phase.SWEEP, BARRIER_SECONDS),
        ("adoption", Phase.SWEEP, 0),
        ("survey", Phase.CENSUS, 0),
        ("destruction", Phase.CENSUS, DESTRUCTION_SECONDS),
        ("reconciliation", Phase.CENSUS, 0),
    ],
)
def test_each_kind_begins_with_its_first_phase(world, kind, phase, barrier_seconds):
    run = begun(world, kind)
    assert (phase, barrier_seconds) == (run.phase, run.barrier_seconds)
    assert (run.started_at if phase is Phase.CENSUS else None) == run.census_at


def test_two_starts_of_a_kind_become_one_run(world):
    first, second = world.begin(), world.begin(due=False, workers=9)
    other = world.begin("adoption")
    assert (first["run_id"], False, True) == (second["run_id"], first["joined"], second["joined"])
    assert first["run_id"] != other["run_id"]
    assert second["scope"]["due"], "what the first was asked for stays"
    ids = [event["event_id"] for event in world.events("rotation.started") if event["kind"] == "rotation"]
    assert (2, 1) == (len(ids), len(set(ids)))


def test_after_the_end_of_a_run_the_next_may_begin(world):
    run_id = world.begin()["run_id"]
    world.advance(run_id)
    assert not world.begin()["joined"]


@pytest.mark.parametrize(
    ("items", "workers", "expected"), [(0, 3, 3), (1_000_000, 3, 20), (10**9, 3, 1_000), (60_000, 2, 2)]
)
def test_a_large_table_has_more_segments_than_workers(world, items, workers, expected):
    world.history.items = items
    assert expected == begun(world, workers=workers).segments


def test_what_is_asked_for_is_kept(world):
    run = begun(world, workers=7, segments=12, items_per_second=2.5, retire=False, barrier_seconds=DAY)
    assert (7, 12, 2.5, False, DAY) == (
        run.workers,
        run.segments,
        run.items_per_second,
        run.retire,
        run.barrier_seconds,
    )
    assert begun(world, "destruction", abandon_backups=True).abandon_backups


def test_one_item_a_minute_and_worker_is_not_too_slow(world):
    assert begun(world, workers=30, items_per_second=0.5).items_per_second == 0.5


def test_an_option_that_is_null_is_not_given(world):
    assert Scope() == begun(world, tenant_id=None, key_id=None, due=None, workers=None).scope


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("turning", {}, "rotation, retirement, adoption, survey, destruction, reconciliation"),
        (None, {}, "a run's kind is one of"),
        ("rotation", {"tennant_id": "acme"}, "knows no option 'tennant_id': .*tenant_id"),
        ("adoption", {"tenant_id": "acme"}, "kind adoption knows no option 'tenant_id'"),
        ("rotation", {"abandon_backups": True}, "knows no option 'abandon_backups'"),
        ("rotation", {"tenant_id": "_other"}, "'tenant_id' must be a tenant's name"),
        ("rotation", {"tenant_id": 7}, "'tenant_id' must be a tenant's name"),
        ("rotation", {"data_class": "pij"}, "'data_class' must be a data class: pci, pii, quarantine"),
        ("rotation", {"key_id": "xyz"}, "'key_id' must be a data key's id, 8 small hex digits"),
        ("rotation", {"key_id": "00000000"}, "'key_id' must be"),
        ("rotation", {"key_id": "0000beef", "data_class": "pii"}, "leave 'data_class' out"),
        ("rotation", {"due": "yes"}, "'due' must be true or false"),
        ("rotation", {"retire": 1}, "'retire' must be true or false"),
        ("rotation", {"workers": 0}, "'workers' must be a whole number from 1 to 40"),
        ("rotation", {"workers": True}, "'workers' must be a whole number"),
        ("rotation", {"segments": 10_001}, "'segments' must be a whole number"),
        ("rotation", {"items_per_second": 0}, "'items_per_second' must be a number above 0"),
        ("rotation", {"items_per_second": float("nan")}, "'items_per_second' must be a number above 0"),
        ("rotation", {"items_per_second": 0.066}, "0.067 or more for 4 workers .one item a minute for each"),
        ("survey", {"items_per_second": 0.6, "workers": 40}, "0.667 or more for 40 workers.*take fewer 'workers'"),
        ("rotation", {"barrier_seconds": "0"}, "'barrier_seconds' must be a number from 0"),
        ("rotation", {"barrier_seconds": -1}, "'barrier_seconds' must be a number from 0"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_before_anything_is_begun(world, kind, options, says):
    with pytest.raises(RunRefused, match=says):
        world.begin(kind, **options)
    assert [] == world.events()


@pytest.mark.parametrize(("kind", "least"), [("rotation", BARRIER_SECONDS), ("destruction", DESTRUCTION_SECONDS)])
def test_a_shorter_barrier_is_refused_but_on_the_local_aws(world, kind, least):
    with pytest.raises(RunRefused, match=rf"'barrier_seconds' must be {least:.0f} or more.*AWS_ENDPOINT_URL"):
        world.begin(kind, barrier_seconds=least - 1)
    world.is_local = True
    assert begun(world, kind, barrier_seconds=1).barrier_seconds == 1.0


def test_a_key_that_several_tenants_have_needs_a_tenant(world):
    [(_, key_id)] = world.first_keys(("acme", "pii")).items()
    copy = world.row("acme", key_id)
    world.store.put_row(type(copy)(**{name: getattr(copy, name) for name in copy.__slots__} | {"tenant_id": "other"}))
    with pytest.raises(RunRefused, match=rf"2 tenants have a data key {key_id:08x}: say which with 'tenant_id'"):
        world.begin(key_id=f"{key_id:08x}")
    assert (
        Scope(due=False, tenant_id="other", key_id=key_id)
        == begun(world, tenant_id="other", key_id=f"{key_id:08x}").scope
    )


@pytest.mark.parametrize(("kind", "what"), [("rotation", "renewed"), ("destruction", "destroyed")])
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tenant_id": "acmee"}, "no data key of tenant acmee"),
        ({"data_class": "pci"}, "no data key of class pci"),
        ({"tenant_id": "acme", "data_class": "pci"}, "no data key of tenant acme and class pci"),
    ],
    ids=str,
)
def test_a_scope_without_a_data_key_is_refused_before_anything_is_begun(world, kind, what, options, says):
    world.first_keys(("acme", "pii"))
    with pytest.raises(RunRefused, match=f"{says}: nothing would be {what}$"):
        world.begin(kind, **options)
    assert [] == world.events()
    assert not world.begin(kind, tenant_id="acme", data_class="pii")["joined"]


@pytest.mark.parametrize("options", [{}, {"tenant_id": "acme"}])
def test_a_key_that_nobody_has_is_refused(world, options):
    world.first_keys(("other", "pii"))
    with pytest.raises(RunRefused, match=r"has (no|a) data key 00000001: look for its id in the audit log"):
        world.begin(key_id="00000001", **options)


@pytest.mark.parametrize("kind", ["rotation", "destruction"])
def test_whether_a_named_tenant_has_keys_is_seen_among_its_own_alone(world, kind):
    world.first_keys(("acme", "pii"), *[(f"tenant-{number}", "pii") for number in range(3)])
    page = world.store.page
    seen: list[str] = []

    def pages(*arguments, **named):
        found = page(*arguments, **named)
        seen.extend(row.tenant_id for row in found.rows)
        return found

    world.store.page = pages

    assert begun(world, kind, tenant_id="acme").scope.tenant_id == "acme"
    assert ["acme"] == seen
