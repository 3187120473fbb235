"""A sweep of the quarantine seals anew what lies under a replaced key, and loses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from shared.envelope.associated_data import record_prefix
from shared.envelope.seal import seal_value
from shared.errors import KeyServiceUnavailable, StoreUnavailable
from shared.model import KeyState
from shared.runs.model import Example
from shared.scan import held_sweep
from shared.scan.held_sweep import HeldSweep
from shared.scan.ports import HeldObject
from tests.fakes.held_objects import FakeHeldObjects

OLD = {"visited": 1, "mended": 1, "reencrypted_values": 1}


@pytest.fixture
def held():
    return FakeHeldObjects()


@pytest.fixture
def told():
    """Quarantine id and key id of each object that was sealed anew; and the keys that were reopened."""
    return {"reencrypted": [], "reopened": []}


@pytest.fixture
def sweep(world, pool, held, told):
    """The tally of a sweep of everything that is held."""

    def reopen(tenant_id: str, key_id: int) -> None:
        told["reopened"].append((tenant_id, key_id))
        world.set_state(key_id, KeyState.DECRYPT_ONLY, tenant_id)

    def sweep():
        visitor = HeldSweep(
            held=held,
            keyring=world.keyring(),
            statuses=world.store,
            reopen=reopen,
            dataset=world.policy.dataset,
            on_reencrypted=lambda *done: told["reencrypted"].append(done),
            pool=pool,
        )
        return visitor.visit(held.page(segment=0, total=0, cursor="", limit=100)[0])

    return sweep


@pytest.fixture
def renewed(world, held):
    """One object under a replaced key; the old id and the new one."""
    held.contents = {"2023/11/14/a": world.held("a", "canary")}
    return world.renew("_system", "quarantine")


def test_what_lies_under_the_active_key_is_not_even_read(world, sweep, held, told):
    held.contents = {"2023/11/14/a": world.held("a")}

    assert {"visited": 1} == sweep().counts
    assert ([], []) == (held.reads, told["reencrypted"])


def test_what_lies_under_a_replaced_key_holds_the_same_under_the_active_one(world, sweep, held, told, renewed):
    assert OLD == sweep().counts

    content = held.contents["2023/11/14/a"]
    assert renewed[1].to_bytes(4, "big") == content[1:5]
    assert {"S": "canary"} == world.open_held("a", content)
    assert [("a", renewed[1])] == told["reencrypted"]
    assert {"visited": 1} == sweep().counts


def test_a_retired_key_is_reopened_before_anything_is_written(world, sweep, held, told, renewed):
    world.set_state(renewed[0], KeyState.RETIRED, "_system")
    states: list[KeyState] = []

    def look(method: str, _key: str) -> None:
        if method == "replace":
            states.append(world.store.rows("_system", [renewed[0]])[renewed[0]].state)

    held.before = look

    assert OLD == sweep().counts
    assert [("_system", renewed[0])] == told["reopened"]
    assert [KeyState.DECRYPT_ONLY] == states


def test_what_only_names_a_retired_key_does_not_reopen_it(world, sweep, held, told, renewed):
    held.contents = {"x/moved": held.contents["2023/11/14/a"]}
    world.set_state(renewed[0], KeyState.RETIRED, "_system")

    assert {"visited": 1, "left": 1} == sweep().counts
    assert [] == told["reopened"]


def test_what_does_not_open_is_left_as_it_is(world, sweep, held, renewed):
    moved = held.contents["2023/11/14/a"]
    held.contents = {"x/moved": moved, "x/none": b"canary" * 20, "x/short": b"\x01", "x/unknown": b"\x01" * 60}
    before = dict(held.contents)

    tally = sweep()

    assert {"visited": 4, "left": 4} == tally.counts
    expected = {"moved": "DoesNotOpen", "none": "NotSealed", "short": "NotSealed", "unknown": "KeyUnknown"}
    assert expected == {example.item_id: example.why for example in tally.examples}
    assert before == held.contents
    assert "canary" not in repr(tally)


def test_a_destroyed_key_and_a_key_of_another_class_leave_it(world, sweep, held, renewed):
    world.set_state(renewed[0], KeyState.DESTROYED, "_system")
    other = world.seal("_system", "b", ("content",), {"S": "x"}, "pii")
    held.contents["x/b"] = other

    tally = sweep()

    assert {"visited": 2, "left": 2} == tally.counts
    assert {"KeyDestroyed", "DoesNotOpen"} == {example.why for example in tally.examples}


def test_an_outage_is_for_another_time_and_says_which(world, sweep, held, renewed):
    held.contents["x/b"] = world.held("b")
    before = dict(held.contents)

    def down(method: str, key: str) -> None:
        if method == "replace":
            raise StoreUnavailable("down")

    held.before = down

    tally = sweep()

    assert {"visited": 2, "retry": 1} == tally.counts
    assert (Example("_system", "a", "", "StoreUnavailable"),) == tally.examples
    assert before == held.contents


def test_without_kms_nothing_is_touched(world, sweep, held, renewed):
    world.service.fail_with = KeyServiceUnavailable("throttled")
    assert {"visited": 1, "retry": 1} == sweep().counts


def test_one_who_writes_meanwhile_wins_and_what_he_wrote_is_sealed_anew(world, sweep, held, told, renewed):
    others = [_other_sealed(world, renewed[0])]

    def write_meanwhile(method: str, key: str) -> None:
        if method == "replace" and others:
            held.contents[key] = others.pop()

    held.before = write_meanwhile

    assert OLD == sweep().counts
    assert {"S": "other"} == world.open_held("a", held.contents["2023/11/14/a"])
    assert 1 == len(told["reencrypted"])


def test_one_who_deletes_meanwhile_wins(sweep, held, told, renewed):
    def delete_meanwhile(method: str, key: str) -> None:
        if method == "replace":
            held.contents.pop(key, None)

    held.before = delete_meanwhile

    assert {"visited": 1} == sweep().counts
    assert {} == held.contents
    assert [] == told["reencrypted"]


def test_one_who_mends_meanwhile_is_not_repeated(world, sweep, held, told, renewed):
    def mend_meanwhile(method: str, key: str) -> None:
        if method == "read":
            held.contents[key] = world.held("a", "canary")

    held.before = mend_meanwhile

    assert {"visited": 1} == sweep().counts
    assert [] == told["reencrypted"]


def test_an_object_that_others_keep_writing_is_for_another_time(world, sweep, held, renewed):
    def keep_writing(method: str, key: str) -> None:
        if method == "replace":
            held.contents[key] = _other_sealed(world, renewed[0])

    held.before = keep_writing

    tally = sweep()

    assert {"visited": 1, "retry": 1} == tally.counts
    assert held_sweep.ATTEMPTS == len(held.reads)


def test_what_was_sealed_under_a_key_that_is_too_old_by_now_is_not_sent(world, sweep, held, renewed, monkeypatch):
    sealed: list[bytes] = []
    sent: list[int] = []

    def held_up(*what: Any) -> bytes:
        sealed.append(seal_value(*what))
        if len(sealed) == 1:
            world.clock.advance(400)
        return sealed[-1]

    monkeypatch.setattr(held_sweep, "seal_value", held_up)
    held.before = lambda method, _key: sent.append(len(sealed)) if method == "replace" else None

    assert OLD == sweep().counts
    assert [2] == sent
    assert sealed[1] == held.contents["2023/11/14/a"]


def test_what_does_not_open_to_the_same_is_not_sent(sweep, held, renewed, monkeypatch):
    before = dict(held.contents)
    monkeypatch.setattr(
        held_sweep, "seal_value", lambda cipher, prefix, path, _: seal_value(cipher, prefix, path, {"S": "other"})
    )

    tally = sweep()

    assert {"visited": 1, "left": 1} == tally.counts
    assert before == held.contents


def test_an_unforeseen_error_of_one_object_is_logged_and_the_others_go_on(world, sweep, held, renewed, capsys):
    held.contents["x/b"] = world.held("b")

    def stumble(_method: str, key: str) -> None:
        if key == "2023/11/14/a":
            raise ZeroDivisionError("canary")

    held.before = stumble

    tally = sweep()

    assert {"visited": 2, "retry": 1} == tally.counts
    printed = capsys.readouterr().out
    assert '"quarantine_id":"a"' in printed
    assert "canary" not in printed + repr(tally)


def test_an_object_that_is_gone_is_nothing(world, pool, sweep, held, renewed):
    sweep()  # builds nothing that is kept
    held.contents.clear()
    assert {} == sweep().counts
    listed = HeldObject("2023/11/14/a", 100)
    held.page = lambda **_: ([listed], "")
    assert {"visited": 1} == sweep().counts


def _other_sealed(world, key_id: int) -> bytes:
    """What an encryptor wrote that still had the replaced key."""
    prefix = record_prefix(dataset="customers", tenant_id="_system", item_id="a")
    return seal_value(world.keyring().opener("_system", key_id).cipher, prefix, ("content",), {"S": "other"})
