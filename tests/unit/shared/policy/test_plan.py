"""What is sealed of a record, under which class, and what stays in clear."""

from __future__ import annotations

import pytest

from shared.errors import Reason, RecordRejected
from shared.model import ELEMENT
from shared.policy.load import parse_policy
from shared.policy.plan import plan

SEALING = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[classes.pci]
[attributes]
"ssn" = { seal = "pii" }
"address" = { seal = "pii" }
"contacts[].email" = { seal = "pii" }
"contacts[].kind" = { plain = "string" }
"amount" = { plain = "number" }
"active" = { plain = "boolean" }
"labels" = { plain = "string_set" }
"counts" = { plain = "number_set" }
"tags[]" = { plain = "string" }
'"a.b".c' = { plain = "string" }
"**.card_number" = { seal = "pci" }
"**.cards[].number" = { seal = "pci" }
"""
POLICY = parse_policy(SEALING, "policy.toml")
REJECTING = parse_policy(SEALING.replace("[classes.pii]", '[defaults]\nundeclared = "reject"\n[classes.pii]'), "p")
TEXT = {"S": "text"}


def slots(attributes, policy=POLICY):
    return [(slot.path, slot.data_class, slot.value) for slot in plan(policy, attributes).slots]


def filled(attributes, policy=POLICY):
    planned = plan(policy, attributes)
    return planned.fill([str(index).encode() for index in range(len(planned.slots))])


def rejection(attributes, policy=REJECTING):
    with pytest.raises(RecordRejected) as raised:
        plan(policy, attributes)
    return raised.value.reason, raised.value.detail


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", {"N": "1"}),
        ("active", {"BOOL": False}),
        ("labels", {"SS": ["a"]}),
        ("counts", {"NS": ["1"]}),
        ("amount", {"NULL": True}),
        ("tags", {"L": [TEXT, {"NULL": True}]}),
        ("contacts", {"L": [{"M": {"kind": TEXT}}]}),
        ("a.b", {"M": {"c": TEXT}}),
    ],
)
def test_what_is_declared_plain_stays_as_it_is(name, value):
    assert {name: value} == filled({name: value})
    assert {name: value} == filled({name: value}, REJECTING)


def test_what_is_declared_sealed_is_sealed_under_its_class():
    assert slots({"ssn": TEXT}) == [(("ssn",), "pii", TEXT)]


def test_a_sealed_parent_is_sealed_with_all_that_it_holds_as_one_value():
    address = {"M": {"card_number": TEXT, "street": {"L": []}}}
    assert [(("address",), "pii", address)] == slots({"address": address})


def test_an_undeclared_attribute_is_sealed_under_the_default_class():
    assert slots({"odd": TEXT}) == [(("odd",), "restricted", TEXT)]


def test_a_value_of_another_type_than_declared_counts_as_undeclared():
    assert slots({"amount": TEXT}) == [(("amount",), "restricted", TEXT)]
    assert rejection({"amount": TEXT}) == (Reason.UNDECLARED_ATTRIBUTE, "amount")


@pytest.mark.parametrize("value", [{"B": b"x"}, {"BS": [b"x"]}])
def test_binary_never_stays_in_clear(value):
    assert [(("tags", ELEMENT), "restricted", value)] == slots({"tags": {"L": [value]}})


def test_elements_of_a_list_share_a_path_and_keep_their_places():
    contacts = {"L": [{"M": {"email": TEXT, "odd": {"N": "1"}}}, {"M": {"kind": TEXT}}, {"M": {"email": {"S": "2"}}}]}
    assert slots({"contacts": contacts}) == [
        (("contacts", ELEMENT, "email"), "pii", TEXT),
        (("contacts", ELEMENT, "odd"), "restricted", {"N": "1"}),
        (("contacts", ELEMENT, "email"), "pii", {"S": "2"}),
    ]
    first, second, third = ({"email": {"B": b"0"}, "odd": {"B": b"1"}}, {"kind": TEXT}, {"email": {"B": b"2"}})
    assert {"contacts": {"L": [{"M": first}, {"M": second}, {"M": third}]}} == filled({"contacts": contacts})


def test_an_element_in_which_no_rule_is_about_anything_is_sealed_whole():
    odd = {"M": {"odd": {"N": "1"}}}
    assert [(("contacts", ELEMENT), "restricted", odd)] == slots({"contacts": {"L": [{"M": {"kind": TEXT}}, odd]}})


def test_an_undeclared_container_is_sealed_whole_with_its_names():
    value = {"M": {"x": {"L": [TEXT, {"M": {}}]}, "y": TEXT}}
    assert [(("odd",), "restricted", value)] == slots({"odd": value})


def test_an_undeclared_container_is_entered_where_a_rule_is_about_something_in_it():
    inner = {"M": {"z": TEXT}}
    value = {"M": {"x": inner, "y": {"L": [{"M": {"card_number": TEXT}}]}}}
    assert [
        (("odd", "x"), "restricted", inner),
        (("odd", "y", ELEMENT, "card_number"), "pci", TEXT),
    ] == slots({"odd": value})
    assert filled({"odd": value}) == {
        "odd": {"M": {"x": {"B": b"0"}, "y": {"L": [{"M": {"card_number": {"B": b"1"}}}]}}}
    }


@pytest.mark.parametrize("value", [{"L": []}, {"M": {}}, {"NULL": True}])
def test_an_empty_container_is_sealed_whole(value):
    assert [(("contacts",), "restricted", value)] == slots({"contacts": value})


@pytest.mark.parametrize("value", [{"L": []}, {"M": {}}, {"NULL": True}])
@pytest.mark.parametrize("name", ["contacts", "cards"])
def test_emptiness_where_declared_attributes_could_be_is_sealed_not_rejected(name, value):
    assert [((name,), "restricted", value)] == slots({name: value}, REJECTING)


def test_a_container_that_holds_only_such_emptiness_is_sealed_whole():
    value: dict[str, object] = {"M": {"cards": {"L": []}}}
    assert [(("odd",), "restricted", value)] == slots({"odd": value}, REJECTING)


@pytest.mark.parametrize("value", [TEXT, {"L": []}, {"M": {}}, {"NULL": True}])
def test_an_undeclared_attribute_is_rejected_where_the_policy_says_so(value):
    assert rejection({"odd": value}) == (Reason.UNDECLARED_ATTRIBUTE, "?")


def test_a_rejection_names_only_what_the_policy_names():
    record = {"contacts": {"L": [{"M": {"email": TEXT, "secret name": TEXT}}]}}
    assert rejection(record) == (Reason.UNDECLARED_ATTRIBUTE, "contacts[].?")


def test_a_list_where_a_map_is_declared_is_undeclared():
    assert slots({"contacts": {"M": {"email": TEXT}}}) == [(("contacts",), "restricted", {"M": {"email": TEXT}})]


def test_a_key_with_a_dot_is_not_nesting():
    assert slots({"a": {"M": {"b": {"M": {"c": TEXT}}}}}) == [(("a",), "restricted", {"M": {"b": {"M": {"c": TEXT}}}})]


@pytest.mark.parametrize("name", ["_src", "_op", "_", "tenant_id", "item_id"])
def test_a_name_of_the_system_s_own_is_rejected_at_the_top(name):
    reason, detail = rejection({name: TEXT}, POLICY)
    assert reason is Reason.RESERVED_NAME
    assert name not in detail.split()


def test_a_nested_name_may_begin_with_an_underscore():
    assert slots({"odd": {"M": {"_src": TEXT}}}) == [(("odd",), "restricted", {"M": {"_src": TEXT}})]


def test_a_plan_can_be_filled_again():
    planned = plan(POLICY, {"ssn": TEXT})
    assert planned.fill([b"one"]) == {"ssn": {"B": b"one"}}
    assert planned.fill([b"two"]) == {"ssn": {"B": b"two"}}


def test_a_plan_takes_exactly_one_sealed_value_per_slot():
    with pytest.raises(ValueError, match="1 slots, 0 sealed values"):
        plan(POLICY, {"ssn": TEXT}).fill([])


def test_no_value_is_in_a_plan_s_repr():
    assert "text" not in repr(plan(POLICY, {"ssn": TEXT, "tags": {"L": [TEXT]}}))
