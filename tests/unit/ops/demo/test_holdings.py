"""What was held at two moments, compared."""

from __future__ import annotations

import pytest

from ops.demo.holdings import Holdings

A, B = ("acme", "a"), ("acme", "b")


def holding(**opened: int) -> Holdings:
    return Holdings(
        opened={("acme", name): {"value": value} for name, value in opened.items()}, sealed_under={}, keys={}
    )


@pytest.mark.parametrize(
    ("now", "differing"),
    [
        (holding(a=1, b=2), 0),
        (holding(b=2, a=1), 0),
        (holding(a=1, b=3), 1),
        (holding(a=1), 1),
        (holding(a=1, b=2, c=3), 1),
        (holding(), 2),
    ],
)
def test_items_that_are_other_or_on_one_side_only_differ(now, differing):
    assert differing == holding(a=1, b=2).differing(now)


def test_a_key_is_in_use_where_any_value_lies_under_it_and_it_is_its_tenants():
    held = Holdings(
        opened={},
        sealed_under={
            A: frozenset({1, 2}),
            B: frozenset({2}),
            ("bank", "a"): frozenset({1}),
            ("bank", "b"): frozenset(),
        },
        keys={},
    )

    assert {("acme", 1), ("acme", 2), ("bank", 1)} == held.keys_in_use
