"""What cannot be mended is left and said, an outage is retried; the others finish, and no value is ever told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.envelope.seal import seal_value
from shared.errors import (
    DoesNotOpen,
    KeyDenied,
    KeyServiceUnavailable,
    KeyStoreCorrupt,
    Reason,
    RecordRejected,
    SettingsError,
    StoreUnavailable,
)
from shared.model import KeyState
from shared.reencrypt.item import EXAMPLES
from shared.reencrypt.model import Candidate, Change, Fate, ItemUpdate, UpdateResult
from shared.runs.model import Example
from shared.source_position import kinesis_position

CANARY = "canary-4111"
LOOKALIKE = {"B": b"\x01\x00\x00\x00\x09" + bytes(range(150, 250))}
"""Under a data key that nobody has."""
RECORD: dict[str, Any] = {"ssn": {"S": CANARY}, "card": {"S": CANARY}, "amount": {"N": "1"}}


def raising(error):
    def fail(*_: Any) -> Any:
        raise error

    return fail


def told(mended):
    return [(one.tenant_id, one.fate, [(example.where, example.why) for example in one.examples]) for one in mended]


def two_stale_tenants(world):
    for tenant_id in ("acme", "other"):
        world.put(tenant_id=tenant_id, **RECORD)
        world.rotate("pii", tenant_id)
    return world.item(tenant_id="acme")


def only_for(tenant_id, error):
    def fail(context):
        if context["tenant_id"] == tenant_id:
            raise error

    return fail


def test_a_denied_key_leaves_the_whole_item_and_no_other_tenants(world):
    before = two_stale_tenants(world)
    world.item()["odd"] = {"S": CANARY}
    world.service.on_decrypt = only_for("acme", KeyDenied("no"))

    assert [("acme", Fate.LEFT, [("ssn", "KeyDenied")]), ("other", Fate.MENDED, [])] == told(world.mend())
    assert before | {"odd": {"S": CANARY}} == world.item()


@pytest.mark.parametrize(
    ("trouble", "may_pass"),
    [
        (lambda world, old: setattr(world.service, "on_decrypt", raising(KeyDenied("no"))), True),
        (lambda world, old: setattr(world.store, "fail_with", KeyStoreCorrupt("no")), True),
        (lambda world, old: world.store.spoil("acme", old), True),
        (lambda world, old: world.store.set_state("acme", old, KeyState.DESTROYED), False),
        (lambda world, old: setattr(world.service, "on_decrypt", raising(KeyServiceUnavailable("no"))), False),
    ],
)
def test_a_denied_key_and_a_corrupt_row_may_pass_however_many_other_troubles_there_are(world, trouble, may_pass):
    world.put(**RECORD)
    old, _ = world.rotate("pii")
    world.table.items["acme", "1"] = {f"a{n}": LOOKALIKE for n in range(2 * EXAMPLES)} | world.item()
    trouble(world, old)
    assert [may_pass] == [one.may_pass for one in world.mend()]


def test_a_container_around_a_denied_value_leaves_the_whole_item(world):
    street = world.seal(("address", "street"), {"S": CANARY}, "pii")
    world.table.write("acme", "1", address={"M": {"street": street, "zip": {"S": "1"}}}, odd={"S": CANARY})
    world.service.on_decrypt = raising(KeyDenied("no"))

    assert [("acme", Fate.LEFT, [("address", "KeyDenied")])] == told(world.mend())
    assert [] == world.table.updates


@pytest.mark.parametrize("why", ["throttled", "disabled", "pending deletion"])
def test_a_tenant_whose_key_cannot_be_had_now_is_retried_and_the_others_finish(world, why):
    before = two_stale_tenants(world)
    world.service.on_decrypt = only_for("acme", KeyServiceUnavailable(why))

    assert [("acme", Fate.RETRY, [("", "KeyServiceUnavailable")]), ("other", Fate.MENDED, [])] == told(world.mend())
    assert before == world.item()


def test_a_key_that_cannot_be_had_is_asked_for_once_a_page(world):
    for number in range(10):
        world.put(str(number), **RECORD)
    world.rotate("pii")
    world.service.decrypted.clear()
    world.service.on_decrypt = raising(KeyServiceUnavailable("down"))

    assert [Fate.RETRY] * 10 == [one.fate for one in world.mend()]
    assert 2 == len(world.service.decrypted)  # the old key and the active one


def test_an_active_key_that_cannot_be_had_is_asked_for_once_and_leaves_everything_for_later(world):
    for number in range(10):
        world.put(str(number), **RECORD)
    _, new = world.rotate("pii")
    asked = []

    def refuse_the_new_one(context):
        if context["key_id"] == f"{new:08x}":
            asked.append(new)
            raise KeyServiceUnavailable("down")

    world.service.on_decrypt = refuse_the_new_one
    assert [("acme", Fate.RETRY, [("", "KeyServiceUnavailable")])] * 10 == told(world.mend())
    assert [new] == asked
    assert [] == world.table.updates


def test_a_tenant_whose_key_states_cannot_be_read_is_retried_and_asked_for_once(world):
    two_stale_tenants(world)
    world.put("2", **RECORD)
    asked = []

    class Statuses:
        def statuses(self, tenant_id, key_ids):
            asked.append(tenant_id)
            if tenant_id == "acme":
                raise StoreUnavailable("throttled")
            return world.store.statuses(tenant_id, key_ids)

        def statuses_of(self, key_ids):
            raise StoreUnavailable("throttled")

    mended = world.make_reencryptor(statuses=Statuses()).mend(world.candidates())

    assert {("acme", Fate.RETRY), ("other", Fate.MENDED)} == {(one.tenant_id, one.fate) for one in mended}
    assert 1 == asked.count("acme")


@pytest.mark.parametrize(
    ("error", "fate", "why"),
    [
        (StoreUnavailable("throttled"), Fate.RETRY, "StoreUnavailable"),
        (RecordRejected(Reason.STORE_REFUSED, "too large"), Fate.LEFT, "store_refused"),
        (SettingsError("no credentials"), Fate.RETRY, "SettingsError"),
    ],
)
def test_a_table_that_refuses_or_does_not_answer(world, error, fate, why):
    world.put(**RECORD)
    world.rotate("pii")
    before = world.item()
    world.table.before_update = raising(error)

    assert [("acme", fate, [("", why)])] == told(world.mend())
    assert before == world.item()


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (KeyState.DESTROYED, "sealed under a destroyed data key"),
        (None, "its data key's row is not readable"),
    ],
)
def test_what_a_spoiled_key_closes_is_left_and_the_rest_mended(world, state, why):
    world.put(**RECORD)
    old, _ = world.rotate("pii")
    world.rotate("pci")
    if state:
        world.store.set_state("acme", old, state)
    else:
        world.store.spoil("acme", old)
    ssn = world.item()["ssn"]

    [mended] = world.mend()

    assert (Fate.LEFT, 1, (Example("acme", "1", "ssn", why),)) == (
        mended.fate,
        mended.reencrypted_values,
        mended.examples,
    )
    assert ssn == world.item()["ssn"]
    assert ["card"] == list(world.table.updates[0].changes)


@pytest.mark.parametrize("adopting", [True, False])
@pytest.mark.parametrize("tenant_id", ["_system", "no tenant", "a/b", "x" * 129])
def test_an_item_that_no_tenant_can_have_is_left_and_no_key_is_made_for_it(world, tenant_id, adopting):
    world.table.write("acme", "1", **RECORD)
    world.table.write(tenant_id, "2", **RECORD)
    world.table.write("acme", "3", **RECORD)
    before = world.item("2", tenant_id)

    mended = world.mend(adopting=adopting)

    assert ["1", "2", "3"] == [one.item_id for one in mended]
    assert (tenant_id, Fate.LEFT, [("tenant_id", "no tenant can have this name")]) == told(mended)[1]
    assert before == world.item("2", tenant_id)
    assert {"acme"} == {row.tenant_id for row in world.store.all_rows()}


def test_what_was_changed_or_moved_is_left_and_the_rest_mended(world):
    world.put(**RECORD, contacts={"L": [{"M": {"email": {"S": CANARY}}}]})
    world.rotate("pii")
    world.item()["ssn"] = world.item()["contacts"]["L"][0]["M"]["email"]
    moved = world.item()["ssn"]

    [mended] = world.mend()

    assert (Fate.LEFT, 1, (Example("acme", "1", "ssn", "DoesNotOpen"),)) == (
        mended.fate,
        mended.reencrypted_values,
        mended.examples,
    )
    assert moved == world.item()["ssn"]
    assert {"contacts"} == set(world.table.updates[0].changes)


def test_a_container_around_what_does_not_open_is_left_and_not_written_at_all(world):
    moved = world.seal(("elsewhere",), {"S": CANARY}, "pii")
    world.table.write("acme", "1", address={"M": {"street": moved, "zip": {"S": CANARY}}})
    assert [("acme", Fate.LEFT, [("address", "DoesNotOpen")])] == told(world.mend())
    assert [] == world.table.updates


@pytest.mark.parametrize(
    ("left", "keeps_its_policy"),
    [
        ({"address": {"M": {"street": LOOKALIKE, "zip": {"S": CANARY}}}}, True),
        ({"address": {"BS": [LOOKALIKE["B"]]}}, True),
        ({"address": LOOKALIKE}, False),
    ],
)
def test_an_item_keeps_the_policy_that_it_names_while_something_is_left_in_clear(world, left, keeps_its_policy):
    older = {"B": b"older..."}
    world.table.write(
        "acme", "1", **RECORD, **left, _src={"B": kinesis_position(b"p", "1", 0).to_bytes()}, _policy=older
    )
    assert [Fate.LEFT] == [one.fate for one in world.mend()]
    assert {"B"} == world.item()["ssn"].keys()
    assert (older == world.item()["_policy"]) == keeps_its_policy


def test_what_is_left_is_left_again_so_the_chain_of_findings_ends(world):
    world.put(**RECORD)
    world.rotate("pii")
    world.rotate("pci")
    world.item()["ssn"] = world.item()["card"]
    world.mend()
    assert [Fate.LEFT] == [one.fate for one in world.mend()]
    assert 1 == len(world.table.updates)


def test_what_is_too_deep_once_opened_is_left(world):
    deep: Any = {"S": CANARY}
    for _ in range(32):
        deep = {"L": [deep]}
    inside = world.seal(("odd", "x"), deep, "restricted")
    world.table.write("acme", "1", odd={"M": {"x": inside}})

    [mended] = world.mend()

    assert Fate.LEFT is mended.fate
    assert [] == world.table.updates


def test_a_spoiled_row_of_the_key_store_is_left_to_the_operator(world):
    world.put(**RECORD)
    old, _ = world.rotate("pii")
    row = world.store.rows("acme", [old])[old]
    world.store.put_row(replace(row, kms_key_arn="arn:aws:kms:eu-central-1:1:key/other"))
    assert [("acme", Fate.LEFT, [("ssn", "KeyStoreCorrupt")])] == told(world.mend())


def test_an_active_key_whose_row_is_spoiled_is_left_to_the_operator(world):
    world.put(**RECORD)
    _, new = world.rotate("pii")
    row = world.store.rows("acme", [new])[new]
    world.store.put_row(replace(row, kms_key_arn="arn:aws:kms:eu-central-1:1:key/other"))
    assert [("acme", Fate.LEFT, [("", "KeyStoreCorrupt")])] == told(world.mend())
    assert [] == world.table.updates


def test_what_only_names_a_retired_key_does_not_reopen_it(world):
    world.put(**RECORD)
    old, _ = world.rotate("pii")
    world.store.set_state("acme", old, KeyState.RETIRED)
    forged = {"B": b"\x01" + old.to_bytes(4, "big") + bytes(range(150, 250))}
    world.table.write("acme", "1", ssn=forged, contacts={"L": [forged]})

    assert [("acme", Fate.LEFT, [("ssn", "DoesNotOpen"), ("contacts", "DoesNotOpen")])] == told(world.mend())
    assert [] == world.reopened


def test_a_retired_key_that_cannot_be_reopened_is_asked_for_once_and_nothing_is_written(world):
    for number in range(5):
        world.put(str(number), **RECORD)
    old, _ = world.rotate("pii")
    world.rotate("pci")
    world.store.set_state("acme", old, KeyState.RETIRED)
    asked = []

    def reopen(*key):
        asked.append(key)
        raise StoreUnavailable("no answer")

    mended = world.make_reencryptor(reopen=reopen).mend(world.candidates())

    assert [("acme", Fate.RETRY, [("", "StoreUnavailable")])] * 5 == told(mended)
    assert [("acme", old)] == asked
    assert [] == world.table.updates


@pytest.mark.parametrize(
    "wrong",
    [
        lambda cipher, prefix, path, value: seal_value(cipher, prefix, path, {"S": "other"}),
        lambda cipher, prefix, path, value: seal_value(cipher, prefix, ("elsewhere",), value),
        lambda cipher, prefix, path, value: seal_value(cipher, prefix, path, value)[:-1],
    ],
)
def test_what_does_not_open_to_what_it_was_is_never_written(world, monkeypatch, wrong):
    world.put(**RECORD)
    world.rotate("pii")
    monkeypatch.setattr("shared.reencrypt.sealing.seal_value", wrong)
    assert [("acme", Fate.LEFT, [("ssn", "what was sealed does not open to what it was")])] == told(world.mend())
    assert [] == world.table.updates


def test_an_active_key_that_never_becomes_active_is_not_sealed_under(world):
    world.put(**RECORD)
    _, new = world.rotate("pii")

    class Statuses:
        """A key store that contradicts itself: the pointer's key is none to seal under."""

        def statuses(self, tenant_id, key_ids):
            found = world.store.statuses(tenant_id, key_ids)
            return {k: replace(v, state=KeyState.DECRYPT_ONLY) if k == new else v for k, v in found.items()}

        def statuses_of(self, key_ids):
            return {tenant_id: self.statuses(tenant_id, wanted) for tenant_id, wanted in key_ids.items()}

    mended = world.make_reencryptor(statuses=Statuses()).mend(world.candidates())

    assert [("acme", Fate.RETRY, [("", "StoreUnavailable")])] == told(mended)
    assert [] == world.table.updates


