"""States of keys are asked for once, and never older than the scan."""

from __future__ import annotations

import pytest

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
