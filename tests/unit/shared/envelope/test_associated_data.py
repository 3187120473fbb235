from __future__ import annotations

from itertools import combinations

import pytest

from shared.envelope.associated_data import associated_data, record_prefix
from shared.model import ELEMENT

PREFIX = record_prefix(dataset="customers", tenant_id="acme", item_id="c-1")


def test_the_bytes_are_those_of_the_format():
    expected = (
        b"\x01"
        b"\x00\x00\x00\x09customers"
        b"\x00\x00\x00\x04acme"
        b"\x00\x00\x00\x03c-1"
        b"k\x00\x00\x00\x08contacts"
        b"e"
        b"k\x00\x00\x00\x05email"
    )

    assert expected == associated_data(PREFIX, ("contacts", ELEMENT, "email"))


def test_paths_that_read_alike_are_different_places():
    alike = [
        ("a", "b"),
        ("a.b",),
        ('"a.b"',),
        ('a"."b',),
        ("a", ELEMENT, "b"),
        ("a[]", "b"),
        ("a[].b",),
        ("a", "[]", "b"),
        ("a", "e", "b"),
        ("a",),
        ("a", ""),
        ("a", ELEMENT),
        ("a", "[]"),
        ("a", "e"),
        ("ae",),
        ("a[]",),
        ("a[0]",),
        ("a", "k"),
        ("ak\x00\x00\x00\x01b",),
        ("",),
        ("", ""),
        (),
    ]

    places = [associated_data(PREFIX, path) for path in alike]

    assert all(one != other for one, other in combinations(places, 2))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c", "d"), ("a", "bc", "d")),
        (("a", "bc", "d"), ("a", "b", "cd")),
        (("a", "", "b"), ("a", "b", "")),
    ],
)
def test_text_cannot_slip_from_one_part_of_the_record_into_the_next(one, other):
    def prefix(dataset, tenant_id, item_id):
        return record_prefix(dataset=dataset, tenant_id=tenant_id, item_id=item_id)

    assert prefix(*one) != prefix(*other)


def test_composed_and_decomposed_letters_are_different_places():
    assert associated_data(PREFIX, ("\u00e9",)) != associated_data(PREFIX, ("e\u0301",))


def test_a_lone_surrogate_is_refused():
    with pytest.raises(ValueError, match="lone surrogate"):
        associated_data(PREFIX, ("\ud800",))
    with pytest.raises(ValueError, match="lone surrogate"):
        record_prefix(dataset="d", tenant_id="t", item_id="\udfff")