def test_examples_of_one_item_are_bounded(world):
    world.table.write("acme", "1", **{f"a{number}": LOOKALIKE for number in range(3 * EXAMPLES)})
    assert EXAMPLES == len(world.mend()[0].examples)


def test_an_error_that_nobody_foresaw_is_logged_without_its_message_and_keeps_nobody_from_his_turn(world, capsys):
    two_stale_tenants(world)

    def fail(update):
        if update.tenant_id == "acme":
            raise RuntimeError(CANARY)

    world.table.before_update = fail

    mended = world.mend()

    assert [("acme", Fate.RETRY, [("", "an error that the log tells of")]), ("other", Fate.MENDED, [])] == told(mended)
    assert '"error":"RuntimeError"' in (out := capsys.readouterr().out)
    assert CANARY not in out


def test_an_image_of_no_form_keeps_nobody_from_his_turn(world, capsys):
    two_stale_tenants(world)
    world.item()["odd"] = {}  # no type at all
    assert [Fate.RETRY, Fate.MENDED] == [one.fate for one in world.mend()]
    assert CANARY not in capsys.readouterr().out


@pytest.mark.parametrize(
    "spoil",
    [
        lambda world: setattr(world.service, "on_decrypt", raising(KeyDenied("no"))),
        lambda world: setattr(world.service, "on_decrypt", raising(DoesNotOpen("no"))),
        lambda world: setattr(world.service, "on_decrypt", raising(KeyServiceUnavailable("no"))),
        lambda world: setattr(world.store, "fail_with", StoreUnavailable("no")),
        lambda world: setattr(world.store, "fail_with", KeyStoreCorrupt("no")),
        lambda world: setattr(world.table, "before_update", raising(StoreUnavailable("no"))),
        lambda world: setattr(world.table, "before_update", raising(RecordRejected(Reason.STORE_REFUSED))),
        lambda world: setattr(world.table, "before_update", raising(ValueError(CANARY))),
        lambda world: setattr(world, "reencryptor", world.make_reencryptor(updates=raising)),
        lambda world: None,
    ],
)
def test_no_way_to_fail_tells_a_value(world, spoil, capsys):
    world.put(**RECORD)
    world.rotate("pii")
    world.table.write("acme", "2", odd={"S": CANARY}, photo={"M": {CANARY: {"S": CANARY}}})
    spoil(world)
    candidates = world.candidates(open_since=1.0)
    mended = world.reencryptor.mend(candidates)
    said = capsys.readouterr()
    assert CANARY not in repr(mended) + repr(candidates) + repr(world.table.updates) + said.out + said.err


def test_no_repr_shows_a_value():
    values: Any = {"S": CANARY}
    update = ItemUpdate("acme", "1", values, {"a": Change(values, values)})
    assert CANARY not in repr([update, UpdateResult(False, {"a": values}), Candidate({"a": values}, 1.0)])
