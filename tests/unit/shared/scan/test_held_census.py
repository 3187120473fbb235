"""A census of the quarantine reads the first bytes of every object, and no more."""

from __future__ import annotations

import pytest

from shared.errors import StoreUnavailable
from shared.model import KeyState
from shared.runs.model import Example
from shared.scan.held_census import HeldCensus
from shared.scan.key_states import KeyStatesSince
from shared.scan.ports import HeldObject
from tests.fakes.held_objects import FakeHeldObjects

STALE = "sealed under a data key that is not active"


@pytest.fixture
def held():
    return FakeHeldObjects()


@pytest.fixture
def take(world, pool, held):
    """The tally of a census of everything that is held."""

    def take():
        objects, _ = held.page(segment=0, total=0, cursor="", limit=100)
        return HeldCensus(held, KeyStatesSince(world.store), pool).visit(objects)

    return take


def test_objects_under_the_active_key_are_counted_and_not_read(world, take, held):
    held.contents = {"2023/11/14/a": world.held("a"), "2023/11/14/b": world.held("b")}

    tally = take()

    assert {"visited": 2, "sealed_values": 2} == tally.counts
    assert (tally.keys, tally.examples, held.reads) == ({}, (), [])


@pytest.mark.parametrize("state", [KeyState.DECRYPT_ONLY, KeyState.RETIRED, KeyState.DESTROYED])
def test_objects_under_another_key_are_counted_by_it(world, take, held, state):
    held.contents = {"2023/11/14/a": world.held("a")}
    old, _ = world.renew("_system", "quarantine")
    world.set_state(old, state, "_system")
    held.contents["2023/11/14/b"] = world.held("b")

    tally = take()

    assert {"visited": 2, "sealed_values": 2, "stale_values": 1} == tally.counts
    assert {f"_system/{old:08x}": 1} == tally.keys
    assert (Example("_system", "a", "", STALE),) == tally.examples


def test_an_unknown_key_is_counted_and_can_keep_no_key_from_retirement(world, take, held):
    held.contents = {"x/a": b"\x01\xde\xad\xbe\xef" + bytes(60)}

    tally = take()

    assert {"visited": 1, "sealed_values": 1, "unknown_values": 1, "left": 1} == tally.counts
    assert tally.keys == {}


def test_a_key_whose_row_is_not_readable_stays(world, take, held):
    held.contents = {"x/a": world.held("a")}
    key_id = world.store.active_key_id("_system", "quarantine")
    world.store.spoil("_system", key_id)

    tally = take()

    assert {"visited": 1, "sealed_values": 1, "unknown_values": 1, "left": 1} == tally.counts
    assert {f"_system/{key_id:08x}": 1} == tally.keys


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x01",
        b"canary in clear that is rather long, so that it could be sealed by its length",
        b"\x01" + bytes(90),
    ],
)
def test_what_is_no_sealed_value_is_counted_as_in_clear(take, held, content):
    held.contents = {"x/a": content}

    tally = take()

    assert {"visited": 1, "clear_values": 1, "left": 1} == tally.counts
    assert (Example("_system", "a", "", "no sealed value"),) == tally.examples
    assert "canary" not in repr(tally)


def test_an_object_that_went_meanwhile_is_nothing(world, pool, held):
    census = HeldCensus(held, KeyStatesSince(world.store), pool)
    assert {"visited": 1} == census.visit([HeldObject("x/gone", 100)]).counts
    assert {"visited": 0} == census.visit([]).counts


def test_a_store_that_does_not_answer_ends_the_page(world, take, held):
    held.contents = {"x/a": world.held("a")}

    def fail(_method: str, _key: str) -> None:
        raise StoreUnavailable("down")

    held.before = fail

    with pytest.raises(StoreUnavailable):
        take()
