"""The chain write → stream → auditor → findings queue → re-encryptor → write ends, whatever was written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.envelope.layout import OVERHEAD_BYTES
from shared.model import KeyState
from shared.policy.load import parse_policy
from shared.reencrypt.item import ItemMending
from shared.reencrypt.page_keys import PageKeys
from shared.sealing import tombstone
from shared.source_position import FOUND
from tests.fakes.finding_chain import TENANT, FindingChain, NeverEnds

SOURCE_TEXT = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[classes.pci]
[attributes]
"ssn" = { seal = "pii" }
"card" = { seal = "pci" }
"contacts[].email" = { seal = "pii" }
"contacts[].kind" = { plain = "string" }
"amount" = { plain = "number" }
"""
POLICY = parse_policy(SOURCE_TEXT, "policy.toml")
OLDER = parse_policy(SOURCE_TEXT.replace('"card" = { seal = "pci" }', '"card" = { plain = "string" }'), "older.toml")
TEXT = {"S": "a canary"}
RECORD: dict[str, Any] = {"ssn": TEXT, "card": TEXT, "amount": {"N": "1"}}
NESTED: dict[str, Any] = {
    "contacts": {"L": [{"M": {"email": {"S": f"{n}"}, "kind": TEXT, "odd": {"M": {"x": TEXT}}}} for n in range(3)]},
    "odd": {"M": {"x": {"L": [TEXT, {"B": b"raw"}, {"BS": [b"raw"]}]}}},
}
ROUNDS = 4
"""More than any chain takes: what was written, what was mended of it, and nothing more."""


@pytest.fixture
def chain() -> Iterator[FindingChain]:
    chain = FindingChain(POLICY)
    yield chain
    chain.pool.shutdown()


def told(events):
    return [event["event"] for event in events]


def under(key_id):
    """Something that looks as if it were sealed under the key, and does not open."""
    return {"B": b"\x01" + key_id.to_bytes(4, "big") + bytes(range(150, 150 + OVERHEAD_BYTES))}


def test_a_rogue_item_is_sealed_and_told_of_with_how_long_it_lay_open(chain):
    chain.write("rogue", RECORD)
    events = chain.run(rounds=ROUNDS)
    assert ["item.plaintext_found", "item.remediated"] == told(events)
    assert 1 == events[1]["open_seconds"]
    assert chain.opened("rogue") == RECORD
    assert {"B": FOUND.to_bytes()} == chain.items[TENANT, "rogue"]["_src"]
    assert ["mended"] == chain.fates


def test_a_rogue_attribute_of_a_sealed_item_is_sealed_in_its_place(chain):
    item = chain.sealed("one", RECORD)
    chain.write("one", item)
    chain.write("one", item | {"ssn": {"S": "another canary"}})
    assert ["item.written", "item.plaintext_found", "item.remediated"] == told(chain.run(rounds=ROUNDS))
    assert RECORD | {"ssn": {"S": "another canary"}} == chain.opened("one")
    assert item["_src"] == chain.items[TENANT, "one"]["_src"]


def test_a_stale_item_is_reencrypted(chain):
    chain.write("one", chain.sealed("one", RECORD))
    late = chain.sealed("late", RECORD)
    chain.run(rounds=1)
    replaced = chain.replace_key("pii")
    chain.write("late", late)
    assert ["item.written", "item.stale", "item.reencrypted"] == told(chain.run(rounds=ROUNDS))
    assert chain.opened("late") == RECORD
    assert chain.items[TENANT, "late"]["ssn"]["B"][1:5] != replaced.to_bytes(4, "big")
    assert chain.items[TENANT, "late"]["card"] == late["card"], "what is not stale stays as it is"


def test_nothing_is_sealed_under_a_key_that_was_replaced_since_the_last_message(chain):
    chain.write("rogue", RECORD)
    chain.run(rounds=ROUNDS)
    chain.replace_key("pii")
    chain.write("another", RECORD)
    assert ["item.plaintext_found", "item.remediated"] == told(chain.run(rounds=ROUNDS))[2:]


def test_what_a_tightened_policy_wants_sealed_is_sealed_and_no_exposure(chain):
    chain.clock.advance(-10)
    chain.publish(OLDER)
    chain.clock.advance(10)
    chain.write("one", chain.sealed("one", RECORD, policy=OLDER))
    assert ["item.stale", "item.reencrypted"] == told(chain.run(rounds=ROUNDS))
    assert {"B"} == chain.items[TENANT, "one"]["card"].keys()
    assert chain.opened("one") == RECORD


