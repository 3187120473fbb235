"""States of keys are asked for once, and never older than the scan."""

from __future__ import annotations

import pytest

from shared.errors import StoreUnavailable
from shared.model import KeyState, KeyStatus
from shared.scan import key_states
from shared.scan.key_states import KeyStatesSince


@pytest.fixture
def asked(world):
    world.item("1"), world.item("1", "globex")
    world.store.row_reads.clear()
    return {tenant: [world.store.active_key_id(tenant, "pii")] for tenant in ("acme", "globex")}


def test_each_tenant_is_asked_once_for_all_its_keys(world, pool, asked):
    states = KeyStatesSince(world.store)
    expected = {tenant: {key: KeyStatus(key, "pii", KeyState.ACTIVE)} for tenant, (key,) in asked.items()}

    assert expected == states.statuses_of(asked) == states.statuses_of(asked)
    assert [(tenant, frozenset(keys)) for tenant, keys in asked.items()] == sorted(world.store.row_reads)


def test_a_key_that_is_not_there_is_asked_for_again(world, pool, asked):
    states = KeyStatesSince(world.store)

    assert {"acme": {}} == states.statuses_of({"acme": [1]}) == states.statuses_of({"acme": [1]})
    assert 2 == len(world.store.row_reads)


def test_nothing_asked_is_nothing_read(world, pool, asked):
    assert {"acme": {}} == KeyStatesSince(world.store).statuses_of({"acme": []})
    assert {} == KeyStatesSince(world.store).statuses_of({})
    assert [] == world.store.row_reads


def test_only_so_many_are_kept(world, pool, asked, monkeypatch):
    monkeypatch.setattr(key_states, "MAX_STATES", 1)
    states = KeyStatesSince(world.store)
    states.statuses_of(asked)
    world.store.row_reads.clear()

    states.statuses_of({"acme": asked["acme"]})

    assert 1 == len(world.store.row_reads)


def test_a_key_that_was_reopened_is_looked_at_again_and_one_that_could_not_be_is_not(world, asked):
    (key,) = asked["acme"]
    world.set_state(key, KeyState.RETIRED)
    states = KeyStatesSince(world.store)
    states.statuses("acme", [key])

    def refuse(tenant_id: str, key_id: int) -> None:
        raise StoreUnavailable("down")

    with pytest.raises(StoreUnavailable):
        states.reopening(refuse)("acme", key)
    assert KeyState.RETIRED is states.statuses("acme", [key])[key].state
    assert 1 == len(world.store.row_reads)

    states.reopening(lambda tenant_id, key_id: world.set_state(key_id, KeyState.DECRYPT_ONLY))("acme", key)

    assert KeyState.DECRYPT_ONLY is states.statuses("acme", [key])[key].state
