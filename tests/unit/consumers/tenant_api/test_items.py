"""Items through the API: what is put comes back, and nothing is overwritten unseen."""

from __future__ import annotations

import json

import pytest

from shared.errors import StoreDenied, StoreUnavailable
from shared.model import SealedItem
from shared.source_position import FOUND, SourcePosition, counter_position, kinesis_position, time_position
from tests.fakes.tenant_api import POLICY, ApiWorld

FIRST, SECOND, THIRD = (f'"{1_700_000_000_000 + number}"' for number in range(3))
"""ETags: a count begins at the millisecond that the clock stands at."""
BODY = {"amount": 12.5, "name": "Ann", "tags": ["a", {"b": None}], "active": True}


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def source(world: ApiWorld, item_id: str = "c-1") -> SourcePosition | None:
    return SourcePosition.from_bytes(world.table.items["acme", item_id]["_src"]["B"])


def test_what_is_put_comes_back_with_its_etag(world):
    created, replaced = world.put({"amount": 1}), world.put(BODY)

    assert [(201, FIRST), (200, SECOND)] == [(one.status, one.headers["etag"]) for one in (created, replaced)]
    address = {"tenant_id": "acme", "item_id": "c-1", "self": "/tenants/acme/items/c-1"}
    assert address == created.json
    got = world.get()
    assert (200, SECOND, "application/json") == (got.status, got.headers["etag"], got.headers["content-type"])
    assert {**address, "attributes": BODY} == got.json


def test_what_is_stored_is_sealed(world):
    world.put(BODY)

    stored = world.table.items["acme", "c-1"]
    assert {"N": "12.5"} == stored["amount"]
    assert [["B"], ["B"], ["B"]] == [list(stored[name]) for name in ("name", "tags", "active")]


def test_numbers_pass_exactly(world):
    digits = ["12345678901234567890123456789012345678", "0.1", "-1E-130", "1.0"]
    world.put(f'{{"n": [{", ".join(digits)}]}}')

    text = world.get().text

    assert '"n":[12345678901234567890123456789012345678,0.1,-1E-130,1]' in text


def test_there_is_no_item_where_none_was_put_or_it_was_deleted(world):
    assert (404, "not-found") == (world.get().status, world.get().problem)
    assert "not-found" == world.delete().problem
    world.put(BODY)
    gone = world.delete()
    assert (204, "") == (gone.status, gone.text)
    assert (404, 404) == (world.get().status, world.delete().status)


def test_a_deletion_counts_and_the_next_put_creates_anew(world):
    world.put(BODY)
    world.delete()

    assert counter_position(1_700_000_000_001) == source(world)
    again = world.put(BODY)
    assert (201, THIRD) == (again.status, again.headers["etag"])


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        (FIRST, 200),
        (f' "7" , {FIRST}', 200),
        ("*", 200),
        (SECOND, 412),
        (f"W/{FIRST}", 412),
    ],
)
def test_a_put_hangs_on_the_etag_that_it_names(world, tags, status):
    world.put(BODY)

    assert status == world.put({"amount": 2}, If_Match=tags).status
    assert (status == 200) == (world.get().json["attributes"] == {"amount": 2})


def test_what_was_changed_meanwhile_is_not_deleted(world):
    world.put(BODY)
    world.put(BODY)

    assert "precondition-failed" == world.delete(If_Match=FIRST).problem
    assert 204 == world.delete(If_Match=SECOND).status


def test_a_deletion_only_where_there_is_nothing_deletes_nothing(world):
    assert "not-found" == world.delete(If_None_Match="*").problem
    world.put(BODY)

    assert (412, "precondition-failed") == ((answer := world.delete(If_None_Match="*")).status, answer.problem)
    assert BODY == world.get().json["attributes"]


@pytest.mark.parametrize(
    ("method", "header"),
    [
        ("put", "If_Unmodified_Since"),
        ("delete", "If_Unmodified_Since"),
        ("get", "If_Unmodified_Since"),
        ("get", "If_Match"),
    ],
)
def test_a_precondition_that_an_operation_does_not_have_is_refused_and_not_passed_over(world, method, header):
    world.put(BODY)
    value = {header: FIRST if header == "If_Match" else "Sat, 29 Oct 1994 19:43:31 GMT"}

    answer = world.put({"amount": 2}, **value) if method == "put" else getattr(world, method)(**value)

    assert (400, "invalid-request") == (answer.status, answer.problem)
    assert BODY == world.get().json["attributes"]