def test_a_late_write_under_a_retired_key_is_taken_back(chain):
    late = chain.sealed("late", RECORD)
    retired = chain.replace_key("pii")
    chain.store.set_state(TENANT, retired, KeyState.RETIRED)
    chain.write("late", late)
    assert ["item.malformed", "item.reencrypted"] == told(chain.run(rounds=ROUNDS))
    assert chain.opened("late") == RECORD
    assert KeyState.DECRYPT_ONLY is chain.store.rows(TENANT, [retired])[retired].state


@pytest.mark.parametrize("state", [KeyState.RETIRED, KeyState.DECRYPT_ONLY])
def test_for_what_does_not_open_no_key_is_reopened(chain, state):
    chain.sealed("one", RECORD)
    replaced = chain.replace_key("pii")
    chain.store.set_state(TENANT, replaced, state)
    chain.write("one", chain.sealed("one", RECORD) | {"ssn": under(replaced)})
    chain.run(rounds=ROUNDS)
    assert [] == chain.reopened
    assert state is chain.store.rows(TENANT, [replaced])[replaced].state
    assert ["left"] == chain.fates


def test_an_item_whose_id_looks_sensitive_has_its_mendings_told(chain):
    address = "bob@example.com"
    chain.write(address, RECORD)
    chain.run(rounds=ROUNDS)
    late = chain.sealed(address, RECORD)
    chain.replace_key("pii")
    chain.write(address, late)
    events = chain.run(rounds=ROUNDS)
    assert ["item.plaintext_found", "item.remediated", "item.undeclared_sensitive", "item.reencrypted"] == told(events)
    assert {"undeclared"} == {event["verdict"] for event in events[1:]}
    assert chain.opened(address) == RECORD


def test_an_item_of_a_tenant_that_there_cannot_be_is_left_and_gets_no_data_key(chain):
    chain.write("one", RECORD, tenant_id="no tenant!")
    chain.write("one", RECORD, tenant_id="_system")
    assert 2 * ["item.plaintext_found"] == told(chain.run(rounds=ROUNDS))
    assert 2 * ["left"] == chain.fates
    assert not list(chain.store.all_rows())


@pytest.mark.parametrize("fault", [{"odd": under(0xDEAD)}, {"_x": TEXT}, {"_src": {"B": b"no position"}}])
def test_what_is_left_does_not_hide_what_was_mended(chain, fault):
    chain.write("one", RECORD | fault)
    events = chain.run(rounds=ROUNDS)
    assert ["item.plaintext_found", "item.remediated"] == told(events)
    assert "malformed" == events[1]["verdict"]


def test_a_nested_item_is_sealed_place_by_place(chain):
    record = RECORD | NESTED
    half = chain.sealed("one", record)
    half["contacts"]["L"][1] = NESTED["contacts"]["L"][1]
    chain.replace_key("pii")
    chain.write("one", half)
    chain.write("rogue", record)
    events = chain.run(rounds=ROUNDS)
    assert 2 * ["item.plaintext_found"] + 2 * ["item.remediated"] == told(events)
    assert record == chain.opened("one") == chain.opened("rogue")


@pytest.mark.parametrize("state", [None, KeyState.ACTIVE, KeyState.DECRYPT_ONLY, KeyState.DESTROYED])
def test_what_cannot_be_mended_is_left_and_the_rest_is_mended_once(chain, state):
    """Under a key that the tenant has not, or that is gone; or what only looks sealed."""
    chain.write("one", chain.sealed("one", RECORD))
    chain.run(rounds=ROUNDS)
    before = chain.replace_key("pii")
    if state in {None, KeyState.ACTIVE}:
        chosen = 0xDEAD if state is None else chain.store.active_key_id(TENANT, "pii")
    else:
        chosen = before
        chain.store.set_state(TENANT, chosen, state)
    chain.write("one", chain.sealed("one", RECORD) | {"ssn": under(chosen), "odd": TEXT})
    events = chain.run(rounds=ROUNDS)
    assert "item.plaintext_found" == told(events)[1]
    assert 3 == len(events), "mended once, and judged"
    assert chain.fates.count("left") <= 2
    item = chain.items[TENANT, "one"]
    assert under(chosen) == item["ssn"]
    assert {"B"} == item["odd"].keys()


