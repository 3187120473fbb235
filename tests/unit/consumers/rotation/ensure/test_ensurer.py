"""First data keys for those who may make none: made once, stored before the answer, seen by nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consumers.rotation.ensure.ensurer import ATTEMPTS, KeyEnsurer
from shared.errors import KeyDenied, KeyServiceUnavailable, RequestRefused, SettingsError, StoreUnavailable
from shared.keys.ports import UNTOLD_SECONDS, DataKeyRow
from shared.model import KeyState

ACME = "acme"


@pytest.fixture
def created() -> list[DataKeyRow]:
    return []


@pytest.fixture
def made() -> list[DataKeyRow]:
    return []


@pytest.fixture
def ensurer(world, created, made) -> KeyEnsurer:
    return KeyEnsurer(
        store=world.store,
        service=world.service,
        policy=world.policy,
        attribute_key=world.service.kms_key_arn,
        on_created=created.append,
        on_made=made.append,
        new_key_id=world.next_key_id,
        wall=world.clock.wall,
    )


def ask(tenant_id: Any = ACME, data_classes: Any = ("pii",), **other: Any) -> dict[str, Any]:
    classes = list(data_classes) if isinstance(data_classes, tuple) else data_classes
    return {"tenant_id": tenant_id, "data_classes": classes, **other}


def test_what_is_missing_is_made_and_opens_under_the_tenants_context(world, ensurer, created):
    assert {} == ensurer.ensure(ask(data_classes=("pii", "pci")))

    assert [(ACME, "pii"), (ACME, "pci")] == [(row.tenant_id, row.data_class) for row in created]
    for row in created:
        assert (KeyState.ACTIVE, world.clock.wall()) == (row.state, row.created_at)
        assert row.key_id == world.keyring().active(ACME, row.data_class).key_id
    assert [] == world.service.generated, "nobody was given a data key in clear"


def test_what_is_there_stays_and_costs_no_call_of_kms(world, ensurer, created):
    first = world.first_keys((ACME, "pii"))[ACME, "pii"]
    world.clock.advance(UNTOLD_SECONDS)
    world.service.fail_with = AssertionError("KMS was asked")

    assert {} == ensurer.ensure(ask())

    assert ([], first) == (created, world.active_id(ACME, "pii"))


def test_asked_again_or_twice_for_one_class_it_makes_one_key(ensurer, created, made):
    ensurer.ensure(ask(data_classes=("pii", "pii")))
    ensurer.ensure(ask())

    assert 1 == len({row.key_id for row in created})
    assert created[:1] == made, "told again, and counted once"


def test_a_key_whose_maker_may_have_been_killed_before_he_told_is_told_again(world, ensurer, created):
    first = world.first_keys((ACME, "pii"))[ACME, "pii"]

    ensurer.ensure(ask())
    world.clock.advance(UNTOLD_SECONDS)
    ensurer.ensure(ask())

    assert [first] == [row.key_id for row in created]


def test_without_a_class_nothing_is_made(world, ensurer):
    assert {} == ensurer.ensure(ask(data_classes=()))

    assert [] == world.store.all_rows()


def test_of_two_that_race_one_makes_the_key_and_both_are_content(world, ensurer, created):
    def the_other_is_faster() -> None:
        world.store.before_create = lambda: None
        ensurer.ensure(ask())

    world.store.before_create = the_other_is_faster

    assert {} == ensurer.ensure(ask())

    [row] = world.store.all_rows()
    assert [row, row] == created, "by who stored it, and by who found it so young"


def test_an_id_that_is_taken_is_drawn_again(world, ensurer, created):
    taken = world.first_keys((ACME, "pci"))[ACME, "pci"]
    ids = iter([taken, taken + 100])

    replace(ensurer, new_key_id=lambda: next(ids)).ensure(ask())

    assert [taken + 100] == [row.key_id for row in created]


def test_whoever_loses_every_race_is_told_to_come_again(world, ensurer, created):
    taken = world.first_keys((ACME, "pci"))[ACME, "pci"]

    with pytest.raises(StoreUnavailable, match=f"lost {ATTEMPTS} races"):
        replace(ensurer, new_key_id=lambda: taken).ensure(ask())
    assert [] == created


def test_nothing_is_told_of_a_key_that_could_not_be_stored(world, ensurer, created):
    world.store.fail_with = StoreUnavailable("down")

    with pytest.raises(StoreUnavailable):
        ensurer.ensure(ask())
    assert [] == created


def test_a_refusal_of_kms_is_a_fault_that_may_pass(world, ensurer, created):
    world.refuse_tenant(ACME, KeyDenied("denied"))

    with pytest.raises(KeyServiceUnavailable):
        ensurer.ensure(ask())
    assert ([], []) == (created, world.store.all_rows())


def test_a_key_that_another_kms_key_wrapped_is_not_stored(world, ensurer):
    with pytest.raises(SettingsError, match="not the attribute key"):
        replace(ensurer, attribute_key="arn:aws:kms:eu-central-1:111122223333:key/other").ensure(ask())
    assert [] == world.store.all_rows()


SECRET = "078-05-1120"


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({}, "'tenant_id' and 'data_classes'"),
        ([], "'tenant_id' and 'data_classes'"),
        ({"tenant_id": ACME}, "'tenant_id' and 'data_classes'"),
        (ask(ssn=SECRET), "nothing else"),
        (ask(tenant_id="_system"), "a tenant's name"),
        (ask(tenant_id=""), "a tenant's name"),
        (ask(tenant_id=f"{SECRET}/x"), "a tenant's name"),
        (ask(tenant_id=7), "a tenant's name"),
        (ask(data_classes="pii"), "must be a list of: pci, pii"),
        (ask(data_classes=("quarantine",)), "must be a list of: pci, pii"),
        (ask(data_classes=("pii", SECRET)), "must be a list of: pci, pii"),
        (ask(data_classes=[["pii"]]), "must be a list of: pci, pii"),
        (ask(data_classes=None), "must be a list of: pci, pii"),
    ],
    ids=str,
)
def test_a_request_of_another_form_makes_nothing_and_is_not_quoted(world, ensurer, event, says):
    with pytest.raises(RequestRefused, match=says) as refusal:
        ensurer.ensure(event)
    assert SECRET not in str(refusal.value)
    assert [] == world.store.all_rows()
