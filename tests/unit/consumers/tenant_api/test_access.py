"""Who may do what: the verified claim decides whose items, scopes and roles decide how much of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumers.tenant_api.contract import operations
from shared.errors import KeyServiceUnavailable, StoreUnavailable
from shared.model import KeyState, SealedItem
from tests.fakes.tenant_api import EVERYTHING, REQUEST_ID, ApiWorld

LIMITED = {"tenant_id": "acme", "scope": "items.read items.write"}
BODY = {"amount": 1, "name": "Ann", "secret": "x"}


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


@pytest.mark.parametrize("route", [route for route in operations() if "tenant" in route])
def test_another_tenant_in_the_path_is_refused_and_told_of(world, route):
    answer = world.call(route, tenant_id="other", item_id="canary", body={"name": "canary"})

    assert (403, "tenant-mismatch") == (answer.status, answer.problem)
    (event,) = world.audit_events()
    assert {
        "event": "access.denied",
        "event_id": event["event_id"],
        "at": "2023-11-14T22:13:20.000Z",
        "tenant_id": "acme",
        "asked_tenant_id": "other",
        "operation": operations()[route].name,
        "why": "tenant-mismatch",
        "request_id": REQUEST_ID,
    } == event
    assert "canary" not in answer.text
    assert {} == world.table.items
    assert {} == world.sessions


def test_who_is_refused_while_that_cannot_be_told_learns_only_that_it_is_not_available(world):
    world.kept.down = True
    answer = world.get(tenant_id="other")
    assert (503, "unavailable") == (answer.status, answer.problem)

    world.kept.down = False
    assert 404 == world.get().status
    assert ["access.denied"] == [event["event"] for event in world.audit_events()], "told with what comes next"


@pytest.mark.parametrize(
    "asked",
    [
        "_system",
        "acme/../other",
        "acme ",
        "ACME",
        "acm\N{CYRILLIC SMALL LETTER IE}",
        "acme\n",
        "x" * 2_048,
        "a:b",
        "%2e",
    ],
)
def test_what_can_be_no_tenants_name_is_refused_and_not_repeated(world, asked):
    answer = world.get(tenant_id=asked)

    assert (403, "tenant-mismatch") == (answer.status, answer.problem)
    (event,) = world.audit_events()
    assert (None if asked != "ACME" else "ACME") == event.get("asked_tenant_id")


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"tenant_id": "_system"},
        {"tenant_id": ""},
        {"tenant_id": "[acme other]"},
        {"tenant_id": "acme\n"},
        {"tenant": "acme"},
        {"sub": "acme"},
    ],
)
def test_a_token_without_a_tenant_opens_nothing(world, claims):
    answer = world.get(claims={"scope": EVERYTHING, **claims})

    assert (403, "tenant-missing") == (answer.status, answer.problem)
    (event,) = world.audit_events()
    assert "tenant_id" not in event


def test_a_request_that_no_authorizer_saw_opens_nothing(world):
    request = {
        "routeKey": "GET /tenants/{tenant_id}/items/{item_id}",
        "pathParameters": {"tenant_id": "acme", "item_id": "c-1"},
        "headers": {"authorization": "Bearer e30.e30.", "x-tenant-id": "acme"},
        "requestContext": {"requestId": "r"},
    }

    assert "tenant-missing" == world.receive(request).problem


@pytest.mark.parametrize(
    ("method", "scope", "granted"),
    [
        ("get", "items.read", True),
        ("get", "items.write", False),
        ("put", "items.write", True),
        ("put", "items.read classes.all", False),
        ("delete", "items.read", False),
        ("get", "items.reads xitems.read", False),
        ("get", "", False),
    ],
)
def test_each_operation_needs_its_scope(world, method, scope, granted):
    claims = {"tenant_id": "acme", "scope": scope}

    answer = world.put({"amount": 1}, claims=claims) if method == "put" else getattr(world, method)(claims=claims)

    assert granted == (answer.status != 403)
    assert granted or answer.problem == "scope-missing"


@pytest.mark.parametrize("claims", [{"scp": "[items.read items.write]"}, {"scope": "items.read,items.write"}])
def test_scopes_are_read_as_other_issuers_write_them(world, claims):
    assert 201 == world.put({"amount": 1}, claims={"tenant_id": "acme", **claims}).status


def test_what_a_limited_caller_may_not_open_comes_with_its_class(world):
    world.put(BODY)

    got = world.get(claims=LIMITED)

    assert (200, {**BODY, "secret": {"_sealed": "restricted"}}) == (got.status, got.json["attributes"])
    listed = world.call("GET /tenants/{tenant_id}/items", claims=LIMITED).json["items"]
    assert [got.json] == listed


def test_kms_is_not_asked_again_and_again_for_what_it_denied(world):
    for item_id in "abc":
        world.put(BODY, item_id)

    for _ in range(3):
        world.get("a", claims=LIMITED)
        world.call("GET /tenants/{tenant_id}/items", claims=LIMITED, query={"limit": "1"})
        world.put({"name": "Bob"}, "a", claims=LIMITED)
    assert ["restricted"] == world.denials

    world.clock.advance(61)
    world.get("a", claims=LIMITED)
    assert ["restricted"] * 2 == world.denials


def test_what_he_got_cannot_be_sent_back_nor_anything_else_in_its_place(world):
    world.put(BODY)
    seen = world.get(claims=LIMITED).json["attributes"]

    assert (422, "invalid-item") == ((marked := world.put(seen, claims=LIMITED)).status, marked.problem)
    for answer in (world.put({"name": "Bob"}, claims=LIMITED), world.delete(claims=LIMITED)):
        assert (403, "classes-closed", ["restricted"]) == (answer.status, answer.problem, answer.json["data_classes"])
    assert BODY == world.get().json["attributes"]


def test_a_limited_caller_writes_items_of_the_classes_that_he_opens(world):
    assert 201 == world.put({"name": "Ann"}, claims=LIMITED).status
    assert 200 == world.put({"name": "Bob"}, claims=LIMITED).status
    assert 204 == world.delete(claims=LIMITED).status
    assert 201 == world.put({"name": "Cy"}, claims=LIMITED).status


def test_a_limited_caller_cannot_seal_under_another_class(world):
    answer = world.put({"secret": "x"}, claims=LIMITED)

    assert (403, "classes-closed", ["restricted"]) == (answer.status, answer.problem, answer.json["data_classes"])
    assert {} == world.table.items


def test_missing_keys_are_made_once_by_the_function_that_may(world):
    world.put(BODY)
    world.put(BODY)
    world.put({"secret": "x"}, "c-2")

    assert [("acme", ["pii", "restricted"])] == world.ensured
    world.put({"name": "x"}, tenant_id="other", claims={"tenant_id": "other", "scope": EVERYTHING})
    assert [("other", ["pii"])] == world.ensured[1:]


def test_a_process_has_the_policy_published_before_it_seals_for_the_first_time(world):
    world.put(BODY)
    world.restart()

    world.get()
    assert 1 == len(world.ensured)
    for _ in range(2):
        world.delete()
    assert [("acme", [])] == world.ensured[1:]


def test_where_no_keys_can_be_made_nothing_is_written(world):
    def fails() -> None:
        raise StoreUnavailable("data keys of tenant acme: ensure-keys failed")

    world.before_ensure = fails

    assert "unavailable" == world.put(BODY).problem
    assert {} == world.table.items
    world.before_ensure = lambda: None
    assert 201 == world.put(BODY).status


def test_where_keys_stay_missing_the_caller_is_told_to_try_again(world):
    world.ensures = False

    assert (503, "unavailable") == ((answer := world.put(BODY)).status, answer.problem)


def spoil_key(world: ApiWorld, how: str) -> None:
    """Do something to the key of the class that a limited caller may not open."""
    [row] = [row for row in world.store._rows.values() if row.data_class == "restricted"]
    changed = {
        "retired": replace(row, state=KeyState.RETIRED),
        "unknown": replace(row, key_id=row.key_id ^ 1),
        "untrusted": replace(row, kms_key_arn="arn:aws:kms:eu-central-1:111122223333:key/another"),
        "destroyed": replace(row, state=KeyState.DESTROYED, encrypted_data_key=b""),
    }
    world.store._rows.pop(("acme", row.key_id))
    world.store.put_row(changed[how])
    world.restart()


@pytest.mark.parametrize("how", ["retired", "unknown", "untrusted"])
@pytest.mark.parametrize("scope", [EVERYTHING, LIMITED["scope"]])
def test_what_may_be_read_again_one_day_is_replaced_by_nobody(world, how, scope):
    world.put(BODY)
    stored = world.table.items["acme", "c-1"]
    spoil_key(world, how)
    claims = {"tenant_id": "acme", "scope": scope}

    for answer in (world.put({"name": "Bob"}, claims=claims), world.delete(claims=claims)):
        assert (409, "unreadable") == (answer.status, answer.problem)
    assert stored == world.table.items["acme", "c-1"]


@pytest.mark.parametrize(
    ("how", "why"), [("retired", "key_retired"), ("unknown", "key_unknown"), ("untrusted", "key_corrupt")]
)
def test_one_key_that_is_not_sound_hides_neither_its_item_nor_the_list(world, how, why):
    world.put(BODY)
    world.put({"amount": 2}, "c-2")
    spoil_key(world, how)

    listed = world.call("GET /tenants/{tenant_id}/items")

    assert 200 == listed.status
    assert [{**BODY, "secret": {"_unreadable": why}}, {"amount": 2}] == [
        one["attributes"] for one in listed.json["items"]
    ]


def test_what_lies_under_a_destroyed_key_is_gone_and_may_be_replaced(world):
    world.put(BODY)
    spoil_key(world, "destroyed")

    assert {"_unreadable": "key_destroyed"} == world.get().json["attributes"]["secret"]
    assert 200 == world.put({"name": "Bob"}, claims=LIMITED).status


@pytest.mark.parametrize("value", [{"S": "in clear"}, {"M": {"deep": {"S": "x"}}}, {"B": b"no envelope"}])
def test_a_limited_caller_replaces_nothing_of_another_class_that_stands_in_clear(world, value):
    world.table.write("acme", "c-1", secret=value, amount={"N": "1"})

    for answer in (world.put({"amount": 2}, claims=LIMITED), world.delete(claims=LIMITED)):
        assert (403, "classes-closed", ["restricted"]) == (answer.status, answer.problem, answer.json["data_classes"])
    assert 200 == world.put({"amount": 2}).status


@pytest.mark.parametrize("behind_seconds", [0, 0.02])
def test_what_came_in_the_place_of_an_item_of_nobody_knows_whom_is_not_overwritten_unseen(world, behind_seconds):
    world.table.write("acme", "c-1", amount={"N": "1"})

    def another_process(_: SealedItem) -> None:
        world.table.before_put = lambda _: None
        world.clock.advance(-behind_seconds)
        assert 200 == world.put(BODY).status
        world.clock.advance(behind_seconds)

    world.table.before_put = another_process

    assert "classes-closed" == world.put({"amount": 2}, claims=LIMITED).problem
    assert BODY == world.get().json["attributes"]


def test_a_limited_caller_replaces_what_stands_in_clear_of_a_class_that_he_opens(world):
    world.table.write("acme", "c-1", name={"S": "Ann"})

    assert 200 == world.put({"name": "Bob"}, claims=LIMITED).status


def test_a_limited_caller_replaces_no_damaged_value_in_the_place_of_another_class(world):
    world.put({"name": "Ann"})
    item = world.table.items["acme", "c-1"]
    world.table.items["acme", "c-1"] = {**item, "secret": item["name"]}

    assert "classes-closed" == world.put({"name": "Bob"}, claims=LIMITED).problem


def test_a_tenants_name_that_looks_sensitive_is_not_told(world):
    world.get(tenant_id="4111111111111111")

    assert world.audit_events()[0]["asked_tenant_id"].startswith("sha256:")


def test_an_outage_of_kms_is_no_closed_class(world):
    world.put(BODY)
    world.restart()
    world.ensures = False
    world.kms.fail_with = KeyServiceUnavailable("KMS Decrypt: KMSInternalException")

    for answer in (world.put(BODY), world.put(BODY, "c-2"), world.get(), world.delete()):
        assert (503, "unavailable") == (answer.status, answer.problem)


def test_a_damaged_value_says_so_and_can_be_replaced_by_who_opens_its_class(world):
    world.put(BODY)
    world.table.items["acme", "c-1"]["secret"] = world.table.items["acme", "c-1"]["name"]

    assert {**BODY, "secret": {"_unreadable": "does_not_open"}} == world.get().json["attributes"]
    assert 200 == world.put(BODY).status


def test_another_tenants_ciphertext_in_ones_own_item_does_not_open(world):
    world.put(BODY)
    world.put(BODY, tenant_id="other", claims={"tenant_id": "other", "scope": EVERYTHING})
    world.table.items["other", "c-1"]["name"] = world.table.items["acme", "c-1"]["name"]

    got = world.get(tenant_id="other", claims={"tenant_id": "other", "scope": EVERYTHING})

    assert {"_unreadable": "key_unknown"} == got.json["attributes"]["name"]


def test_each_tenant_and_role_has_a_session_of_its_own(world):
    other = {"tenant_id": "other", "scope": EVERYTHING}
    world.put(BODY)
    world.get(claims=LIMITED)
    world.get(tenant_id="other", claims=other)

    sessions = list(world.sessions.values())
    assert 3 == len(sessions) == len({id(one.keyring) for one in sessions}) == len({id(one.table) for one in sessions})
    assert ["acme", "acme", "other"] == [one.tenant_id for one in sessions]


def test_whose_token_it_is_comes_before_what_it_may(world):
    answer = world.put({"amount": 1}, tenant_id="other", claims={"tenant_id": "acme", "scope": "items.read"})

    assert "tenant-mismatch" == answer.problem
    assert ["tenant-mismatch"] == [event["why"] for event in world.audit_events()]
