"""What mending makes of items: stale, in clear, foreign; and what it asks the world for."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model import ChangeKind, ItemChange, KeyState, VerdictKind
from shared.policy.verify import verify
from shared.reencrypt.model import Fate, Mended
from shared.source_position import FOUND, kinesis_position

RECORD: dict[str, Any] = {
    "ssn": {"S": "123-45-6789"},
    "card": {"SS": ["a", "b"]},
    "address": {"M": {"street": {"S": "1 Main St"}, "geo": {"L": [{"N": "-0.1"}, {"NULL": True}]}}},
    "contacts": {"L": [{"M": {"kind": {"S": "home"}, "email": {"S": "a@b"}}}, {"M": {"email": {"S": "c@d"}}}]},
    "amount": {"N": "12.5"},
    "photo": {"B": b"\x00\xff"},
}


def fates(mended: list[Mended]) -> list[Fate]:
    return [one.fate for one in mended]


def test_a_clean_item_is_not_written(world):
    world.put(**RECORD)
    assert [Mended("acme", "1", Fate.CLEAN)] == world.mend()
    assert [] == world.table.updates


def test_what_is_stale_lies_under_the_active_key_afterwards_and_holds_what_it_held(world):
    world.put(**RECORD)
    before = world.item()
    old, new = world.rotate("pii")

    assert [Mended("acme", "1", Fate.MENDED, reencrypted_values=4)] == world.mend()

    assert RECORD == world.opened()
    assert old not in world.keys_of()
    assert new in world.keys_of()
    unchanged = {"tenant_id", "item_id", "_src", "_policy", "_arrived", "amount", "card", "photo"}
    assert {name: before[name] for name in unchanged} == {name: world.item()[name] for name in unchanged}
    assert {"ssn", "address", "contacts"} == set(world.table.updates[0].changes)


def test_a_mended_item_is_clean_and_audited_as_verified(world):
    world.put(**RECORD)
    old = world.item()
    world.rotate("pii")
    world.mend()

    change = ItemChange("1", ChangeKind.MODIFY, "acme", "1", old, world.item(), 0.0)
    assert VerdictKind.VERIFIED is verify(change, world.policy, world.store.statuses("acme", world.keys_of()), {}).kind
    assert [Fate.CLEAN] == fates(world.mend())
    assert 1 == len(world.table.updates)


def test_what_somebody_wrote_in_clear_is_sealed_and_says_since_when_it_lay_open(world):
    rogue = {"ssn": {"S": "123"}, "odd": {"M": {"x": {"L": [{"N": "1"}]}}}, "amount": {"N": "5"}}
    world.table.write("acme", "1", **rogue)

    assert [Mended("acme", "1", Fate.MENDED, sealed_values=2)] == world.mend(open_since=1_700_000_000.5)

    assert rogue == world.opened()
    assert {"N": "1700000000"} == world.item()["_open_since"]
    assert {"B": FOUND.to_bytes()} == world.item()["_src"]
    assert {"B": world.policy.digest} == world.item()["_policy"]
    assert {"amount", "tenant_id", "item_id", "_open_since"} == {k for k, v in world.item().items() if "B" not in v}


def test_the_time_of_an_exposure_goes_with_the_next_re_encryption(world):
    world.table.write("acme", "1", ssn={"S": "123"})
    world.mend(open_since=5.0)
    world.rotate("pii")
    world.mend(open_since=9.0)
    assert "_open_since" not in world.item()


def test_any_record_supersedes_what_was_found(world):
    world.table.write("acme", "1", ssn={"S": "rogue"})
    world.mend()
    assert world.put(ssn={"S": "mine"}, at=1).stored
    assert {"ssn": {"S": "mine"}} == world.opened()


def test_sealed_values_within_what_is_sealed_whole_are_not_nested(world):
    street = world.seal(("address", "street"), {"S": "1 Main St"}, "pii")
    world.table.write("acme", "1", address={"M": {"street": street, "zip": {"N": "1"}}})

    assert [Mended("acme", "1", Fate.MENDED, sealed_values=1)] == world.mend()
    assert {"address": {"M": {"street": {"S": "1 Main St"}, "zip": {"N": "1"}}}} == world.opened()


def test_a_value_under_another_class_moves_to_the_policys(world):
    moved = world.seal(("card",), {"S": "4111"}, "pii")
    world.table.write("acme", "1", card=moved, _src={"B": kinesis_position(b"p", "1", 0).to_bytes()})
    world.mend()
    assert {"card": {"S": "4111"}} == world.opened()
    assert {world.store.active_key_id("acme", "pci")} == world.keys_of()


def test_a_retired_key_is_reopened_once_a_page_before_anything_is_written(world):
    for number in range(3):
        world.put(str(number), ssn={"S": "x"})
    old, new = world.rotate("pii")
    world.store.set_state("acme", old, KeyState.RETIRED)
    states = []
    world.table.before_update = lambda update: states.append(world.store.rows("acme", [old])[old].state)

    assert [Fate.MENDED] * 3 == fates(world.mend())

    assert [("acme", old)] == world.reopened
    assert [KeyState.DECRYPT_ONLY] * 3 == states
    assert {new} == world.keys_of("0")


def test_a_table_is_adopted_as_it_is(world):
    lookalike = {"B": b"\x01\x00\x00\x00\x09" + bytes(range(150, 250))}
    world.table.write("acme", "1", ssn={"S": "123"}, photo=lookalike, amount={"N": "1"})
    world.table.write("acme", "2", amount={"N": "2"})

    assert [
        Mended("acme", "1", Fate.MENDED, sealed_values=2),
        Mended("acme", "2", Fate.MENDED),
    ] == world.mend(adopting=True)

    assert {"ssn": {"S": "123"}, "photo": lookalike, "amount": {"N": "1"}} == world.opened("1")
    for item_id in ("1", "2"):
        assert {"B": FOUND.to_bytes()} == world.item(item_id)["_src"]
        assert {"B": world.policy.digest} == world.item(item_id)["_policy"]
    assert [Fate.CLEAN] * 2 == fates(world.mend(adopting=True))


def test_a_lookalike_is_left_where_nothing_is_adopted(world):
    world.table.write("acme", "1", photo={"B": b"\x01\x00\x00\x00\x09" + bytes(range(150, 250))})
    [mended] = world.mend()
    assert (Fate.LEFT, ["sealed under a data key that the tenant does not have"]) == (
        mended.fate,
        [example.why for example in mended.examples],
    )
    assert [] == world.table.updates


def test_an_item_that_is_gone_is_clean_and_does_not_come_back(world):
    world.put(**RECORD)
    world.rotate("pii")
    candidates = world.candidates()
    world.table.items.clear()
    assert [Mended("acme", "1", Fate.CLEAN)] == world.reencryptor.mend(candidates)
    assert {} == world.table.items


def test_answers_come_in_the_order_of_the_candidates_whatever_the_tenant(world):
    for number in range(20):
        world.put(str(number), tenant_id=f"t{number % 3}", ssn={"S": "x"})
    world.rotate("pii", "t1")
    mended = world.mend()
    assert [str(number) for number in range(20)] == [one.item_id for one in mended]
    assert [Fate.MENDED if n % 3 == 1 else Fate.CLEAN for n in range(20)] == fates(mended)


def test_nothing_is_nothing(world):
    assert [] == world.reencryptor.mend([])


@pytest.mark.parametrize("old_at_hand", [True, False])
def test_what_replaced_the_active_key_is_found_though_another_one_is_at_hand(world, old_at_hand):
    """At hand is the key that is to be left, or one that no item of the page names."""
    world.put("1", ssn={"S": "x"})
    if not old_at_hand:
        world.rotate("pii")
    at_hand = world.mender.active("acme", "pii").key_id
    _, newest = world.rotate("pii")

    assert [Fate.MENDED] == fates(world.mend())
    assert {newest} == world.keys_of()
    assert at_hand != newest


def test_states_are_read_once_a_tenant_and_keys_unwrapped_once(world):
    for number in range(10):
        world.put(str(number), **RECORD)
    world.rotate("pii")
    world.store.row_reads.clear()
    world.service.decrypted.clear()

    world.mend()

    # states of the items' keys; the old key's row; the new active key's, and its state
    assert 4 == len(world.store.row_reads)
    assert 2 == len(world.service.decrypted)


def test_a_first_key_is_made_for_what_is_sealed_for_the_first_time(world):
    world.table.write("acme", "1", odd={"S": "x"})
    assert [Fate.MENDED] == fates(world.mend())
    assert {world.store.active_key_id("acme", "restricted")} == world.keys_of()
