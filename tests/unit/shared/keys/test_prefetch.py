"""Prefetching asks only for what is missing, all at once, and tells what could not be had."""

from __future__ import annotations

from threading import Barrier

from shared.errors import (
    DoesNotOpen,
    KeyDestroyed,
    KeyServiceUnavailable,
    KeyStoreCorrupt,
    KeyUnknown,
    StoreUnavailable,
)
from shared.keys.keyring import PARALLEL_LOADS, Keyring
from shared.model import KeyState

CLASSES = ("pii", "pci", "phi")


def three_keys(keyring: Keyring) -> list[int]:
    return [keyring.active("tenant-1", data_class).key_id for data_class in CLASSES]


def test_missing_keys_are_unwrapped_side_by_side_and_their_rows_read_together(make_keyring, store, service):
    key_ids = three_keys(make_keyring())
    together = Barrier(3)
    service.on_decrypt = lambda context: together.wait(10) and None
    store.row_reads.clear()
    keyring = make_keyring()
    assert keyring.prefetch("tenant-1", [*key_ids, *key_ids]) == {}
    assert [("tenant-1", frozenset(key_ids))] == store.row_reads
    assert len(service.decrypted) == 3
    for key_id in key_ids:
        keyring.opener("tenant-1", key_id)
    assert (len(service.decrypted), keyring.counts().cache_hits) == (3, 3)


def test_what_is_at_hand_is_not_asked_for(make_keyring, store, service):
    keyring = make_keyring()
    key_ids = three_keys(keyring)
    store.row_reads.clear()
    assert keyring.prefetch("tenant-1", key_ids) == {}
    assert keyring.prefetch("tenant-1", []) == {}
    assert (store.row_reads, service.decrypted) == ([], [])


def test_one_key_that_cannot_be_had_does_not_keep_the_others_away(make_keyring, store, service):
    key_ids = three_keys(make_keyring())
    store.set_state("tenant-1", key_ids[0], KeyState.DESTROYED)

    def refuse_pci(context) -> None:
        if context["data_class"] == "pci":
            raise DoesNotOpen("changed")

    service.on_decrypt = refuse_pci
    keyring = make_keyring()
    unknown = max(key_ids) - 1
    failed = keyring.prefetch("tenant-1", [*key_ids, unknown])
    expected = {key_ids[0]: KeyDestroyed, key_ids[1]: DoesNotOpen, unknown: KeyUnknown}
    assert expected == {key_id: type(error) for key_id, error in failed.items()}
    assert key_ids[2] == keyring.opener("tenant-1", key_ids[2]).key_id


def test_a_corrupt_row_does_not_keep_the_others_away(make_keyring, store, monkeypatch):
    key_ids = three_keys(make_keyring())
    read = store.rows

    def corrupt(tenant_id, asked):
        if key_ids[0] in asked:
            raise KeyStoreCorrupt("key store row of tenant-1 has not the form that it was written in")
        return read(tenant_id, asked)

    monkeypatch.setattr(store, "rows", corrupt)
    keyring = make_keyring()
    failed = keyring.prefetch("tenant-1", key_ids)
    assert {key_ids[0]: KeyStoreCorrupt} == {key_id: type(error) for key_id, error in failed.items()}
    reads = len(store.row_reads)
    assert key_ids[1:] == [keyring.opener("tenant-1", key_id).key_id for key_id in key_ids[1:]]
    assert reads == len(store.row_reads), "they are at hand"


def test_a_store_that_is_down_is_the_reason_for_each_key(make_keyring, store):
    store.fail_with = StoreUnavailable("down")
    assert dict.fromkeys([1, 2], store.fail_with) == make_keyring().prefetch("tenant-1", [1, 2])


def test_active_keys_of_a_batch_are_loaded_side_by_side(make_keyring, service):
    pairs = [(f"tenant-{number}", "pii") for number in range(4)]
    assert make_keyring().prefetch_active(pairs) == {}  # makes them
    together = Barrier(4)
    service.on_decrypt = lambda context: together.wait(10) and None
    keyring = make_keyring()
    assert keyring.prefetch_active([*pairs, *pairs]) == {}
    assert (len(service.generated), len(service.decrypted)) == (4, 4)
    assert keyring.prefetch_active(pairs) == {}
    assert len(service.decrypted) == 4


def test_trouble_of_one_tenant_is_told_for_that_tenant(make_keyring, service):
    make_keyring().prefetch_active([("tenant-1", "pii"), ("tenant-2", "pii")])

    def throttle_one(context) -> None:
        if context["tenant_id"] == "tenant-1":
            raise KeyServiceUnavailable("throttled")

    service.on_decrypt = throttle_one
    failed = make_keyring().prefetch_active([("tenant-1", "pii"), ("tenant-2", "pii")])
    assert list(failed) == [("tenant-1", "pii")]
    assert isinstance(failed["tenant-1", "pii"], KeyServiceUnavailable)


def test_who_gives_up_in_an_outage_asks_no_more_and_keeps_what_is_at_hand(make_keyring, service):
    keyring = make_keyring()
    at_hand = [(f"known-{number}", "pii") for number in range(40)]
    keyring.prefetch_active(at_hand)
    service.fail_with = KeyServiceUnavailable("throttled")
    service.generated.clear()
    came: list[int] = []

    def gives_up(loaded: int) -> bool:
        came.append(loaded)
        return True

    new = [(f"new-{number}", "pii") for number in range(40)]
    failed = keyring.prefetch_active([*new, *at_hand], gives_up=gives_up)

    assert set(new) == set(failed)
    assert ([0], PARALLEL_LOADS) == (came, len(service.generated))


def test_who_does_not_give_up_gets_what_can_be_had(make_keyring, service):
    pairs = [(f"tenant-{number:02}", "pii") for number in range(40)]
    make_keyring().prefetch_active(pairs)

    def refuse_one(context) -> None:
        if context["tenant_id"] == "tenant-00":
            raise KeyServiceUnavailable("refused")

    service.on_decrypt = refuse_one
    came: list[int] = []

    def goes_on(loaded: int) -> bool:
        came.append(loaded)
        return False

    failed = make_keyring().prefetch_active(pairs, gives_up=goes_on)

    assert [pairs[0]] == list(failed)
    assert [PARALLEL_LOADS - 1] == came
