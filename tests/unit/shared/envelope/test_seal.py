from __future__ import annotations

import pytest

from shared.envelope.associated_data import associated_data, record_prefix
from shared.envelope.cipher import ValueCipher
from shared.envelope.seal import open_attributes, open_value, seal_value, sealed_values
from shared.errors import DoesNotOpen, NotSealed
from shared.model import ELEMENT, Attributes

CIPHER = ValueCipher.from_key(7, b"k" * 32)
PREFIX = record_prefix(dataset="customers", tenant_id="acme", item_id="c-1")
VALUE = {"M": {"street": {"S": "1 Main St"}, "zip": {"N": "12345"}}}


def test_a_value_comes_back_with_its_types():
    assert VALUE == open_value(CIPHER, PREFIX, ("address",), seal_value(CIPHER, PREFIX, ("address",), VALUE))


def test_an_element_of_a_list_opens_at_any_index_of_that_list():
    path = ("contacts", ELEMENT, "email")

    assert {"S": "a@b.example"} == open_value(
        CIPHER, PREFIX, path, seal_value(CIPHER, PREFIX, path, {"S": "a@b.example"})
    )


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        (PREFIX, ("name",)),
        (PREFIX, ("address", "street")),
        (PREFIX, ("address", ELEMENT)),
        (record_prefix(dataset="customers", tenant_id="acme", item_id="c-2"), ("address",)),
        (record_prefix(dataset="customers", tenant_id="other", item_id="c-1"), ("address",)),
        (record_prefix(dataset="orders", tenant_id="acme", item_id="c-1"), ("address",)),
    ],
)
def test_a_moved_value_does_not_open(prefix, path):
    sealed = seal_value(CIPHER, PREFIX, ("address",), VALUE)

    with pytest.raises(DoesNotOpen):
        open_value(CIPHER, prefix, path, sealed)


def test_what_was_sealed_without_a_type_is_refused_without_showing_it():
    sealed = CIPHER.seal(b"123-45-6789", associated_data(PREFIX, ("ssn",)))

    with pytest.raises(NotSealed, match="holds no typed value") as caught:
        open_value(CIPHER, PREFIX, ("ssn",), sealed)
    assert "6789" not in repr(caught.value)


ITEM: Attributes = {
    "tenant_id": {"S": "acme"},
    "_src": {"B": b"source"},
    "_policy": {"B": b"digest"},
    "ssn": {"B": b"1"},
    "amount": {"N": "5"},
    "tags": {"SS": ["a"]},
    "contacts": {"L": [{"M": {"kind": {"S": "home"}, "email": {"B": b"2"}}}, {"B": b"3"}]},
    "nested": {"M": {"_src": {"B": b"4"}, "deep": {"L": [{"L": [{"B": b"5"}]}]}}},
}


def test_every_binary_but_the_system_s_own_is_a_sealed_value():
    expected = [
        (("ssn",), b"1"),
        (("contacts", ELEMENT, "email"), b"2"),
        (("contacts", ELEMENT), b"3"),
        (("nested", "_src"), b"4"),
        (("nested", "deep", ELEMENT, ELEMENT), b"5"),
    ]

    assert expected == list(sealed_values(ITEM))


def test_opening_puts_each_value_in_its_place_in_a_new_tree():
    before = repr(ITEM)
    asked = []

    def open_one(path, sealed):
        asked.append((path, sealed))
        return {"S": sealed.decode()}

    opened = open_attributes(ITEM, open_one)

    assert list(sealed_values(ITEM)) == asked
    assert {
        "tenant_id": {"S": "acme"},
        "_src": {"B": b"source"},
        "_policy": {"B": b"digest"},
        "ssn": {"S": "1"},
        "amount": {"N": "5"},
        "tags": {"SS": ["a"]},
        "contacts": {"L": [{"M": {"kind": {"S": "home"}, "email": {"S": "2"}}}, {"S": "3"}]},
        "nested": {"M": {"_src": {"S": "4"}, "deep": {"L": [{"L": [{"S": "5"}]}]}}},
    } == opened
    assert before == repr(ITEM)
