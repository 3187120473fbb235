"""A retirement is taken back where a value turned up under the key, and nothing else is done to any key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import KeyUnknown, NeedsAttention, StoreUnavailable
from shared.model import QUARANTINE_CLASS, SYSTEM_TENANT, KeyState
from tests.fakes.rotation_world import World

ACME, PII = "acme", "pii"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def old(world) -> int:
    """The first key of acme and pii."""
    return world.first_keys((ACME, PII))[ACME, PII]


def retired(world: World, old: int) -> int:
    """The key, retired by a whole rotation."""
    assert world.rotate(due=False)["verdict"] == "retired"
    return old


def test_a_late_find_reopens_a_key_and_it_opens_again(world, old):
    retired(world, old)
    world.clock.advance(50)

    assert world.reopen(ACME, old) == {"state": "decrypt_only"}

    row = world.row(ACME, old)
    assert (KeyState.DECRYPT_ONLY, world.clock.wall()) == (row.state, row.closed_at)
    assert world.keyring().opener(ACME, old).key_id == old
    [retirement], [reopening] = world.events("key.retired"), world.events("key.reopened")
    assert retirement["run_id"] == reopening["run_id"]
    assert world.rotate(kind="retirement")["verdict"] == "retired"


@pytest.mark.parametrize("state", [KeyState.ACTIVE, KeyState.DECRYPT_ONLY, KeyState.DESTROYED])
def test_a_key_that_is_not_retired_is_not_reopened(world, old, state):
    world.store.set_state(ACME, old, state)
    before = world.row(ACME, old)
    assert world.reopen(ACME, old) == {"state": state.value}
    assert (before, []) == (world.row(ACME, old), world.events())


@pytest.mark.parametrize(
    ("event", "error", "says"),
    [
        ({"tenant_id": ACME, "key_id": "00000001"}, KeyUnknown, "acme has no data key 00000001"),
        ({"tenant_id": ACME, "key_id": "1"}, NeedsAttention, "'key_id' must be"),
        ({"tenant_id": ACME, "key_id": "00000000"}, NeedsAttention, "'key_id' must be"),
        ({"tenant_id": ACME}, NeedsAttention, "'key_id' must be"),
        ({"tenant_id": "_other", "key_id": "00000001"}, NeedsAttention, "'tenant_id' must be"),
        ({}, NeedsAttention, "'tenant_id' must be"),
    ],
    ids=str,
)
def test_a_key_that_is_not_there_cannot_be_reopened(world, event, error, says):
    with pytest.raises(error, match=says):
        world.reopener.reopen(event)


def test_reopening_that_others_keep_undoing_is_a_reason_to_try_again(world, old):
    retired(world, old)
    world.store.before_replace = lambda row: world.store.put_row(replace(row, closed_at=(row.closed_at or 0.0) - 1))
    with pytest.raises(StoreUnavailable, match="lost 4 races"):
        world.reopen(ACME, old)


def test_the_quarantines_own_key_is_reopened_too(world):
    pair = (SYSTEM_TENANT, QUARANTINE_CLASS)
    old = world.first_keys(pair)[pair]
    retired(world, old)
    assert world.reopen(SYSTEM_TENANT, old) == {"state": "decrypt_only"}


def test_to_reopen_again_changes_nothing_and_tells_the_same(world, old):
    retired(world, old)
    world.reopen(ACME, old)
    row = world.row(ACME, old)
    world.clock.advance(50)

    world.reopen(ACME, old)

    assert row == world.row(ACME, old)
    one, other = world.events("key.reopened")
    assert one == other
