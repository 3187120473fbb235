"""Keys end only as far as a census allows, and every key that is kept is named with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumers.rotation.prepare import example_of_unreadable
from shared.errors import KeyDestroyed, KeyRetired, RunRefused, StoreUnavailable
from shared.keys.barrier import BARRIER_SECONDS
from shared.keys.rotation.decide import DESTRUCTION_SECONDS, Obstacle
from shared.keys.rotation.ports import UnreadableRow
from shared.model import KeyState
from shared.runs.model import Example, Phase, Tally
from tests.fakes.rotation import replace_active_key
from tests.fakes.rotation_world import World

ACME, PII, PCI = "acme", "pii", "pci"


def named(world: World, tenant_id: str, key_id: int, values: int = 3) -> Tally:
    """A census that found values under this key."""
    return Tally({"visited": 9, "stale_values": values}, {f"{tenant_id}/{key_id:08x}": values})


@pytest.fixture
def old(world) -> int:
    """The first key of acme and pii."""
    return world.first_keys((ACME, PII))[ACME, PII]


def retired(world: World, old: int) -> int:
    """The key, retired by a whole rotation."""
    assert world.rotate(due=False)["verdict"] == "retired"
    return old


def test_a_replaced_key_is_retired_after_an_empty_census(world, old):
    answer = world.rotate(due=False)

    row = world.row(ACME, old)
    assert (answer["verdict"], answer["counts"]["keys"]["retired"]) == ("retired", 1)
    assert (KeyState.RETIRED, answer["run_id"], world.clock.wall()) == (row.state, row.state_set_by, row.state_set_at)
    with pytest.raises(KeyRetired):
        world.keyring().opener(ACME, old)
    assert world.keyring(opens_retired=True).opener(ACME, old).key_id == old


def test_a_key_that_the_census_met_is_kept_and_named_with_what_holds_it(world, old):
    example = Example(ACME, "i-1", "ssn", "sealed under a data key that is not active")
    census = replace(named(world, ACME, old), examples=(example,))

    answer = world.rotate(due=False, census=lambda: census)

    assert (answer["verdict"], world.row(ACME, old).state) == ("not_safe", KeyState.DECRYPT_ONLY)
    kept = {"tenant_id": ACME, "key_id": f"{old:08x}", "why": Obstacle.REFERENCED.value, "values": 3}
    assert [kept] == answer["keys_left"]
    assert [{"tenant_id": ACME, "item_id": "i-1", "where": "ssn", "why": example.why}] == answer["examples"]
    assert answer["counts"]["census"] == {"visited": 9, "stale_values": 3}


def test_of_two_keys_the_one_without_values_is_retired(world, old):
    other = world.first_keys((ACME, PCI))[ACME, PCI]
    answer = world.rotate(due=False, census=lambda: named(world, ACME, other))
    assert (answer["verdict"], answer["counts"]["keys"]["retired"], answer["counts"]["keys"]["kept"]) == (
        "not_safe",
        1,
        1,
    )
    assert (KeyState.RETIRED, KeyState.DECRYPT_ONLY) == (world.row(ACME, old).state, world.row(ACME, other).state)


def test_a_census_that_could_not_name_all_keys_retires_none(world, old):
    answer = world.rotate(due=False, census=lambda: Tally(keys_overflow=True))
    assert (answer["verdict"], answer["keys_left"][0]["why"]) == ("not_safe", Obstacle.NOT_ALL_COUNTED.value)
    assert world.row(ACME, old).state is KeyState.DECRYPT_ONLY


def test_a_rotation_that_is_asked_not_to_retire_says_that_it_would_be_safe(world, old):
    answer = world.rotate(due=False, retire=False)
    assert (answer["verdict"], answer["counts"]["keys"]["to_retire"]) == ("safe_to_retire", 1)
    assert (KeyState.DECRYPT_ONLY, []) == (world.row(ACME, old).state, world.events("key.retired"))
    assert world.rotate(kind="retirement")["verdict"] == "retired"


def test_the_census_waits_for_the_barrier_after_the_last_key_was_closed(world, old):
    run_id = world.begin(due=False)["run_id"]
    world.advance(run_id)
    closed_at = world.row(ACME, old).closed_at
    assert closed_at is not None
    world.clock.advance(100)
    world.scanned(run_id, Phase.SWEEP)

    answer = world.advance(run_id)
    assert (answer["phase"], answer["wait_seconds"]) == ("barrier", BARRIER_SECONDS - 100)
    assert answer["wait_until"] == "2023-11-14T22:51:20Z"

    world.clock.advance(answer["wait_seconds"] - 0.5)
    assert world.advance(run_id)["phase"] == "barrier"
    world.clock.advance(0.5)
    answer = world.advance(run_id)
    assert (answer["phase"], answer["segments"]) == ("census", list(range(5)))
    assert closed_at + BARRIER_SECONDS <= world.runs.load(run_id).census_at


def test_a_sweep_or_census_is_over_when_every_segment_is_done(world, old):
    run_id = world.begin(due=False, segments=2)["run_id"]
    assert world.advance(run_id)["segments"] == [0, 1, 2]
    for number in (2, 0):
        world.runs.save_segment(replace(world.runs.segment(run_id, Phase.SWEEP, number), done=True))
    world.runs.save_segment(replace(world.runs.segment(run_id, Phase.SWEEP, 1), cursor="on"))
    answer = world.advance(run_id)
    assert (answer["phase"], answer["segments"]) == ("sweep", [1])


def test_a_key_that_was_reopened_during_the_run_waits_for_the_next_census(world, old):
    retired(world, old)
    replace_active_key(world.store, world.service, ACME, PII, created_at=world.clock.wall())
    run_id = world.begin("retirement")["run_id"]
    world.scanned(run_id, Phase.SWEEP)
    answer = world.advance(run_id)
    world.clock.advance(answer["wait_seconds"])
    assert world.advance(run_id)["phase"] == "census"

    world.reopen(ACME, old)
    answer = world.drive(run_id)

    kept = {"tenant_id": ACME, "key_id": f"{old:08x}", "why": Obstacle.TOO_RECENT.value, "values": 0}
    assert (answer["verdict"], answer["keys_left"]) == ("not_safe", [kept])
    assert world.rotate(kind="retirement")["verdict"] == "retired"


def test_a_key_that_is_reopened_between_decision_and_write_is_decided_on_anew(world, old):
    retired(world, old)
    world.reopen(ACME, old)
    run_id = world.begin("retirement")["run_id"]

    def somebody_reopens(row):
        world.store.before_replace = lambda row: None
        now = world.clock.wall()
        assert world.store.replace_row(row, replace(row, closed_at=now, state=KeyState.RETIRED))
        world.reopen(ACME, old)

    world.store.before_replace = somebody_reopens
    answer = world.drive(run_id)
    assert (answer["verdict"], answer["keys_left"][0]["why"]) == ("not_safe", Obstacle.TOO_RECENT.value)


def test_a_closed_key_that_the_pointer_names_is_kept_and_the_others_end(world, old):
    other = world.first_keys((ACME, PCI))[ACME, PCI]
    run_id = world.begin(due=False)["run_id"]
    world.advance(run_id)
    world.store.set_pointer(ACME, PII, old)
    answer = world.drive(run_id)
    assert (answer["verdict"], answer["keys_left"][0]["why"]) == ("not_safe", "KeyStoreCorrupt")
    assert (KeyState.DECRYPT_ONLY, KeyState.RETIRED) == (world.row(ACME, old).state, world.row(ACME, other).state)


def test_a_closed_key_of_which_nobody_knows_since_when_is_kept(world, old):
    replace_active_key(world.store, world.service, ACME, PII)
    world.store.put_row(replace(world.row(ACME, old), closed_at=None))
    answer = world.rotate(kind="retirement")
    assert (answer["verdict"], answer["keys_left"][0]["why"]) == ("not_safe", Obstacle.TIME_UNKNOWN.value)


def test_a_key_that_others_keep_changing_is_a_reason_to_try_again(world, old):
    world.is_local = True

    def others(row):
        world.store.put_row(replace(row, closed_at=(row.closed_at or 0.0) - 1))

    run_id = world.begin(due=False, barrier_seconds=0)["run_id"]
    for phase in (Phase.SWEEP, Phase.CENSUS):
        world.advance(run_id)
        world.scanned(run_id, phase)
    world.store.before_replace = others
    with pytest.raises(StoreUnavailable, match="lost 4 races"):
        world.advance(run_id)


def test_a_retirement_without_a_waiting_key_sweeps_and_has_nothing_to_retire(world, old):
    run_id = world.begin(kind="retirement")["run_id"]
    answer = world.advance(run_id)
    assert ("sweep", True) == (answer["phase"], bool(answer["segments"]))
    assert world.drive(run_id)["verdict"] == "nothing_to_retire"


@pytest.mark.parametrize("kind", ["adoption", "survey"])
@pytest.mark.parametrize(("clear", "verdict"), [(0, "nothing_in_clear"), (2, "in_clear")])
def test_adoption_and_survey_say_whether_anything_stands_in_clear(world, old, kind, clear, verdict):
    answer = world.rotate(kind=kind, census=lambda: Tally({"visited": 5, "clear_values": clear}))
    assert (answer["verdict"], answer["counts"]["census"]["clear_values"]) == (verdict, clear)
    assert world.row(ACME, old).state is KeyState.ACTIVE


def test_a_key_that_was_retired_a_day_ago_is_destroyed_and_keeps_its_place(world, old):
    retired(world, old)
    world.clock.advance(DESTRUCTION_SECONDS)
    world.history.earliest = world.clock.wall()

    answer = world.rotate(kind="destruction")

    row = world.row(ACME, old)
    assert (answer["verdict"], answer["counts"]["keys"]["destroyed"]) == ("destroyed", 1)
    assert (KeyState.DESTROYED, b"", answer["run_id"]) == (row.state, row.encrypted_data_key, row.state_set_by)
    with pytest.raises(KeyDestroyed):
        world.keyring(opens_retired=True).opener(ACME, old)


@pytest.mark.parametrize(
    ("waited", "census", "earliest", "why"),
    [
        (DESTRUCTION_SECONDS - 1, False, None, Obstacle.TOO_RECENT),
        (DESTRUCTION_SECONDS, True, None, Obstacle.REFERENCED),
        (DESTRUCTION_SECONDS, False, 0.0, Obstacle.BACKED_UP),
    ],
    ids=str,
)
def test_a_key_that_may_still_be_needed_is_not_destroyed(world, old, waited, census, earliest, why):
    retired(world, old)
    world.clock.advance(waited)
    world.history.earliest = earliest

    answer = world.rotate(kind="destruction", census=lambda: named(world, ACME, old) if census else Tally())

    assert (answer["verdict"], answer["keys_left"][0]["why"]) == ("not_destroyed", why.value)
    assert (KeyState.RETIRED, True) == (world.row(ACME, old).state, bool(world.row(ACME, old).encrypted_data_key))


def test_backups_can_be_abandoned(world, old):
    retired(world, old)
    world.clock.advance(DESTRUCTION_SECONDS)
    world.history.earliest = 0.0
    assert world.rotate(kind="destruction", abandon_backups=True)["verdict"] == "destroyed"
    assert world.history.asked == 0


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ({"tenant_id": "other"}, "nothing_to_destroy"),
        ({"data_class": PCI}, "nothing_to_destroy"),
        ({"tenant_id": ACME, "data_class": PII}, "destroyed"),
        ({"retire": False}, "safe_to_destroy"),
    ],
    ids=str,
)
def test_only_retired_keys_of_the_scope_are_destroyed(world, old, options, verdict):
    retired(world, old)
    world.first_keys(("other", PCI))
    world.clock.advance(DESTRUCTION_SECONDS)
    active = world.row(ACME, world.active_id(ACME, PII))
    assert world.rotate(kind="destruction", **options)["verdict"] == verdict
    assert (verdict == "destroyed") is (world.row(ACME, old).state is KeyState.DESTROYED)
    assert active == world.row(ACME, active.key_id)


def test_one_key_alone_is_destroyed(world, old):
    other = world.first_keys((ACME, PCI))[ACME, PCI]
    retired(world, old)
    world.clock.advance(DESTRUCTION_SECONDS)
    assert world.rotate(kind="destruction", key_id=f"{other:08x}")["verdict"] == "destroyed"
    assert (KeyState.RETIRED, KeyState.DESTROYED) == (world.row(ACME, old).state, world.row(ACME, other).state)


@pytest.mark.parametrize(
    ("scope", "verdict"),
    [
        ({"tenant_id": ACME}, "destroyed"),
        ({"tenant_id": ACME, "data_class": PII}, "destroyed"),
        ({"key_id": ""}, "destroyed"),
        ({"data_class": PII}, "not_destroyed"),
        ({}, "not_destroyed"),
    ],
    ids=str,
)
def test_a_row_that_cannot_be_read_concerns_a_destruction_only_where_it_may_be_in_its_scope(world, old, scope, verdict):
    spoiled = world.first_keys(("other", PII))["other", PII]
    retired(world, old)
    world.store.spoil("other", spoiled)
    world.clock.advance(DESTRUCTION_SECONDS)

    answer = world.rotate(kind="destruction", **scope | ({"key_id": f"{old:08x}"} if "key_id" in scope else {}))

    assert (verdict, KeyState.DESTROYED) == (answer["verdict"], world.row(ACME, old).state)
    assert (verdict == "destroyed") is (answer["keys_left"] == [])


def test_a_named_key_whose_row_cannot_be_read_is_kept_and_told_and_anothers_is_not(world, old):
    other = world.first_keys((ACME, PCI))[ACME, PCI]
    retired(world, old)
    world.store.spoil(ACME, old)
    world.clock.advance(DESTRUCTION_SECONDS)
    named_key = {"tenant_id": ACME, "key_id": f"{old:08x}"}

    assert "not_destroyed" == world.rotate(kind="destruction", **named_key)["verdict"]
    assert "destroyed" == world.rotate(kind="destruction", tenant_id=ACME, key_id=f"{other:08x}")["verdict"]


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_named_key_that_is_not_retired_is_kept_and_told(world, old, is_replaced):
    world.first_keys((ACME, PCI))
    if is_replaced:
        replace_active_key(world.store, world.service, ACME, PII, created_at=world.clock.wall())
    before = world.store.all_rows()

    answer = world.rotate(kind="destruction", key_id=f"{old:08x}")

    kept = {"tenant_id": ACME, "key_id": f"{old:08x}", "why": Obstacle.NOT_RETIRED.value, "values": 0}
    assert ("not_destroyed", [kept]) == (answer["verdict"], answer["keys_left"])
    assert before == world.store.all_rows()


def test_a_named_key_that_is_destroyed_already_is_what_was_asked_for(world, old):
    retired(world, old)
    world.clock.advance(DESTRUCTION_SECONDS)
    assert "destroyed" == world.rotate(kind="destruction")["verdict"]
    assert "nothing_to_destroy" == world.rotate(kind="destruction", key_id=f"{old:08x}")["verdict"]


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({"operation": "advance", "run_id": "ab" * 16}, "no run of this id"),
        ({"operation": "advance", "run_id": "ab"}, "'run_id' must be"),
        ({"operation": "advance"}, "'run_id' must be"),
        ({"operation": "reopen", "tenant_id": ACME, "key_id": "00000001"}, "one of: begin, advance, cancel"),
        ({}, "one of: begin, advance, cancel"),
    ],
    ids=str,
)
def test_what_there_is_not_is_refused(world, event, says):
    with pytest.raises(RunRefused, match=says):
        world.rotation.run(event, world.seconds_left)


def test_a_run_that_is_done_answers_the_same_again(world, old):
    answer = world.rotate(due=False, census=lambda: named(world, ACME, old))
    assert answer == world.advance(answer["run_id"])


def test_the_verdict_and_its_figures_are_events(world, old, capsys):
    census = Tally({"visited": 7, "sealed_values": 20, "left": 1})
    run_id = world.begin(due=False)["run_id"]
    world.drive(
        run_id, census=lambda: census, sweep=lambda: Tally({"visited": 7, "mended": 5, "reencrypted_values": 15})
    )
    [counted], [completed] = world.events("census.completed"), world.events("rotation.completed")
    same = {"run_id": run_id, "kind": "rotation", "verdict": "retired"}
    assert {**same, "visited": 7, "sealed_values": 20, "clear_values": 0}.items() <= counted.items()
    figures = {"renewed": 1, "retired": 1, "kept": 0, "failed": 0, "mended": 5, "reencrypted_values": 15, "left": 0}
    assert {**same, **figures}.items() <= completed.items()
    assert '"KeysRetired":1' in capsys.readouterr().out


def test_many_keys_end_page_by_page_and_the_next_call_goes_on(world, monkeypatch):
    monkeypatch.setattr("consumers.rotation.pages.PAGE_ROWS", 3)
    ids = world.first_keys(*[(f"tenant-{number}", PII) for number in range(4)])
    world.seconds_left = lambda: 1.0

    answer = world.rotate(due=False)

    assert (answer["verdict"], answer["counts"]["keys"]["retired"]) == ("retired", 4)
    assert {KeyState.RETIRED} == {world.row(*one).state for one in ((pair[0], key) for pair, key in ids.items())}


def test_a_tenants_name_that_looks_sensitive_is_in_no_event_and_no_answer(world):
    tenant_id = "219-09-9999"
    ids = world.first_keys((tenant_id, PII), (tenant_id, PCI))
    world.service.key_material_id = "material-2"
    census = named(world, tenant_id, ids[tenant_id, PCI])
    run_id = world.begin(due=False, tenant_id=tenant_id)["run_id"]

    answer = world.drive(run_id, census=lambda: census)
    world.reopen(tenant_id, ids[tenant_id, PII])
    again = world.rotate(kind="retirement")
    world.clock.advance(DESTRUCTION_SECONDS)
    destroyed = world.rotate(kind="destruction", tenant_id=tenant_id)
    world.refuse_tenant(tenant_id)
    world.service.key_material_id = "material-3"
    failed = world.rotate()

    told = {event["event"] for event in world.events() if event.get("tenant_id", "").startswith("sha256:")}
    assert {"key.rotated", "key.rewrapped", "key.retired", "key.reopened", "key.destroyed", "rotation.started"} == told
    [kept] = answer["keys_left"]
    assert (f"{ids[tenant_id, PCI]:08x}", 3) == (kept["key_id"], kept["values"])
    assert failed["keys_left"]
    assert "219-09" not in world.log.getvalue() + repr([answer, again, destroyed, failed])


def test_the_name_of_a_row_that_cannot_be_read_is_shown_only_where_it_may_be():
    row = UnreadableRow("219-09-9999", "key#219-09-9999")
    assert "219-09" not in repr(example_of_unreadable(row))
    assert "key#0123abcd" == example_of_unreadable(UnreadableRow("acme", "key#0123abcd")).item_id
