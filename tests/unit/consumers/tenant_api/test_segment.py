"""Ids in paths: each id has a segment that no decoding changes, and no request reaches an item that it did not name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.tenant_api.segment import item_id_of, segment_of
from tests.fakes.tenant_api import ApiWorld, event

ONE = "/tenants/{tenant_id}/items/{item_id}"
EVERY_METHOD = pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])


@pytest.fixture
def world() -> ApiWorld:
    world = ApiWorld()
    world.put({"amount": 1}, "a")
    return world


def send(world: ApiWorld, method: str, segment: str, **changes: str):
    """A request for a segment as it stands, with an event that was changed."""
    body = '{"amount": 2}' if method == "POST" else None
    request = event(f"{method} {ONE}", path={"tenant_id": "acme", "item_id": segment}, body=body)
    return world.receive({**request, **changes})


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_a_segment_stands_for_its_id_and_keeps_to_what_no_decoding_changes(item_id):
    segment = segment_of(item_id)

    assert item_id == item_id_of(segment)
    assert not set(segment.removeprefix("~")) - set(
        "-._:@ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    )
    assert segment[0] != "."


@pytest.mark.parametrize(
    ("item_id", "segment"),
    [
        ("c-1", "c-1"),
        ("urn:x@y_2.0", "urn:x@y_2.0"),
        ("a?b", "~YT9i"),
        ("~a", "~fmE"),
        ("..", "~Li4"),
        ("a/b", "~YS9i"),
        ("\N{SNOWMAN}", "~4piD"),
    ],
)
def test_an_item_says_by_which_path_it_is_reached(world, item_id, segment):
    created = world.put({"amount": 1}, item_id)

    assert f"/tenants/acme/items/{segment}" == created.json["self"] == world.get(item_id).json["self"]
    listed = world.call("GET /tenants/{tenant_id}/items").json["items"]
    assert {f"/tenants/acme/items/{segment}", "/tenants/acme/items/a"} == {one["self"] for one in listed}
    assert 204 == send(world, "DELETE", segment).status


def test_every_id_may_be_written_in_the_safe_form(world):
    assert "a" == send(world, "GET", "~YQ").json["item_id"]


@EVERY_METHOD
@pytest.mark.parametrize(
    "segment",
    [
        "a?b",
        "a b",
        "a%3Fb",
        "a/b",
        "a;b",
        "a\n",
        "a\x00",
        ".",
        "..",
        ".a",
        "\N{SNOWMAN}",
        "a~",
        "~",
        "~Y",
        "~YR",
        "~YQ==",
        "~YT+i",
        "~_w",
        "~7aCA",
        "~a:b@c",
        "~" + "A" * 1_367,
    ],
)
def test_a_segment_of_another_form_reaches_nothing(world, method, segment):
    answer = send(world, method, segment)

    assert (400, "invalid-request") == (answer.status, answer.problem)
    assert "~" in answer.json["detail"]
    assert [("acme", "a")] == list(world.table.items)
    assert {"amount": 1} == world.get("a").json["attributes"]


@EVERY_METHOD
@pytest.mark.parametrize(
    "changes",
    [
        {"rawPath": "/tenants/acme/items/a%3Fb"},
        {"rawPath": "/tenants/acme/items/a%253Fb"},
        {"rawPath": "/tenants/acme/items/a?b"},
        {"rawPath": "/tenants/acme/items/a/"},
        {"rawPath": "/tenants/acme/items/a/b"},
        {"rawPath": ""},
        {"rawQueryString": "b"},
        {"rawQueryString": "&"},
    ],
)
def test_a_path_that_shows_more_than_its_item_reaches_nothing(world, method, changes):
    answer = send(world, method, "a", **changes)

    assert (400, "invalid-request") == (answer.status, answer.problem)
    assert {"amount": 1} == world.get("a").json["attributes"]


@pytest.mark.parametrize("raw_path", ["/v1/tenants/acme/items/u:a@b", "/tenants/acme/items/u%3Aa%40b"])
def test_a_path_below_a_domain_of_ones_own_or_with_escapes_is_as_good(world, raw_path):
    world.put({"amount": 1}, "u:a@b")

    assert 200 == send(world, "GET", "u:a@b", rawPath=raw_path).status
