"""The cache is bounded, forgets what was used least recently, and keeps nothing that is too old."""

from __future__ import annotations

import pytest

from shared.keys.age import AgeLimit, Deadline
from shared.keys.cache import AgingCache


@pytest.fixture
def age(clock):
    return AgeLimit(300, clock.wall, clock.monotonic)


@pytest.fixture
def cache(age):
    return AgingCache(age, 2)


def test_an_absent_entry_is_none(cache):
    assert cache.get("a") is None


def test_the_least_recently_used_goes(cache, age):
    cache.put("a", 1, age.deadline())
    cache.put("b", 2, age.deadline())
    cache.get("a")
    cache.put("c", 3, age.deadline())
    assert [cache.get(key) for key in "abc"] == [1, None, 3]


def test_to_put_is_to_use(cache, age):
    cache.put("a", 1, age.deadline())
    cache.put("b", 2, age.deadline())
    cache.put("a", 4, age.deadline())
    cache.put("c", 3, age.deadline())
    assert [cache.get(key) for key in "abc"] == [4, None, 3]


def test_an_entry_past_its_deadline_is_not_given_and_not_kept(cache, age, clock):
    cache.put("a", 1, age.deadline())
    clock.advance(300)
    assert cache.get("a") is None
    assert len(cache) == 0


def test_what_nobody_asks_for_goes_too_once_it_is_too_old(cache, age, clock):
    cache.put("a", 1, age.deadline())
    clock.advance(300)
    cache.put("b", 2, age.deadline())
    assert len(cache) == 1


def test_entries_are_looked_through_once_a_second_and_not_for_each_new_one(age, clock):
    looked = []

    class Watched(Deadline):
        def allows(self, wall: float, monotonic_now: float) -> bool:
            looked.append(wall)
            return super().allows(wall, monotonic_now)

    cache: AgingCache[int, int] = AgingCache(age, 1_000)
    wall, monotonic = clock.wall(), clock.monotonic()
    for number in range(100):
        cache.put(number, number, Watched(wall, wall + 300, monotonic + 300))
    assert looked == []
    clock.advance(1)
    for number in range(100, 200):
        cache.put(number, number, Watched(wall, wall + 300, monotonic + 300))
    assert len(looked) == 100


def test_a_keyring_keeps_no_more_keys_than_it_was_told(make_keyring, service):
    keyring = make_keyring(max_keys=2)
    for number in range(5):
        keyring.active(f"tenant-{number}", "pii")
    keyring.active("tenant-4", "pii")
    keyring.active("tenant-3", "pii")
    assert len(service.decrypted) == 0
    keyring.active("tenant-0", "pii")
    assert len(service.decrypted) == 1
