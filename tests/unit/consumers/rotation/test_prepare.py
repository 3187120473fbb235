"""Rewrap and renew: every key that needs it, no other, and nobody waits for somebody else's trouble."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from shared.errors import KeyDenied, KeyServiceUnavailable, StoreUnavailable
from shared.keys.ports import EncryptionContext
from shared.keys.rotation.renewal import MAKING_SECONDS
from shared.model import QUARANTINE_CLASS, SYSTEM_TENANT, KeyState
from shared.runs.model import Phase
from tests.fakes.key_service import ATTRIBUTE_KEY_ARN
from tests.fakes.rotation import replace_active_key
from tests.fakes.rotation_world import DAY, FORMER_ARN, World

ACME, PII, PCI = "acme", "pii", "pci"


def prepared(world: World, **options: Any) -> dict[str, Any]:
    """A rotation's answer after its first step."""
    return world.advance(world.begin(**options)["run_id"])


def test_a_schedule_that_finds_nothing_to_do_ends_without_a_scan(world):
    world.first_keys((ACME, PII), (ACME, PCI))
    answer = prepared(world)
    assert (answer["phase"], answer["verdict"]) == ("done", "nothing_to_do")
    assert {"keys": 2} == answer["counts"]["keys"]


def test_after_an_automatic_or_on_demand_rotation_every_key_is_wrapped_anew_and_stays_the_same_key(world):
    ids = world.first_keys((ACME, PII), (ACME, PCI), ("other", PII))
    before = {pair: world.keyring().active(*pair) for pair in ids}
    sealed = {pair: key.cipher.seal(b"value", b"") for pair, key in before.items()}
    world.service.key_material_id = "material-2"

    answer = prepared(world)

    assert (answer["phase"], answer["verdict"]) == ("done", "rewrapped")
    assert {"keys": 3, "rewrapped": 3} == answer["counts"]["keys"]
    assert {"material-2"} == {row.key_material_id for row in world.store.all_rows()}
    for (tenant_id, data_class), key_id in ids.items():
        key = world.keyring().opener(tenant_id, key_id, expected_class=data_class)
        assert key.cipher.open(sealed[tenant_id, data_class], b"") == b"value"
    assert prepared(world)["verdict"] == "nothing_to_do"


@pytest.mark.parametrize("waits", ["replaced before", "due"])
def test_where_a_key_waits_for_its_end_a_rotation_that_also_rewraps_sweeps(world, waits):
    world.first_keys((ACME, PII), (ACME, PCI))
    if waits == "due":
        world.clock.advance(90 * DAY)
    else:
        replace_active_key(world.store, world.service, ACME, PII)
    world.service.key_material_id = "material-2"

    answer = prepared(world)

    assert (answer["phase"], answer["counts"]["keys"]["decrypt_only"]) == ("sweep", 1)


def test_a_rotation_that_only_rewrapped_and_could_not_rewrap_all_says_so_without_a_scan(world):
    world.first_keys((ACME, PII), ("other", PII))
    world.service.key_material_id = "material-2"
    world.refuse_tenant("other")

    answer = prepared(world)

    assert (answer["phase"], answer["verdict"]) == ("done", "not_prepared")
    assert {"keys": 2, "rewrapped": 1, "failed": 1} == answer["counts"]["keys"]
    [completed] = world.events("rotation.completed")
    assert {"verdict": "not_prepared", "rewrapped": 1, "failed": 1}.items() <= completed.items()
    assert [] == world.events("census.completed")


def test_after_a_move_to_another_kms_key_everything_is_wrapped_under_that_one(world):
    ids = world.first_keys((ACME, PII))
    world.former = frozenset({ATTRIBUTE_KEY_ARN})
    world.service.kms_key_arn, world.service.key_material_id = FORMER_ARN, "other-material"

    assert prepared(world)["counts"]["keys"]["rewrapped"] == 1

    row = world.row(ACME, ids[ACME, PII])
    assert (FORMER_ARN, "other-material") == (row.kms_key_arn, row.key_material_id)
    assert world.keyring().opener(ACME, row.key_id).key_id == row.key_id


