"""A census says under which keys everything lies, from the items alone."""

from __future__ import annotations

import pytest

from shared.errors import StoreUnavailable
from shared.model import KeyState
from shared.runs.model import Example
from shared.scan.item_census import ItemCensus
from shared.scan.key_states import KeyStatesSince

STALE = "sealed under a data key that is not active"
UNKNOWN_KEY = 0xDEADBEEF
UNKNOWN = b"\x01" + UNKNOWN_KEY.to_bytes(4, "big") + bytes(range(130, 180))


@pytest.fixture
def take(world, pool):
    """The tally of a census that begins now."""

    def take(*items, **options):
        return ItemCensus(world.policy, KeyStatesSince(world.store), **options).visit(items)

    return take


def test_what_lies_under_active_keys_is_counted_and_nothing_more(world, take):
    tally = take(world.item("1"), world.item("2", "globex"))

    assert {"visited": 2, "sealed_values": 2} == tally.counts
    assert (tally.keys, tally.examples) == ({}, ())


@pytest.mark.parametrize("state", [KeyState.DECRYPT_ONLY, KeyState.RETIRED])
def test_what_lies_under_another_key_is_counted_by_it(world, take, state):
    items = [world.item("1"), world.item("2")]
    old, _ = world.renew()
    world.set_state(old, state)

    tally = take(*items, world.item("3"))

    assert {"visited": 3, "sealed_values": 3, "stale_values": 2} == tally.counts
    assert {f"acme/{old:08x}": 2} == tally.keys
    assert (Example("acme", "1", "ssn", STALE), Example("acme", "2", "ssn", STALE)) == tally.examples


def test_one_tenants_key_says_nothing_of_anothers(world, take):
    mine, others = world.item("1"), world.item("1", "globex")
    old, _ = world.renew()

    assert {f"acme/{old:08x}": 1} == take(mine, others).keys


def test_what_lies_under_a_destroyed_key_is_counted_as_stale_and_left(world, take):
    item = world.item()
    old, _ = world.renew()
    world.set_state(old, KeyState.DESTROYED)

    tally = take(item)

    assert {"visited": 1, "sealed_values": 1, "stale_values": 1, "left": 1} == tally.counts
    assert {f"acme/{old:08x}": 1} == tally.keys
    assert [example.where for example in tally.examples] == ["ssn"]


def test_a_key_that_the_tenant_has_not_is_unknown(world, take):
    tally = take(world.item(ssn={"B": UNKNOWN}))

    assert {"visited": 1, "sealed_values": 1, "unknown_values": 1, "left": 1} == tally.counts
    assert tally.keys == {}  # there is no such key to be retired


def test_a_key_whose_row_is_not_readable_stays_where_it_is(world, take):
    item = world.item()
    key_id = world.store.active_key_id("acme", "pii")
    world.store.spoil("acme", key_id)

    tally = take(item)

    assert {"visited": 1, "sealed_values": 1, "unknown_values": 1, "left": 1} == tally.counts
    assert {f"acme/{key_id:08x}": 1} == tally.keys


def test_a_value_of_another_class_than_the_policys_is_stale_though_its_key_is_active(world, take):
    sealed = world.seal("acme", "i-1", ("ssn",), {"S": "x"}, "restricted")

    tally = take(world.item(ssn={"B": sealed}))

    assert {"visited": 1, "sealed_values": 1, "stale_values": 1} == tally.counts
    assert tally.keys == {}
    assert [example.where for example in tally.examples] == ["ssn"]


def test_what_stands_in_clear_is_counted_without_being_told(world, take):
    contacts = {"L": [{"M": {"email": {"S": "canary@example.org"}}}]}

    tally = take(world.item(contacts=contacts, canary={"S": "canary"}))

    assert {"visited": 1, "sealed_values": 1, "clear_values": 2} == tally.counts
    assert ["contacts[].email", "?"] == [example.where for example in tally.examples]
    assert "canary" not in repr(tally)