def test_what_a_cache_holds_of_an_item_is_no_precondition(world):
    world.put(BODY)

    assert 200 == world.get(If_None_Match=FIRST).status


def test_where_there_is_nothing_no_etag_matches_and_a_put_can_demand_so(world):
    for tags in ("*", FIRST):
        assert "precondition-failed" == world.put(BODY, If_Match=tags).problem
    assert 201 == world.put(BODY, If_None_Match="*").status
    assert "precondition-failed" == world.put(BODY, If_None_Match="*").problem
    world.delete()
    assert 201 == world.put(BODY, If_None_Match="*").status


def test_who_comes_second_looks_again_and_writes_after_the_first(world):
    world.put(BODY)
    meanwhile(world, lambda: world.put({"amount": 7}))

    assert (200, THIRD) == ((put := world.put({"amount": 8})).status, put.headers["etag"])


@pytest.mark.parametrize("body", [{}, {"amount": 1}, BODY])
@pytest.mark.parametrize("precondition", ["If-Match", "If-None-Match"])
def test_of_two_who_write_the_same_at_once_one_is_told(world, body, precondition):
    world.put(BODY, "warm")
    if precondition == "If-Match":
        world.put({"amount": 7})
    tags = {"If_Match": FIRST} if precondition == "If-Match" else {"If_None_Match": "*"}
    first: list[int] = []
    meanwhile(world, lambda: first.append(world.put(body, **tags).status))

    second = world.put(body, **tags)

    assert [200 if precondition == "If-Match" else 201] == first
    assert "precondition-failed" == second.problem


def test_who_comes_second_with_an_etag_writes_nothing(world):
    world.put(BODY)
    meanwhile(world, lambda: world.put({"amount": 7}))

    assert "precondition-failed" == world.put({"amount": 8}, If_Match=FIRST).problem
    assert {"amount": 7} == world.get().json["attributes"]


def meanwhile(world: ApiWorld, act) -> None:
    """Have somebody else act before the next put."""

    def once(_: SealedItem) -> None:
        world.table.before_put = lambda _: None
        act()

    world.table.before_put = once


@pytest.mark.parametrize("change", ["put", "delete"])
def test_whoever_never_gets_through_is_told_and_has_written_nothing(world, change):
    world.put(BODY)
    inner = ApiWorld()
    inner.table, inner.store, inner.kms = world.table, world.store, world.kms
    depth: list[int] = []

    def others(_: SealedItem) -> None:
        if not depth:
            depth.append(1)
            inner.put({"amount": 7})
            depth.pop()

    world.table.before_put = others

    answer = world.put({"amount": 8}) if change == "put" else world.delete()

    assert (409, "conflict") == (answer.status, answer.problem)
    assert {"amount": 7} == inner.get().json["attributes"]


def test_no_etag_comes_back_after_an_item_and_its_tombstone_are_removed(world):
    before = world.put({"amount": 1}).headers["etag"]
    world.delete()
    del world.table.items["acme", "c-1"]  # its time to live is over, or by hand
    world.clock.advance(0.01)
    world.put({"amount": 99})

    assert "precondition-failed" == world.put({"amount": 2}, If_Match=before).problem


@pytest.mark.parametrize("standing", [kinesis_position(b"k", "7", 0), FOUND, None])
def test_a_count_that_begins_anew_repeats_no_etag(world, standing):
    world.put(BODY)
    world.clock.advance(1)
    item = world.table.items["acme", "c-1"]
    world.table.items["acme", "c-1"] = {name: value for name, value in item.items() if name != "_src"} | (
        {} if standing is None else {"_src": {"B": standing.to_bytes()}}
    )

    assert "precondition-failed" == world.put(BODY, If_Match=FIRST).problem
    assert f'"{int(world.clock.wall() * 1000)}"' == world.put(BODY, If_Match="*").headers["etag"]