@pytest.mark.parametrize("state", [KeyState.DECRYPT_ONLY, KeyState.RETIRED])
def test_keys_that_are_no_longer_active_are_wrapped_anew_too(world, state):
    old = world.first_keys((ACME, PII))[ACME, PII]
    replace_active_key(world.store, world.service, ACME, PII)
    world.store.set_state(ACME, old, state)
    world.service.key_material_id = "material-2"

    assert prepared(world)["counts"]["keys"]["rewrapped"] == 2

    assert (state, "material-2") == (world.row(ACME, old).state, world.row(ACME, old).key_material_id)


def test_a_destroyed_key_is_left_in_its_place(world):
    old = world.first_keys((ACME, PII))[ACME, PII]
    replace_active_key(world.store, world.service, ACME, PII)
    destroyed = replace(world.row(ACME, old), state=KeyState.DESTROYED, encrypted_data_key=b"")
    world.store.put_row(destroyed)
    world.service.key_material_id = "material-2"

    assert prepared(world)["counts"]["keys"]["rewrapped"] == 1

    assert destroyed == world.row(ACME, old)


def test_a_kms_that_tells_no_key_material_leaves_wrappings_as_they_are(world):
    world.first_keys((ACME, PII))
    world.service.key_material_id = ""
    assert prepared(world)["verdict"] == "nothing_to_do"


def test_a_row_that_names_a_kms_key_of_nobody_is_reported_and_the_others_finish(world):
    ids = world.first_keys((ACME, PII), ("other", PII))
    world.store.put_row(replace(world.row(ACME, ids[ACME, PII]), kms_key_arn="arn:aws:kms:eu:9:key/strange"))
    world.service.key_material_id = "material-2"

    answer = prepared(world)

    assert {"keys": 2, "rewrapped": 1, "corrupt": 1} == answer["counts"]["keys"]
    assert "material-2" == world.row("other", ids["other", PII]).key_material_id
    assert len(world.service.rewrapped) == 1


def test_a_class_is_renewed_when_its_days_are_over_and_no_other_is(world):
    ids = world.first_keys((ACME, PII), (ACME, PCI))
    world.clock.advance(90 * DAY - 1)
    assert prepared(world)["verdict"] == "nothing_to_do"
    world.clock.advance(1)

    assert prepared(world)["counts"]["keys"]["renewed"] == 1

    assert ids[ACME, PII] == world.active_id(ACME, PII)
    new = world.row(ACME, world.active_id(ACME, PCI))
    old = world.row(ACME, ids[ACME, PCI])
    assert (KeyState.DECRYPT_ONLY, new.created_at) == (old.state, old.closed_at)
    assert world.keyring().active(ACME, PCI).key_id == new.key_id != old.key_id


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"due": False}, {(ACME, PII), (ACME, PCI), ("other", PII), (SYSTEM_TENANT, QUARANTINE_CLASS)}),
        ({"tenant_id": ACME}, {(ACME, PII), (ACME, PCI)}),
        ({"data_class": PII}, {(ACME, PII), ("other", PII)}),
        ({"tenant_id": ACME, "data_class": PCI}, {(ACME, PCI)}),
        ({"tenant_id": SYSTEM_TENANT}, {(SYSTEM_TENANT, QUARANTINE_CLASS)}),
        ({"data_class": QUARANTINE_CLASS}, {(SYSTEM_TENANT, QUARANTINE_CLASS)}),
        ({"tenant_id": ACME, "due": True}, set()),
    ],
    ids=lambda value: str(sorted(value)),
)
def test_what_is_narrowed_renews_all_that_it_names_whatever_its_age(world, options, expected):
    ids = world.first_keys((ACME, PII), (ACME, PCI), ("other", PII), (SYSTEM_TENANT, QUARANTINE_CLASS))
    prepared(world, **options)
    assert expected == {pair for pair, key_id in ids.items() if key_id != world.active_id(*pair)}


