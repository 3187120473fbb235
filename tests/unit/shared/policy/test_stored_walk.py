"""What would be sealed whole is told of once, however much is in it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model import ELEMENT
from shared.policy.load import parse_policy
from shared.policy.stored_walk import ItemWalk

SOURCE_TEXT = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[attributes]
"ssn" = { seal = "pii" }
"amount" = { plain = "number" }
"contacts[].email" = { seal = "pii" }
"contacts[].kind" = { plain = "string" }
"""
POLICY = parse_policy(SOURCE_TEXT, "policy.toml")
ANYWHERE = parse_policy(SOURCE_TEXT + '"**.email" = { seal = "pii" }', "policy.toml")
TEXT = {"S": "canary"}


def told(policy, **item):
    """The path of everything that the walk tells of, and the item that it gives."""
    paths: list[Any] = []

    def tell(path: Any, *_: Any) -> Any:
        paths.append(path)
        return {"S": "told"}

    return paths, ItemWalk(policy, tell, tell).read(item)


@pytest.mark.parametrize("policy", [POLICY, ANYWHERE])
def test_a_container_that_would_be_sealed_whole_is_told_of_once_and_nothing_in_it(policy):
    deep: Any = {"L": [TEXT, {"B": b"binary"}, {"M": {}}, {"L": [TEXT]}]}
    for _ in range(29):
        deep = {"M": {"a": deep}}
    everything_told = ([("odd",), ("amount",)], {"odd": {"S": "told"}, "amount": {"S": "told"}})
    assert everything_told == told(policy, odd=deep, amount={"L": [{"N": "1"}]})


def test_what_stands_beside_something_declared_is_told_of_by_itself():
    contacts = {"L": [{"M": {"email": {"B": b"sealed"}, "kind": TEXT, "odd": {"M": {"a": TEXT}}}}, {"B": b"odd"}]}
    one = ("contacts", ELEMENT)
    paths, item = told(POLICY, contacts=contacts)
    assert [(*one, "email"), (*one, "odd"), one] == paths
    mended = {"email": {"S": "told"}, "kind": TEXT, "odd": {"S": "told"}}
    assert {"contacts": {"L": [{"M": mended}, {"S": "told"}]}} == item


def test_what_is_declared_anywhere_keeps_all_around_it_apart():
    paths, _ = told(ANYWHERE, odd={"M": {"a": {"L": [{"M": {"email": TEXT, "x": TEXT}}, TEXT]}, "b": {"L": []}}})
    a = ("odd", "a", ELEMENT)
    assert [(*a, "email"), (*a, "x"), a, ("odd", "b")] == paths


@pytest.mark.parametrize("value", [{"M": {}}, {"L": []}])
def test_an_empty_container_would_be_sealed_whole(value):
    assert [("contacts",)] == told(POLICY, contacts=value)[0]