def test_an_item_from_the_stream_has_an_etag_that_is_no_count_and_one_of_nobody_knows_whom_has_none(world):
    tags = []
    for position in (kinesis_position(b"k", "7", 0), kinesis_position(b"k", "8", 0), FOUND):
        world.put(BODY)
        world.table.items["acme", "c-1"]["_src"] = {"B": position.to_bytes()}
        tags.append(world.get().headers.get("etag"))

    assert tags[0] != tags[1]
    assert all(tag.startswith('"p.') and len(tag) == 16 for tag in tags[:2])
    assert tags[2] is None
    world.table.items["acme", "c-1"]["_src"] = {"B": kinesis_position(b"k", "7", 0).to_bytes()}
    assert 200 == world.put(BODY, If_Match=tags[0]).status


def test_under_an_order_of_the_policys_an_older_item_is_refused_and_etags_are_counts_all_the_same():
    world = ApiWorld(POLICY.replace('id = "id"', 'id = "id"\norder = "version"'))

    assert "order_missing" == world.put({"amount": 1}).json["reason"]
    assert [FIRST, SECOND] == [world.put({"version": version}).headers["etag"] for version in (5, 6)]
    older = world.put({"version": 5})
    assert (409, "superseded") == (older.status, older.problem)
    assert "superseded" == world.put({"version": "2023-11-14T00:00:00Z"}).problem
    assert 204 == world.delete(If_Match=SECOND).status
    assert "superseded" == world.put({"version": 6}).problem


def test_by_arrival_an_item_arrives_when_it_is_put():
    world = ApiWorld(POLICY.replace('id = "id"', 'id = "id"\nunknown_order = "arrival"'))
    world.put(BODY)

    assert time_position(1_700_000_000 * 10**9, counter_position(1_700_000_000_000), ordered_by="_arrival") == source(
        world
    )


def test_a_bag_is_one_item_of_attributes_alone(world):
    assert 404 == world.call("GET /tenant/{tenant_id}").status
    assert 201 == world.call("POST /tenant/{tenant_id}", body=BODY).status

    got = world.call("GET /tenant/{tenant_id}")
    assert (BODY, FIRST) == (got.json, got.headers["etag"])
    assert ("_bag", BODY) == ((item := world.get("_bag").json)["item_id"], item["attributes"])


def test_items_come_in_pages_without_the_deleted_ones(world):
    for item_id in "abcdefg":
        world.put({"amount": ord(item_id)}, item_id)
    for item_id in "bcd":
        world.delete(item_id)
    world.put(BODY, "x", tenant_id="other", claims={"tenant_id": "other", "scope": "items.write"})

    pages = [page(world, limit="2")]
    while "next" in pages[-1]:
        pages.append(page(world, limit="2", next=pages[-1]["next"]))

    assert [["a", "e"], ["f", "g"]] == [[item["item_id"] for item in one["items"]] for one in pages if one["items"]]
    assert {"amount": ord("a")} == pages[0]["items"][0]["attributes"]


def test_a_page_of_deleted_items_alone_ends_some_time_and_says_where_to_go_on(world):
    for number in range(21):
        world.put(BODY, f"{number:02}")
    for number in range(20):
        world.delete(f"{number:02}")

    first = page(world, limit="1")
    second = page(world, limit="1", next=first["next"])
    third = page(world, limit="1", next=second["next"])

    assert [[], [], ["20"]] == [[item["item_id"] for item in one["items"]] for one in (first, second, third)]


def page(world: ApiWorld, **query: str):
    return world.call("GET /tenants/{tenant_id}/items", query=query).json


def test_a_page_ends_before_its_answer_is_too_large_and_the_next_goes_on(world):
    for item_id in "abcdefghi":
        world.put({"note": "\N{LATIN SMALL LETTER E WITH ACUTE}" * 120_000}, item_id)

    first = world.call("GET /tenants/{tenant_id}/items")
    rest = page(world, next=first.json["next"])

    assert len(first.text.encode()) < 2 * 1024 * 1024
    assert list("abcdefghi") == [item["item_id"] for item in first.json["items"] + rest["items"]]


@pytest.mark.parametrize("token", ["", "x", "AAAAAAAAAAAAYQ", "\N{GREEK SMALL LETTER ALPHA}", "=" * 2_049])
def test_a_token_that_is_not_of_this_list_is_refused(world, token):
    answer = world.call("GET /tenants/{tenant_id}/items", query={"next": token})

    assert (400, "invalid-request") == (answer.status, answer.problem)