def test_a_compromised_key_is_replaced_and_its_tenant_found(world):
    ids = world.first_keys((ACME, PII), (ACME, PCI), ("other", PII))
    answer = world.begin(key_id=f"{ids[ACME, PCI]:08x}")
    assert answer["scope"] == {"due": False, "tenant_id": ACME, "data_class": "", "key_id": f"{ids[ACME, PCI]:08x}"}

    world.advance(answer["run_id"])

    assert {(ACME, PCI)} == {pair for pair, key_id in ids.items() if key_id != world.active_id(*pair)}


def test_a_compromised_key_that_only_opens_needs_no_successor_and_is_swept(world):
    old = world.first_keys((ACME, PII))[ACME, PII]
    new = replace_active_key(world.store, world.service, ACME, PII)
    answer = prepared(world, key_id=f"{old:08x}")
    assert (answer["phase"], answer["counts"]["keys"]) == ("sweep", {"keys": 2, "decrypt_only": 1})
    assert new == world.active_id(ACME, PII)


@pytest.mark.parametrize("error", [KeyDenied("denied"), KeyServiceUnavailable("throttled or disabled")], ids=str)
def test_a_tenant_whom_kms_refuses_is_reported_and_the_others_finish(world, error):
    ids = world.first_keys((ACME, PII), ("other", PII))
    world.service.key_material_id = "material-2"
    before = world.row(ACME, ids[ACME, PII])
    world.refuse_tenant(ACME, error)

    answer = world.rotate(due=False)

    assert before == world.row(ACME, before.key_id)
    assert world.active_id("other", PII) != ids["other", PII]
    assert {"keys": 2, "rewrapped": 1, "renewed": 1, "decrypt_only": 1, "failed": 1, "retired": 1} == answer["counts"][
        "keys"
    ]
    assert answer["verdict"] == "incomplete"
    left = {"tenant_id": ACME, "key_id": f"{before.key_id:08x}", "why": type(error).__name__, "values": 0}
    assert left in answer["keys_left"]


@pytest.mark.parametrize("error", [KeyDenied("denied"), KeyServiceUnavailable("throttled")])
def test_what_kms_refused_or_left_unanswered_is_counted_by_each_call_for_itself(world, capsys, error):
    world.first_keys(("acme", "pii"), ("globex", "pii"), ("globex", "pci"))
    world.service.key_material_id = "material-2"
    world.refuse_tenant("globex", error)
    run_id = world.begin()["run_id"]
    capsys.readouterr()

    for _ in range(2):
        world.advance(run_id)

    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert [2, 0] == [line["KmsFailures"] for line in lines if "KmsFailures" in line]


def test_where_kms_cannot_even_say_what_it_wraps_with_that_is_counted_too(world, capsys):
    world.first_keys(("acme", "pii"))
    run_id = world.begin()["run_id"]
    world.service.fail_with = KeyServiceUnavailable("down")
    capsys.readouterr()

    with pytest.raises(KeyServiceUnavailable):
        world.advance(run_id)

    assert 1 == json.loads(capsys.readouterr().out)["KmsFailures"]


def test_trouble_alone_is_no_reason_to_scan(world):
    world.first_keys((ACME, PII))
    world.refuse_tenant(ACME)
    assert prepared(world, due=False)["verdict"] == "not_prepared"


def test_a_former_kms_key_that_is_disabled_keeps_no_key_from_being_replaced(world):
    ids = world.first_keys((ACME, PII))
    world.service.key_material_id = "material-2"

    def refuse_old(context):
        if context["key_id"] == f"{ids[ACME, PII]:08x}":
            raise KeyServiceUnavailable("disabled")

    world.service.refuse = refuse_old

    counts = prepared(world, due=False)["counts"]["keys"]

    assert {"keys": 1, "renewed": 1, "decrypt_only": 1, "failed": 1} == counts


def test_an_unreadable_row_is_counted_and_named(world):
    ids = world.first_keys((ACME, PII), ("other", PII))
    world.store.spoil(ACME, ids[ACME, PII])
    world.service.key_material_id = "material-2"
    answer = prepared(world)
    assert (answer["verdict"], answer["counts"]["keys"]["corrupt"]) == ("not_prepared", 1)
    assert [f"key#{ids[ACME, PII]:08x}"] == [key["key_id"] for key in answer["keys_left"]]