@pytest.mark.parametrize(
    "state", [None, KeyState.DESTROYED, "not readable"], ids=["no such key", "destroyed", "not readable"]
)
@pytest.mark.parametrize(
    "around",
    [
        lambda sealed: {"M": {"street": {"S": "canary"}, "x": {"B": sealed}}},
        lambda sealed: {"L": [{"S": "canary"}, {"B": sealed}]},
        lambda sealed: {"BS": [b"canary", sealed]},
    ],
    ids=["map", "list", "set"],
)
def test_what_is_left_in_clear_around_something_that_does_not_open_is_in_clear(world, take, state, around):
    sealed = world.item()["ssn"]["B"]
    old, _ = world.renew()
    image = world.item(ssn=around(sealed if state else UNKNOWN))
    if state is KeyState.DESTROYED:
        world.set_state(old, state)
    elif state:
        world.store.spoil("acme", old)

    tally = take(image)

    assert (1, 1) == (tally.counts["clear_values"], tally.counts["left"])
    assert ["ssn"] == [example.where for example in tally.examples]
    assert "canary" not in repr(tally)


def test_a_system_attribute_that_hides_something_in_clear_is_in_clear(world, take):
    tally = take(world.item(_src={"S": "canary"}, _open_since={"S": "canary"}))

    assert {"visited": 1, "sealed_values": 1, "clear_values": 2, "left": 1} == tally.counts
    assert "canary" not in repr(tally)


def test_every_sealed_value_is_found_however_deep_and_in_whatever_container(world, take):
    raw = world.item()["ssn"]["B"]
    nested = {"M": {"a": {"L": [{"B": raw}, {"M": {"b": {"B": raw}}}]}, "set": {"BS": [raw, b"x"]}}}
    old, _ = world.renew()

    tally = take(world.item("2", other=nested, ssn={"B": raw}))

    assert {f"acme/{old:08x}": 4} == tally.keys
    assert (4, 4) == (tally.counts["sealed_values"], tally.counts["stale_values"])


def test_the_systems_own_binaries_are_no_sealed_values(world, take):
    assert take(world.item(_src={"B": UNKNOWN}, _policy={"B": UNKNOWN})).counts["sealed_values"] == 1


@pytest.mark.parametrize("tenant_id", ["_system", "no tenant", "a/b"])
def test_an_item_that_no_tenant_can_have_is_left_and_what_lies_in_it_counted_by_key(world, take, tenant_id):
    item = world.item("1", tenant_id, more={"S": "in clear"})
    old, _ = world.renew(tenant_id)

    tally = take(item, adopting=True, lists_places=True)

    assert {"visited": 1, "left": 1, "sealed_values": 1, "stale_values": 1, "clear_values": 1} == tally.counts
    assert {f"{tenant_id}/{old:08x}": 1} == tally.keys
    assert Example(tenant_id, "1", "tenant_id", "no tenant can have this name") == tally.examples[0]


def test_what_looks_sealed_in_an_item_that_no_tenant_can_have_is_no_data_to_adopt(world, take):
    image = {"tenant_id": {"S": "no tenant"}, "item_id": {"S": "1"}, "ssn": {"B": UNKNOWN}}
    assert {"visited": 1, "left": 1, "sealed_values": 1, "unknown_values": 1} == take(image, adopting=True).counts


def test_a_survey_lists_by_place_and_class_what_an_adoption_would_seal(world, take):
    raw = {
        "tenant_id": {"S": "acme"},
        "item_id": {"S": "1"},
        "ssn": {"S": "canary"},
        "contacts": {"L": [{"M": {"email": {"S": "canary"}}}] * 2},
        "picture": {"B": UNKNOWN},
        "amount": {"N": "1"},
    }

    tally = take(raw, adopting=True, lists_places=True)

    expected = {
        "visited": 1,
        "clear_values": 4,
        "would_seal:ssn (pii)": 1,
        "would_seal:contacts[].email (pii)": 2,
        "would_seal:? (restricted)": 1,
    }
    assert expected == tally.counts
    assert "canary" not in repr(tally)


def test_without_adoption_what_looks_sealed_in_a_foreign_item_is_unknown(world, take):
    raw = {"tenant_id": {"S": "acme"}, "item_id": {"S": "1"}, "picture": {"B": UNKNOWN}}

    assert {"visited": 1, "sealed_values": 1, "unknown_values": 1, "left": 1} == take(raw).counts


def test_a_key_store_that_does_not_answer_ends_the_page(world, take):
    item = world.item()
    world.store.fail_with = StoreUnavailable("down")

    with pytest.raises(StoreUnavailable):
        take(item)


def test_nothing_is_opened(world, take):
    items = [world.item("1"), world.item("2")]
    world.service.decrypted.clear()

    take(*items)

    assert [] == world.service.decrypted
