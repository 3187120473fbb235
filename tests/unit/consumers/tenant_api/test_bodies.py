"""What may be sent: held against the API's document, then against the policy; refused without a value."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.fakes.tenant_api import POLICY, ApiWorld, event


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not_json"),
        ("canary", "not_json"),
        ("[]", "not_an_object"),
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ('{"a": NaN}', "invalid_number"),
        ('{"a": 1e999}', "number_out_of_range"),
        ('{"a": ' + "1" * 39 + "}", "number_out_of_range"),
        ('{"a": "\\ud800"}', "lone_surrogate"),
        ('{"a": ' + "[" * 40 + "]" * 40 + "}", "too_deep"),
        ('{"": 1}', "name_invalid"),
        ('{"_op": "delete"}', "reserved_name"),
        ('{"_source": {}}', "reserved_name"),
        ('{"_src": "x"}', "reserved_name"),
        ('{"item_id": "c-1"}', "reserved_name"),
    ],
)
def test_what_can_be_no_item_is_refused_with_its_reason(world, body, reason):
    answer = world.put(body)

    assert (422, "invalid-item", reason) == (answer.status, answer.problem, answer.json["reason"])
    assert "canary" not in answer.text
    assert {} == world.table.items


@pytest.mark.parametrize("marker", ["_sealed", "_unreadable", "_binary", "_set", "_map"])
@pytest.mark.parametrize("place", ['{"a": %s}', '{"a": [[%s]]}', '{"a": {"b": %s, "c": 1}}', '{"a": {"_b": %s}}'])
def test_what_stands_for_a_value_cannot_be_stored_at_any_depth(world, marker, place):
    answer = world.put(place % f'{{"{marker}": "canary"}}')

    assert (422, "invalid-item") == (answer.status, answer.problem)
    assert "marker" in answer.json["detail"]
    assert "canary" not in answer.text


def test_a_map_that_is_more_than_a_marker_is_data(world):
    body = {"a": {"_sealed": "x", "b": 1}}

    assert 201 == world.put(body).status
    assert body == world.get().json["attributes"]


def test_a_thousand_attributes_are_taken_and_one_more_is_not(world):
    assert 201 == world.put({f"a{number}": number for number in range(1_000)}).status
    answer = world.put({f"a{number}": number for number in range(1_001)})

    assert (422, "invalid-item") == (answer.status, answer.problem)
    assert "more attributes" in answer.json["detail"]


def test_a_body_over_400_kb_is_too_large_however_it_is_encoded(world):
    exact = '{"a": "' + "x" * (400 * 1024 - 9) + '"}'
    assert 400 * 1024 == len(exact)

    for base64 in (False, True):
        for body, expected in ((exact, "invalid-item"), (exact + " ", "too-large")):
            text = b64encode(body.encode()).decode() if base64 else body
            request = event("POST /tenant/{tenant_id}", path={"tenant_id": "acme"}, body=text)
            assert expected == world.receive({**request, "isBase64Encoded": base64}).problem


def test_an_item_that_is_too_large_once_sealed_is_refused(world):
    assert "item_too_large" == world.put({f"a{number}": "x" * 380 for number in range(1_000)}).json["reason"]


@pytest.mark.parametrize("body", [{"tenant_id": "other"}, {"id": "c-2"}, {"id": 5}, {"tenant_id": None}])
def test_a_body_about_another_item_or_tenant_is_refused(world, body):
    assert (422, "invalid-item") == ((answer := world.put({"amount": 1, **body})).status, answer.problem)
    assert {} == world.table.items


def test_a_body_may_repeat_whose_and_which_item_it_is(world):
    assert 201 == world.put({"tenant_id": "acme", "id": "c-1", "amount": 1}).status
    assert {"amount": 1} == world.get().json["attributes"]


def test_an_undeclared_attribute_is_refused_without_its_name_where_the_policy_says_so():
    world = ApiWorld(POLICY.replace("[defaults]", '[defaults]\nundeclared = "reject"'))

    answer = world.put({"canary": "x"})

    assert "undeclared_attribute" == answer.json["reason"]
    assert "canary" not in answer.text


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_is_not_declared_as_json_is_refused(world, media_type):
    assert (415, "not-json") == ((answer := world.put({}, Content_Type=media_type)).status, answer.problem)


def test_a_media_type_may_have_parameters(world):
    assert 201 == world.put({}, Content_Type="Application/JSON; charset=utf-8").status


@pytest.mark.parametrize("tags", ["1", '"1', "", '"1" "2"', "*,*", '"\N{BULLET}"', "w/" + '"1"'])
def test_a_header_of_another_form_is_refused(world, tags):
    assert (400, "invalid-request") == ((answer := world.put({}, If_Match=tags)).status, answer.problem)


@pytest.mark.parametrize("tags", ['"1"', "x", ""])
def test_if_none_match_knows_one_form(world, tags):
    assert "invalid-request" == world.put({}, If_None_Match=tags).problem


@pytest.mark.parametrize("item_id", ["x" * 1_024, "a/b", "x" + "\N{SNOWMAN}" * 341, " ", "c\x00"])
def test_ids_are_taken_as_they_are(world, item_id):
    assert item_id == world.put({"amount": 1}, item_id).json["item_id"]
    assert item_id == world.get(item_id).json["item_id"]


@pytest.mark.parametrize("item_id", ["x" * 1_025, "x" + "\N{SNOWMAN}" * 341 + "x"])
def test_an_id_that_is_too_long_is_refused(world, item_id):
    assert 1_025 == len(item_id.encode())
    assert "invalid-request" == world.put({"amount": 1}, item_id).problem