def test_an_unreadable_row_may_be_a_key_that_waits_for_its_end_so_it_is_kept(world):
    ids = world.first_keys((ACME, PII), ("other", PII))
    world.store.spoil(ACME, ids[ACME, PII])
    answer = world.rotate(due=False)
    assert (answer["verdict"], answer["counts"]["keys"]["corrupt"]) == ("not_safe", 1)
    assert f"key#{ids[ACME, PII]:08x}" in {key["key_id"] for key in answer["keys_left"]}


def test_a_key_whose_pointer_names_another_is_corrupt_and_the_others_finish(world):
    ids = world.first_keys((ACME, PII), ("other", PII))
    world.store.set_pointer(ACME, PII, 12345)
    answer = prepared(world, due=False)
    assert {"keys": 2, "renewed": 1, "decrypt_only": 1, "corrupt": 1} == answer["counts"]["keys"]
    assert world.row(ACME, ids[ACME, PII]).state is KeyState.ACTIVE


def test_a_lost_race_for_a_wrapping_is_not_an_error(world):
    ids = world.first_keys((ACME, PII))
    world.service.key_material_id = "material-2"
    run_id = world.begin()["run_id"]

    def another_process_is_faster(row):
        world.store.before_replace = lambda row: None
        other = replace(row, encrypted_data_key=b"theirs", key_material_id="material-2", rewrapped_by=run_id)
        assert world.store.replace_row(row, other)

    world.store.before_replace = another_process_is_faster

    answer = world.advance(run_id)

    assert {"keys": 1, "rewrapped": 1} == answer["counts"]["keys"]
    assert b"theirs" == world.row(ACME, ids[ACME, PII]).encrypted_data_key


def test_a_lost_race_for_a_pointer_is_not_an_error(world):
    ids = world.first_keys((ACME, PII))
    run_id = world.begin(due=False)["run_id"]

    def another_process_is_faster():
        world.store.before_create = lambda: None
        world.advance(run_id)

    world.store.before_create = another_process_is_faster

    answer = world.advance(run_id)

    assert {"keys": 1, "renewed": 1, "decrypt_only": 1} == answer["counts"]["keys"]
    assert 2 == len(world.store.all_rows())
    assert world.active_id(ACME, PII) != ids[ACME, PII]
    assert 1 == len({event["event_id"] for event in world.events("key.rotated")})


def test_a_key_that_others_keep_changing_is_a_reason_to_try_again(world):
    world.first_keys((ACME, PII))
    world.service.key_material_id = "material-2"

    def others(row):
        world.store.put_row(
            replace(
                row,
                encrypted_data_key=world.service.rewrap(
                    world.row(ACME, row.key_id).encrypted_data_key, row.kms_key_arn, world.service.generated[0]
                ).encrypted,
            )
        )

    world.store.before_replace = others
    run_id = world.begin()["run_id"]
    with pytest.raises(StoreUnavailable, match="lost 4 races"):
        world.advance(run_id)


def test_one_call_works_for_its_time_and_the_next_goes_on(world, monkeypatch):
    monkeypatch.setattr("consumers.rotation.pages.PAGE_ROWS", 2)
    ids = world.first_keys(*[(f"tenant-{number}", PII) for number in range(5)])
    world.service.key_material_id = "material-2"
    world.seconds_left = lambda: 1.0
    run_id = world.begin()["run_id"]

    answers = [world.advance(run_id) for _ in range(3)]

    assert ["prepare", "prepare", "done"] == [answer["phase"] for answer in answers]
    assert [2, 4, 5] == [answer["counts"]["keys"]["rewrapped"] for answer in answers]
    assert len(ids) == len(world.service.rewrapped)
    run = world.runs.load(run_id)
    assert (Phase.DONE, "") == (run.phase, run.cursor)


