"""What a stored item needs, state by state; over all policies and items in tests/properties/test_mend.py."""

from __future__ import annotations

import pytest

from shared.model import ELEMENT, KeyState, KeyStatus
from shared.policy.load import parse_policy
from shared.policy.mend import MendPlan, named_keys, plan_mend
from shared.policy.mend_system import Trouble, system_changes
from shared.source_position import FOUND, kinesis_position

SOURCE_TEXT = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[defaults]
undeclared = "{undeclared}"
[classes.pii]
[classes.pci]
[attributes]
"ssn" = {{ seal = "pii" }}
"address" = {{ seal = "pii" }}
"contacts[].email" = {{ seal = "pii" }}
"contacts[].kind" = {{ plain = "string" }}
"card" = {{ seal = "pci" }}
"amount" = {{ plain = "number" }}
"loose" = {{ plain = "string" }}
"""
POLICY = parse_policy(SOURCE_TEXT.format(undeclared="seal"), "policy.toml")
REJECTING = parse_policy(SOURCE_TEXT.format(undeclared="reject"), "policy.toml")
KEYS = {
    1: KeyStatus(1, "pii", KeyState.ACTIVE),
    2: KeyStatus(2, "restricted", KeyState.ACTIVE),
    3: KeyStatus(3, "pii", KeyState.DECRYPT_ONLY),
    4: KeyStatus(4, "pii", KeyState.RETIRED),
    5: KeyStatus(5, "pii", KeyState.DESTROYED),
    6: KeyStatus(6, "", None),
}
UNKNOWN = 7
RANDOM = bytes(range(180, 240))
TEXT = {"S": "canary"}
PLACE = {"B": kinesis_position(b"k", "1", 0).to_bytes()}


def raw(key_id):
    return b"\x01" + key_id.to_bytes(4, "big") + RANDOM


def sealed(key_id):
    return {"B": raw(key_id)}


def item(**attributes):
    keys = {"tenant_id": {"S": "acme"}, "item_id": {"S": "one"}}
    return {**keys, "_src": PLACE, "_policy": {"B": POLICY.digest}, **attributes}


def foreign(**attributes):
    return {name: value for name, value in item(**attributes).items() if name not in {"_src", "_policy"}}


def needs(plan):
    """Path, class and key ids of each mend, and whether it stood in clear."""
    return [(mend.path, mend.data_class, set(mend.key_ids), mend.stood_in_clear) for mend in plan.mends]


def test_an_item_as_the_policy_wants_it_needs_nothing():
    plan = plan_mend(
        POLICY,
        item(
            ssn=sealed(1), amount={"N": "1"}, contacts={"L": [{"M": {"kind": TEXT, "email": sealed(1)}}]}, x=sealed(2)
        ),
        KEYS,
    )
    assert plan == MendPlan()
    assert plan.is_empty


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"ssn": sealed(3)}, (("ssn",), "pii", {3}, False)),
        ({"ssn": sealed(4)}, (("ssn",), "pii", {4}, False)),
        ({"ssn": sealed(2)}, (("ssn",), "pii", {2}, False)),  # of another class than the policy's
        ({"x": sealed(1)}, (("x",), "restricted", {1}, False)),
        ({"loose": sealed(3)}, (("loose",), "pii", {3}, False)),  # loosening moves nothing to another class
        (
            {"contacts": {"L": [{"M": {"kind": TEXT}}, {"M": {"email": sealed(3)}}]}},
            (("contacts", ELEMENT, "email"), "pii", {3}, False),
        ),
        ({"_x": sealed(3)}, (("_x",), "restricted", {3}, False)),
    ],
)
def test_what_is_sealed_under_the_wrong_key_is_sealed_anew_under_the_wanted_class(attributes, expected):
    assert [expected] == needs(plan_mend(POLICY, item(**attributes), KEYS))


def test_what_the_policy_was_loosened_on_stays_under_its_class():
    assert plan_mend(POLICY, item(loose=sealed(1)), KEYS).is_empty


@pytest.mark.parametrize("policy", [POLICY, REJECTING])
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"ssn": TEXT}, (("ssn",), "pii", set(), True)),
        ({"ssn": {"NULL": True}}, (("ssn",), "pii", set(), True)),
        ({"x": TEXT}, (("x",), "restricted", set(), True)),
        ({"amount": TEXT}, (("amount",), "restricted", set(), True)),
        ({"x": {"M": {"a": {"L": [TEXT]}}}}, (("x",), "restricted", set(), True)),
        (
            {"contacts": {"L": [{"M": {"kind": TEXT, "x": TEXT}}]}},
            (("contacts", ELEMENT, "x"), "restricted", set(), True),
        ),
        ({"ssn": {"B": b"bytes"}}, (("ssn",), "pii", set(), True)),
        ({"ssn": {"BS": [b"bytes"]}}, (("ssn",), "pii", set(), True)),
        ({"_x": TEXT}, (("_x",), "restricted", set(), True)),
        (
            {"ssn": {"B": b"\x01\0\0\0\x01" + b"text behind the header of a sealed value" * 2}},
            (("ssn",), "pii", set(), True),
        ),
        ({"ssn": {"B": raw(1) + b" 4111111111111111 "}}, (("ssn",), "pii", set(), True)),
        ({"address": {"M": {"street": sealed(1), "zip": TEXT}}}, (("address",), "pii", {1}, True)),
        ({"x": {"L": [sealed(3), {"M": {"a": sealed(4)}}]}}, (("x",), "restricted", {3, 4}, True)),
    ],
)
def test_what_stands_in_clear_is_sealed_whole(policy, attributes, expected):
    assert [expected] == needs(plan_mend(policy, item(**attributes), KEYS))


@pytest.mark.parametrize(
    ("key_id", "why"),
    [
        (5, "sealed under a destroyed data key"),
        (6, "its data key's row is not readable"),
        (UNKNOWN, "sealed under a data key that the tenant does not have"),
    ],
)
@pytest.mark.parametrize(
    ("place", "path"),
    [
        (lambda one: {"ssn": one}, ("ssn",)),
        (lambda one: {"address": {"M": {"street": one, "zip": TEXT}}}, ("address",)),
        (lambda one: {"x": {"L": [TEXT, {"M": {"a": one}}]}}, ("x",)),
    ],
)
def test_what_cannot_be_opened_is_left_with_all_that_it_would_be_sealed_in(key_id, why, place, path):
    plan = plan_mend(POLICY, item(**place(sealed(key_id)), card=TEXT), KEYS)
    assert (Trouble(path, why, stood_in_clear=path != ("ssn",)),) == plan.troubles
    assert [(("card",), "pci", set(), True)] == needs(plan)
    assert ["card"] == list(plan.template)


def test_a_sealed_value_in_a_set_is_left_since_nothing_opens_it():
    plan = plan_mend(POLICY, item(x={"BS": [b"bytes", raw(1)]}), KEYS)
    assert (Trouble(("x",), "a binary set holds a sealed value", stood_in_clear=True),) == plan.troubles
    assert plan.is_empty


def test_sealed_values_in_what_is_sealed_whole_are_opened_first_and_each_at_its_own_place():
    data = {"B": b"\x01\0\0\0\x01" + b"no sealed value, only text" * 3}
    [mend] = plan_mend(POLICY, item(x={"M": {"a": {"L": [sealed(2), sealed(3)]}, "b": data}}), KEYS).mends
    asked = []

    def open_sealed(path, value):
        asked.append((path, value))
        return {"N": str(len(asked))}

    assert {"M": {"a": {"L": [{"N": "1"}, {"N": "2"}]}, "b": data}} == mend.opened(open_sealed)
    assert [(("x", "a", ELEMENT), raw(2)), (("x", "a", ELEMENT), raw(3))] == asked


def test_retired_keys_are_to_be_reopened():
    plan = plan_mend(POLICY, item(ssn=sealed(4), address={"M": {"a": sealed(4)}}, contacts=sealed(3)), KEYS)
    assert frozenset({4}) == plan.reopens


def test_only_attributes_with_something_sealed_in_them_change():
    contacts = {"L": [{"M": {"kind": TEXT, "email": sealed(3)}}, {"M": {"email": TEXT}}]}
    plan = plan_mend(POLICY, item(ssn=sealed(3), contacts=contacts, amount={"N": "1"}), KEYS)

    filled = plan.fill([None, b"new", b"newer"])

    new = {"L": [{"M": {"kind": TEXT, "email": {"B": b"new"}}}, {"M": {"email": {"B": b"newer"}}}]}
    assert {"contacts": (new, 1, 1)} == filled
    assert contacts["L"][0]["M"]["email"] == sealed(3), "the item as it was read is not changed"


def test_a_plan_takes_exactly_its_own_values():
    with pytest.raises(ValueError, match="1 mends, 2 sealed values"):
        plan_mend(POLICY, item(ssn=TEXT), KEYS).fill([b"a", b"b"])


def test_no_value_is_in_a_repr():
    plan = plan_mend(POLICY, item(ssn=TEXT, x=sealed(5)), KEYS)
    assert "canary" not in repr(plan)
    assert "xb4" not in repr(plan)


def test_a_tombstone_needs_nothing():
    tombstone = foreign(_deleted_at={"N": "1700000000"}, _expires_at={"N": "1800000000"})
    assert MendPlan() == plan_mend(POLICY, tombstone, KEYS, adopting=True)


def test_what_hides_behind_a_tombstone_is_sealed():
    hidden = item(_deleted_at={"N": "1700000000"}, _expires_at={"N": "1800000000"}, ssn=TEXT)
    assert [(("ssn",), "pii", set(), True)] == needs(plan_mend(POLICY, hidden, KEYS))


def test_an_adopted_item_is_taken_over_even_where_nothing_is_to_be_sealed():
    assert plan_mend(POLICY, foreign(amount={"N": "1"}), KEYS, adopting=True).adopts
    assert plan_mend(POLICY, foreign(amount={"N": "1"}), KEYS).is_empty


@pytest.mark.parametrize("own", ["_src", "_policy"])
def test_an_item_that_sealstream_wrote_is_not_adopted(own):
    written = {**foreign(x=sealed(UNKNOWN)), own: item()[own]}
    plan = plan_mend(POLICY, written, KEYS, adopting=True)
    assert plan.is_empty
    assert [("x",)] == [trouble.path for trouble in plan.troubles]


def test_what_looks_sealed_in_an_adopted_item_is_data_where_the_tenant_has_no_such_key():
    plan = plan_mend(POLICY, foreign(x=sealed(UNKNOWN), y={"BS": [raw(UNKNOWN)]}, z=sealed(3)), KEYS, adopting=True)
    assert [
        (("x",), "restricted", set(), True),
        (("y",), "restricted", set(), True),
        (("z",), "restricted", {3}, False),
    ] == needs(plan)
    assert sealed(UNKNOWN) == plan.mends[0].opened(lambda path, value: {"S": "opened"})


def test_keys_are_named_by_sealed_values_at_any_depth_and_in_sets():
    hidden = {"B": b"\x01\0\0\0\x09" + b"text behind the header" * 4}
    named = item(a=sealed(1), b={"M": {"c": {"L": [sealed(2), {"BS": [raw(3)]}]}}}, d=hidden, e={"B": b"x"})
    assert frozenset({1, 2, 3}) == named_keys(named)


@pytest.mark.parametrize(
    ("attributes", "path"),
    [
        ({"_src": {"B": b"k"}}, "_src"),
        ({"_src": {"S": "canary"}}, "_src"),
        ({"_policy": {"S": "canary"}}, "_policy"),
        ({"_policy": {"B": b"not eight"}}, "_policy"),
        ({"_open_since": {"S": "canary"}}, "_open_since"),
        ({"_open_since": {"N": "-1"}}, "_open_since"),
        ({"_expires_at": {"N": "5"}}, "_expires_at"),
    ],
)
def test_a_malformed_system_attribute_is_a_trouble_and_never_touched(attributes, path):
    spoiled = item(**attributes, ssn=TEXT)
    plan = plan_mend(POLICY, spoiled, KEYS)
    assert {(path,)} == {trouble.path for trouble in plan.troubles}
    assert [(("ssn",), "pii", set(), True)] == needs(plan)
    assert path not in system_changes(POLICY, spoiled, sealed=True, leaves_clear=False, adopts=False, open_since=5.0)


@pytest.mark.parametrize("arrived", [{"N": "17"}, {"S": "canary"}, sealed(1)])
def test_an_arrival_of_another_form_is_no_trouble_but_taken_off(arrived):
    plan = plan_mend(POLICY, item(_arrived=arrived), KEYS)
    assert (frozenset({"_arrived"}), (), False) == (plan.strays, plan.troubles, plan.is_empty)


def test_a_sound_arrival_stays():
    assert plan_mend(POLICY, item(_arrived={"N": "1700000000123"}), KEYS).is_empty


DIGEST, FOUND_HERE = {"B": POLICY.digest}, {"B": FOUND.to_bytes()}


@pytest.mark.parametrize(
    ("before", "how", "expected"),
    [
        (item(), {"sealed": False}, {}),
        (item(_policy={"B": b"older..."}), {"sealed": False}, {"_policy": DIGEST}),
        (item(_policy={"B": b"older..."}), {"sealed": True, "leaves_clear": True}, {}),
        (foreign(), {"sealed": False, "leaves_clear": True, "adopts": True}, {"_src": FOUND_HERE}),
        (item(), {"sealed": True, "open_since": 1_700_000_000.9}, {"_open_since": {"N": "1700000000"}}),
        (item(_open_since={"N": "5"}), {"sealed": True}, {"_open_since": None}),
        (item(_open_since={"N": "5"}), {"sealed": False, "open_since": 9.0}, {"_open_since": None}),
        (item(_open_since={"N": "5"}), {"sealed": True, "open_since": 5.5}, {}),
        (foreign(), {"sealed": True}, {"_src": FOUND_HERE, "_policy": DIGEST, "_open_since": {"N": "0"}}),
        (foreign(), {"sealed": True, "adopts": True}, {"_src": FOUND_HERE, "_policy": DIGEST}),
        (foreign(), {"sealed": False}, {"_policy": DIGEST}),
        (foreign(), {"sealed": False, "adopts": True}, {"_src": FOUND_HERE, "_policy": DIGEST}),
        (item(_src=FOUND_HERE), {"sealed": True}, {}),
    ],
)
def test_system_attributes_tell_of_the_mend(before, how, expected):
    assert expected == system_changes(
        POLICY, before, **{"leaves_clear": False, "adopts": False, "open_since": None, **how}
    )
