"""Several threads and several processes at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread
from time import monotonic

import pytest

from shared.errors import KeyServiceUnavailable
from shared.keys.keyring import Keyring
from shared.keys.single_flight import SingleFlight

THREADS = 20
DEADLINE_SECONDS = 10


def at_once(number: int, call: Callable[[], object]) -> list[object]:
    """What `call` gave or raised on each of so many threads that start together."""
    barrier = Barrier(number)

    def attempt(_: int) -> object:
        barrier.wait(DEADLINE_SECONDS)
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - given back to the test
            return error

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(attempt, range(number)))


def until(condition: Callable[[], bool]) -> None:
    """Wait for the condition; the test fails when it does not come true."""
    deadline = monotonic() + DEADLINE_SECONDS
    pause = Event()
    while not condition():
        assert monotonic() < deadline
        pause.wait(0.001)


class Gate:
    """Holds whoever passes, until it is opened."""

    def __init__(self) -> None:
        self.passing = 0
        self.opened = Event()

    def __call__(self, *_: object) -> None:
        self.passing += 1
        assert self.opened.wait(DEADLINE_SECONDS)


def test_racing_processes_end_with_one_key(make_keyring, store):
    keyrings = iter([make_keyring() for _ in range(8)])
    found = at_once(8, lambda: next(keyrings).active("tenant-1", "pii").key_id)
    [row] = store.all_rows()
    assert [row.key_id] * 8 == found


def test_the_loser_of_a_race_seals_under_the_winners_key(make_keyring, store):
    winner, loser = make_keyring(), make_keyring()
    won = []

    def the_winner_is_faster() -> None:
        store.before_create = lambda: None
        won.append(winner.active("tenant-1", "pii"))

    store.before_create = the_winner_is_faster
    lost = loser.active("tenant-1", "pii")
    [row] = store.all_rows()
    assert won[0].key_id == lost.key_id == row.key_id
    assert won[0].cipher.open(lost.cipher.seal(b"value", b""), b"") == b"value"
    assert (loser.counts().kms_generate, loser.counts().kms_decrypt) == (1, 1)
    assert loser.counts().keys_created == 0


def test_a_pointer_that_moves_between_two_reads_is_read_again(make_keyring, store, rotate):
    old = make_keyring().active("tenant-1", "pii")
    read_pointer = store.active_key_id

    def pointer_then_rotation(tenant_id, data_class):
        store.active_key_id = read_pointer
        found = read_pointer(tenant_id, data_class)
        rotate("tenant-1", "pii")
        return found

    store.active_key_id = pointer_then_rotation
    assert old.key_id != make_keyring().active("tenant-1", "pii").key_id


@pytest.mark.parametrize("ask", ["active", "opener"])
def test_many_threads_that_want_one_key_cost_one_call_of_kms(make_keyring, service, store, ask):
    key_id = make_keyring().active("tenant-1", "pii").key_id
    keyring: Keyring = make_keyring()
    service.on_decrypt = gate = Gate()
    reads = len(store.row_reads)
    call = {
        "active": lambda: keyring.active("tenant-1", "pii").key_id,
        "opener": lambda: keyring.opener("tenant-1", key_id).key_id,
    }[ask]
    found: list[object] = []
    crowd = Thread(target=lambda: found.extend(at_once(THREADS, call)))
    crowd.start()
    until(lambda: keyring.counts().cache_misses == THREADS)
    gate.opened.set()
    crowd.join(DEADLINE_SECONDS)
    assert [key_id] * THREADS == found
    assert (gate.passing, len(store.row_reads) - reads) == (1, 1)


@pytest.mark.parametrize("ask", ["active", "opener"])
def test_a_thread_that_missed_just_before_a_call_ended_takes_what_it_brought(make_keyring, service, ask, monkeypatch):
    key_id = make_keyring().active("tenant-1", "pii").key_id
    keyring: Keyring = make_keyring()
    call = {
        "active": lambda: keyring.active("tenant-1", "pii").key_id,
        "opener": lambda: keyring.opener("tenant-1", key_id).key_id,
    }[ask]
    count = keyring._tally.add

    def another_thread_does_it_all_after_the_miss(**more: int) -> None:
        monkeypatch.setattr(keyring._tally, "add", count)
        count(**more)
        call()

    monkeypatch.setattr(keyring._tally, "add", another_thread_does_it_all_after_the_miss)
    assert key_id == call()
    assert len(service.decrypted) == 1


def test_sealers_and_readers_of_one_key_share_the_call(make_keyring, service):
    key_id = make_keyring().active("tenant-1", "pii").key_id
    keyring: Keyring = make_keyring()
    service.on_decrypt = gate = Gate()
    found: list[int] = []
    reader = Thread(target=lambda: found.append(keyring.opener("tenant-1", key_id).key_id))
    reader.start()
    until(lambda: gate.passing == 1)
    [call] = keyring._loader._unwraps._flights.values()
    sealer = Thread(target=lambda: found.append(keyring.active("tenant-1", "pii").key_id))
    sealer.start()
    until(lambda: len(call._condition._waiters) == 1)  # type: ignore[attr-defined] # blocked on the reader's call
    gate.opened.set()
    reader.join(DEADLINE_SECONDS)
    sealer.join(DEADLINE_SECONDS)
    assert [key_id, key_id] == found
    assert gate.passing == 1


def test_a_failure_reaches_all_who_wait_and_nobody_after(make_keyring, service):
    key_id = make_keyring().active("tenant-1", "pii").key_id
    keyring: Keyring = make_keyring()
    gate = Gate()

    def fail(_: object) -> None:
        gate()
        raise KeyServiceUnavailable("throttled")

    service.on_decrypt = fail
    found: list[object] = []
    crowd = Thread(target=lambda: found.extend(at_once(THREADS, lambda: keyring.opener("tenant-1", key_id))))
    crowd.start()
    until(lambda: keyring.counts().cache_misses == THREADS)
    gate.opened.set()
    crowd.join(DEADLINE_SECONDS)
    assert [KeyServiceUnavailable] * THREADS == [type(error) for error in found]
    service.on_decrypt = lambda context: None
    assert key_id == keyring.opener("tenant-1", key_id).key_id


def test_one_who_expects_another_class_does_not_spoil_the_call_for_the_others(make_keyring, service):
    key_id = make_keyring().active("tenant-1", "pii").key_id
    keyring: Keyring = make_keyring()
    service.on_decrypt = gate = Gate()
    wrong = Thread(target=lambda: at_once(1, lambda: keyring.opener("tenant-1", key_id, expected_class="pci")))
    wrong.start()
    until(lambda: gate.passing == 1)
    found: list[object] = []
    right = Thread(target=lambda: found.extend(at_once(1, lambda: keyring.opener("tenant-1", key_id).data_class)))
    right.start()
    until(lambda: keyring.counts().cache_misses == 2)
    gate.opened.set()
    wrong.join(DEADLINE_SECONDS)
    right.join(DEADLINE_SECONDS)
    assert found == ["pii"]


def test_a_flight_that_ended_is_not_kept():
    flights: SingleFlight[str, int] = SingleFlight()
    assert [flights.run("a", lambda: 1), flights.run("a", lambda: 2)] == [1, 2]


def test_flights_of_different_keys_do_not_wait_for_each_other():
    flights: SingleFlight[str, str] = SingleFlight()
    assert flights.run("a", lambda: flights.run("b", lambda: "inner") + " and outer") == "inner and outer"
