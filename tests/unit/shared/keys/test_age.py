"""A key is used no longer than the age limit, by whichever clock says so first."""

from __future__ import annotations

import pytest

from shared.errors import KeyRetired
from shared.keys.age import MAX_AGE_SECONDS
from shared.model import KeyState


def test_the_limit_is_the_one_that_the_census_waits_for():
    assert MAX_AGE_SECONDS == 300


@pytest.mark.parametrize("clocks", [("wall",), ("monotonic",), ("wall", "monotonic")], ids="+".join)
def test_a_key_is_fresh_until_either_clock_reaches_the_limit(keyring, clock, clocks):
    key = keyring.active("tenant-1", "pii")
    for name in clocks:
        setattr(clock, f"{name}_seconds", getattr(clock, f"{name}_seconds") + 299.9)
    assert keyring.is_fresh(key)
    for name in clocks:
        setattr(clock, f"{name}_seconds", getattr(clock, f"{name}_seconds") + 0.2)
    assert not keyring.is_fresh(key)


@pytest.mark.parametrize("seconds", [300.0, -0.1], ids=["past the limit", "set back"])
def test_a_wall_clock_that_jumps_ends_a_key(keyring, clock, service, seconds):
    key = keyring.active("tenant-1", "pii")
    clock.wall_seconds += seconds
    assert not keyring.is_fresh(key)
    assert keyring.is_fresh(keyring.active("tenant-1", "pii"))
    assert keyring.counts().cache_hits == 0
    assert len(service.decrypted) == 1


def test_within_the_limit_neither_the_store_nor_kms_is_asked_again(keyring, clock, store, service):
    key = keyring.active("tenant-1", "pii")
    clock.advance(299)
    assert keyring.active("tenant-1", "pii") is key
    assert keyring.opener("tenant-1", key.key_id) is key
    assert (store.pointer_reads, len(service.generated), len(service.decrypted)) == (1, 1, 0)


def test_the_age_counts_from_before_the_pointer_was_read(make_keyring, clock, store, service, monkeypatch):
    make_keyring().active("tenant-1", "pii")

    read_pointer, read_rows = store.active_key_id, store.rows

    def slow_pointer(tenant_id, data_class):
        found = read_pointer(tenant_id, data_class)
        clock.advance(100)
        return found

    def slow_rows(tenant_id, key_ids):
        clock.advance(100)
        return read_rows(tenant_id, key_ids)

    monkeypatch.setattr(store, "active_key_id", slow_pointer)
    monkeypatch.setattr(store, "rows", slow_rows)
    service.on_decrypt = lambda context: clock.advance(99)
    keyring = make_keyring()
    key = keyring.active("tenant-1", "pii")
    assert keyring.is_fresh(key)
    clock.advance(1)
    assert not keyring.is_fresh(key)


@pytest.mark.parametrize("ask", ["opener", "prefetch"])
def test_the_age_of_a_key_for_opening_counts_from_before_its_row_was_read(make_keyring, clock, store, ask, monkeypatch):
    key_id = make_keyring().active("tenant-1", "pii").key_id
    read_rows = store.rows

    def slow_rows(tenant_id, key_ids):
        found = read_rows(tenant_id, key_ids)
        clock.advance(299)
        return found

    monkeypatch.setattr(store, "rows", slow_rows)
    keyring = make_keyring()
    if ask == "prefetch":
        keyring.prefetch("tenant-1", [key_id])
    key = keyring.opener("tenant-1", key_id)
    assert keyring.is_fresh(key)
    clock.advance(1)
    assert not keyring.is_fresh(key)


def test_a_key_that_took_longer_than_the_limit_to_get_is_not_fresh(make_keyring, clock, service):
    key = make_keyring().active("tenant-1", "pii")
    service.on_decrypt = lambda context: clock.advance(300)
    keyring = make_keyring()
    assert not keyring.is_fresh(keyring.active("tenant-1", "pii"))
    assert not keyring.is_fresh(keyring.opener("tenant-1", key.key_id))


def test_after_the_limit_a_rotated_key_is_found(keyring, clock, rotate):
    old = keyring.active("tenant-1", "pii")
    new_id = rotate("tenant-1", "pii")
    assert old.key_id == keyring.active("tenant-1", "pii").key_id  # known and allowed: the census waits for it
    clock.advance(300)
    assert new_id == keyring.active("tenant-1", "pii").key_id
    assert old.key_id == keyring.opener("tenant-1", old.key_id).key_id


@pytest.mark.parametrize("prefetched", [False, True])
def test_after_the_limit_a_retired_key_is_refused(make_keyring, clock, store, prefetched):
    key = make_keyring().active("tenant-1", "pii")
    keyring = make_keyring()
    keyring.opener("tenant-1", key.key_id)
    store.set_state("tenant-1", key.key_id, KeyState.RETIRED)
    assert keyring.opener("tenant-1", key.key_id).key_id == key.key_id
    clock.advance(300)
    if prefetched:
        refused = keyring.prefetch("tenant-1", [key.key_id])
        assert isinstance(refused[key.key_id], KeyRetired)
    with pytest.raises(KeyRetired):
        keyring.opener("tenant-1", key.key_id)