def test_the_events_say_what_was_done_to_which_key_by_which_run(world):
    ids = world.first_keys((ACME, PII))
    world.service.key_material_id = "material-2"
    run_id = world.begin(due=False)["run_id"]
    world.advance(run_id)
    old, new = f"{ids[ACME, PII]:08x}", f"{world.active_id(ACME, PII):08x}"
    same = {"tenant_id": ACME, "data_class": PII, "run_id": run_id}
    [started], [rewrapped], [rotated] = (
        world.events(name) for name in ("rotation.started", "key.rewrapped", "key.rotated")
    )
    assert {"run_id": run_id, "kind": "rotation"}.items() <= started.items()
    assert {**same, "key_id": old, "key_material_id": "material-2"}.items() <= rewrapped.items()
    assert {**same, "key_id": new, "replaces": old}.items() <= rotated.items()


def test_a_key_that_was_replaced_shortly_before_the_run_is_none_that_it_replaced(world):
    first = world.first_keys((ACME, PII))[ACME, PII]
    second = replace_active_key(world.store, world.service, ACME, PII, created_at=world.clock.wall())
    world.clock.advance(10)

    answer = prepared(world, due=False)

    assert {"keys": 2, "renewed": 1, "decrypt_only": 2} == answer["counts"]["keys"]
    assert [f"{second:08x}"] == [event["replaces"] for event in world.events("key.rotated")]
    assert KeyState.DECRYPT_ONLY is world.row(ACME, first).state


def test_a_row_that_vanishes_meanwhile_is_corrupt_and_the_others_finish(world):
    ids = world.first_keys((ACME, PII), ("other", PII))
    world.service.key_material_id = "material-2"
    world.store.before_replace = lambda row: world.store.remove(ACME, ids[ACME, PII])
    assert {"keys": 2, "rewrapped": 1, "corrupt": 1} == prepared(world)["counts"]["keys"]


def test_an_outage_at_one_key_ends_the_step_only_once_nobody_is_at_work_on_any_other(world):
    """Frozen with the invocation and thawed much later, a thread would put a key in place with a time long past."""
    world.first_keys((ACME, PII), ("other", PII))
    run_id = world.begin(due=False)["run_id"]
    fails, is_over, created = Event(), Event(), []

    def before_create() -> None:
        if not fails.is_set():
            fails.set()
            raise StoreUnavailable("down")
        is_over.wait(0.2)
        created.append(world.clock.wall())

    def one_after_the_other(context: EncryptionContext) -> None:
        if context["tenant_id"] == "other":
            assert fails.wait(10)

    world.store.before_create, world.service.refuse = before_create, one_after_the_other
    with ThreadPoolExecutor(2) as world.pool:
        with pytest.raises(StoreUnavailable):
            world.advance(run_id)
        assert 1 == len(created)
        is_over.set()


def test_a_new_key_that_took_too_long_to_make_is_made_again_since_the_barrier_counts_from_its_time(world):
    ids = world.first_keys((ACME, PII))
    slow = [3_600.0, MAKING_SECONDS + 1]
    world.service.refuse = lambda context: world.clock.advance(slow.pop() if slow else MAKING_SECONDS - 1)
    began = world.clock.wall()

    assert 1 == prepared(world, due=False)["counts"]["keys"]["renewed"]

    closed_at = world.row(ACME, ids[ACME, PII]).closed_at
    assert began + 3_600 + MAKING_SECONDS + 1 == closed_at
    assert closed_at == world.row(ACME, world.active_id(ACME, PII)).created_at


def test_a_key_that_is_always_too_slow_to_make_is_told_and_the_old_one_stays(world):
    ids = world.first_keys((ACME, PII))
    world.service.refuse = lambda context: world.clock.advance(MAKING_SECONDS + 1)

    answer = prepared(world, due=False)

    assert {"keys": 1, "failed": 1} == answer["counts"]["keys"]
    assert ["KeyServiceUnavailable"] == [one["why"] for one in answer["keys_left"]]
    assert ids[ACME, PII] == world.active_id(ACME, PII)
