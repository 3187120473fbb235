"""Tallies that stay small."""

from __future__ import annotations

from shared.runs.model import Example, Tally
from shared.scan.tally import (
    MAX_EXAMPLES,
    MAX_KEYS,
    MAX_PLACE_CHARACTERS,
    MAX_PLACES,
    merged,
    shown,
    would_seal,
)


def test_tallies_add_up():
    one = Tally({"visited": 1, "left": 2}, {"a/1": 1}, examples=(Example("a", "1", "", "x"),))
    other = Tally({"visited": 3}, {"a/1": 2, "b/2": 3}, examples=(Example("a", "2", "", "y"),))

    expected = Tally({"visited": 4, "left": 2}, {"a/1": 3, "b/2": 3}, examples=(*one.examples, *other.examples))
    assert expected == merged([one, other])
    assert one == merged([one, Tally()]) == merged([Tally(), one])
    assert Tally() == merged([])


def test_keys_beyond_the_bound_are_not_kept_and_that_is_said():
    full = Tally(keys={f"a/{n}": 1 for n in range(MAX_KEYS)})
    assert not merged([full]).keys_overflow

    over = merged([full, Tally(keys={"a/0": 1, "z/0": 1})])

    assert (MAX_KEYS, 2, True) == (len(over.keys), over.keys["a/0"], over.keys_overflow)
    assert merged([over, Tally()]).keys_overflow
    assert merged([Tally(), over]).keys_overflow


def test_places_beyond_the_bound_are_counted_together_and_nothing_else_is():
    places = Tally({would_seal(f"p{n}", "pii"): 1 for n in range(MAX_PLACES + 50)})

    counts = merged([places, places, Tally({"visited": 1})]).counts

    assert MAX_PLACES + 1 == len(counts)
    assert 2 * (MAX_PLACES + 50) + 1 == sum(counts.values())
    assert (2, 1) == (counts[would_seal("p0", "pii")], counts["visited"])
    assert 2 * 51 == counts["would_seal:other places"]


def test_merging_page_by_page_is_as_merging_at_once():
    pages = [
        Tally(
            {would_seal(f"p{m}", "pii"): m for m in range(n, n + 100, 5)},
            {f"a/{m}": m for m in range(n, n + 100)},
        )
        for n in range(0, MAX_KEYS + 50, 50)
    ]
    one_by_one = Tally()
    for page in pages:
        one_by_one = merged([one_by_one, page])
    assert merged(pages) == one_by_one


def test_only_some_examples_are_kept():
    many = tuple(Example("a", str(n), "", "") for n in range(MAX_EXAMPLES))
    more = Tally(examples=(Example("a", "more", "", ""),))
    assert many == merged([Tally(examples=many[:-1]), Tally(examples=many[-1:]), more]).examples


def test_a_path_is_cut_to_a_length():
    assert len(would_seal("a" * 5_000, "pii")) < MAX_PLACE_CHARACTERS + 30
    (example,) = shown(Tally(examples=(Example("a", "1", "a" * 5_000, ""),))).examples
    assert len(example.where) == MAX_PLACE_CHARACTERS


def test_ids_that_look_sensitive_are_not_shown_and_others_are():
    tally = Tally(examples=tuple(Example(tenant, item, "", "") for tenant, item in SHOWN))
    assert [expected for _, expected in SHOWN.items()] == [
        (one.tenant_id[:7], one.item_id[:7]) for one in shown(tally).examples
    ]


def test_what_was_withheld_stays_the_same_when_it_is_stored_again():
    tally = shown(Tally(examples=(Example("not a tenant", "4111 1111 1111 1111", "", ""),)))
    assert tally == shown(tally)


SHOWN = {
    ("acme", "i-1"): ("acme", "i-1"),
    ("_system", "0123456789abcdef"): ("_system", "0123456"),
    ("not a tenant", "i-1"): ("sha256:", "i-1"),
    ("acme", "4111 1111 1111 1111"): ("acme", "sha256:"),
}