def test_a_token_of_another_tenants_list_is_refused(world):
    for item_id in "ab":
        world.put(BODY, item_id)
    token = page(world, limit="1")["next"]

    other = {"tenant_id": "other", "scope": "items.read"}
    answer = world.call("GET /tenants/{tenant_id}/items", query={"next": token}, tenant_id="other", claims=other)

    assert "invalid-request" == answer.problem


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "x", "", "9" * 5_000])
def test_a_limit_out_of_range_is_refused(world, limit):
    assert "invalid-request" == world.call("GET /tenants/{tenant_id}/items", query={"limit": limit}).problem


def test_a_query_parameter_that_no_operation_has_is_refused(world):
    assert "invalid-request" == world.call("GET /tenants/{tenant_id}/items", query={"limt": "2"}).problem


def test_when_the_table_is_not_available_the_caller_is_told_to_try_again(world, capsys):
    def throttled(_: SealedItem) -> None:
        raise StoreUnavailable("writing an item: ThrottlingException")

    world.table.before_put = throttled

    answer = world.put({"name": "canary"})

    assert (503, "unavailable", "2") == (answer.status, answer.problem, answer.headers["retry-after"])
    out = capsys.readouterr().out
    assert "ThrottlingException" in out
    assert "canary" not in out


@pytest.mark.parametrize("change", ["put", "delete"])
def test_a_write_without_an_answer_is_not_sent_again_and_its_caller_is_told_to_look(world, change):
    world.put({"amount": 1})

    def lost(item: SealedItem) -> None:
        world.table.before_put = lambda _: None
        world.table.items["acme", "c-1"] = dict(item.attributes)
        world.put({"amount": 7})
        raise StoreUnavailable("writing an item: ReadTimeoutError")

    world.table.before_put = lost

    answer = world.put({"amount": 8}) if change == "put" else world.delete()

    assert (503, "unavailable") == (answer.status, answer.problem)
    assert "read it before you try again" in answer.json["detail"]
    assert {"amount": 7} == world.get().json["attributes"]


def test_a_session_that_was_revoked_is_replaced_and_the_request_done(world):
    world.put(BODY)
    [first] = world.sessions.values()

    def revoked(_: SealedItem) -> None:
        world.table.before_put = lambda _: None
        raise StoreDenied("writing an item: AccessDeniedException")

    world.table.before_put = revoked

    assert (200, SECOND) == ((put := world.put(BODY)).status, put.headers["etag"])
    assert [first] != list(world.sessions.values())


def test_what_is_denied_to_a_new_session_too_is_asked_for_no_third_time(world):
    denied: list[int] = []

    def always(_: SealedItem) -> None:
        denied.append(1)
        raise StoreDenied("writing an item: AccessDeniedException")

    world.table.before_put = always

    assert (503, "unavailable") == ((answer := world.put(BODY)).status, answer.problem)
    assert [1, 1] == denied
    assert "detail" not in answer.json, "nothing was written"


def test_an_error_that_nobody_foresaw_is_answered_without_its_message(world, capsys):
    def fails(_: SealedItem) -> None:
        raise RuntimeError("canary")

    world.table.before_put = fails

    answer = world.put(BODY)

    assert (500, "unforeseen") == (answer.status, answer.problem)
    assert "RuntimeError" in (out := capsys.readouterr().out)
    assert "canary" not in answer.text + out


def test_the_document_is_served_to_everybody(world):
    answer = world.call("GET /openapi.json", claims={})

    assert (200, "3.1.0") == (answer.status, answer.json["openapi"])


def test_an_unknown_route_is_not_found(world):
    assert "not-found" == world.call("PATCH /tenants/{tenant_id}/items").problem


def test_what_cannot_be_json_comes_as_a_marker_and_what_looks_like_one_does_not(world):
    world.put(BODY)
    session = world.sessions[next(iter(world.sessions))]
    values = {"amount": 1, "set": {"b", "a"}, "raw": b"\x00\xff", "odd": {"_set": 1}, "deep": [{"_map": {"_map": 2}}]}
    session.table.put_item(Item={"tenant_id": "acme", "item_id": "c-2", **values})

    assert {
        "amount": 1,
        "set": {"_set": ["a", "b"]},
        "raw": {"_binary": "AP8="},
        "odd": {"_map": {"_set": 1}},
        "deep": [{"_map": {"_map": {"_map": {"_map": 2}}}}],
    } == json.loads(world.get("c-2").text)["attributes"]