@pytest.mark.parametrize(
    "system",
    [
        {"_src": TEXT},
        {"_src": {"B": b"no position"}},
        {"_policy": {"B": b"12345678"}},
        {"_policy": TEXT},
        {"_open_since": {"N": "-1"}},
        {"_open_since": TEXT},
        {"_expires_at": {"N": "1"}},
        {"_odd": TEXT},
    ],
)
def test_system_attributes_of_somebody_else_do_not_keep_the_chain_going(chain, system):
    chain.write("one", RECORD | system)
    chain.write("two", chain.sealed("two", RECORD) | system)
    events = chain.run(rounds=ROUNDS)
    assert 4 >= len(events)
    assert {"B"} == chain.items[TENANT, "one"]["ssn"].keys()


@pytest.mark.parametrize("is_deleted", [False, True])
@pytest.mark.parametrize("arrived", ["sealed", {"S": "a canary"}, {"N": "17"}])
def test_an_arrival_of_another_form_is_taken_off_and_the_item_is_in_order(chain, arrived, is_deleted):
    """As code from before `_arrived` leaves it, which seals it as a reserved name that it does not know."""
    item = chain.sealed("one", RECORD)
    spoiled = {**item, "_arrived": item["ssn"] if arrived == "sealed" else arrived}
    if is_deleted:
        kept = {name: value for name, value in spoiled.items() if name not in RECORD}
        spoiled = {**kept, **tombstone(1_700_000_000)}
    chain.write("one", item)
    chain.run(rounds=ROUNDS)
    chain.write("one", spoiled)
    events = chain.run(rounds=ROUNDS)
    assert "item.remediated" == told(events)[-1]
    assert [] == events[-1]["findings"]
    assert ["mended"] == chain.fates
    assert chain.items[TENANT, "one"] == {name: value for name, value in spoiled.items() if name != "_arrived"}


def test_an_arrival_of_another_form_is_taken_off_beside_what_cannot_be_mended(chain):
    item = chain.sealed("one", RECORD)
    chain.write("one", item | {"ssn": under(99), "_arrived": {"S": "a canary"}})
    chain.run(rounds=ROUNDS)
    assert ["left", "left"] == chain.fates
    assert "_arrived" not in chain.items[TENANT, "one"]


def test_what_is_called_so_in_an_item_of_somebody_else_stays_as_it_may_be_data(chain):
    chain.write("rogue", RECORD | {"_arrived": {"S": "on Monday"}})
    chain.run(rounds=ROUNDS)
    assert {"left"} == set(chain.fates)
    assert {"S": "on Monday"} == chain.items[TENANT, "rogue"]["_arrived"]
    assert {"B": FOUND.to_bytes()} == chain.items[TENANT, "rogue"]["_src"]


def test_an_item_that_is_gone_or_was_replaced_meanwhile_is_let_be(chain):
    chain.write("gone", RECORD)
    chain.write("replaced", RECORD)
    replaced_by = chain.sealed("replaced", RECORD)

    def meanwhile():
        chain.items.pop((TENANT, "gone"), None)
        chain.table.items[TENANT, "replaced"] = replaced_by

    chain.before_round = meanwhile
    assert ["item.plaintext_found"] * 2 + ["item.written"] == told(chain.run(rounds=ROUNDS))
    assert replaced_by == chain.items[TENANT, "replaced"]


def test_sealing_under_a_key_that_is_not_active_would_never_end(chain, monkeypatch):
    """Shows that the tests above can fail."""
    late = chain.sealed("late", RECORD)
    before = chain.replace_key("pii")
    not_active = chain.keyring().opener(TENANT, before)
    monkeypatch.setattr(PageKeys, "active", lambda *_: not_active)
    chain.write("late", late)
    with pytest.raises(NeverEnds):
        chain.run(rounds=10 * ROUNDS)


def test_writing_what_needs_nothing_would_never_end_for_what_cannot_be_mended(chain, monkeypatch):
    """Shows that the tests above can fail."""
    mend = ItemMending.mend

    def mend_and_touch(self, candidate, plan):
        image = chain.items[TENANT, "one"]
        chain.items[TENANT, "one"] = image | {"card": chain.sealed("one", RECORD)["card"]}
        return mend(self, candidate, plan)

    monkeypatch.setattr(ItemMending, "mend", mend_and_touch)
    chain.write("one", chain.sealed("one", RECORD) | {"ssn": under(0xDEAD)})
    with pytest.raises(NeverEnds):
        chain.run(rounds=10 * ROUNDS)
