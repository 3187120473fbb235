"""The policy file: its digest follows the meaning alone, and no text makes the loader fail in another way."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import PolicyError
from shared.model import ELEMENT
from shared.policy.load import parse_policy
from shared.policy.paths import Pattern, PatternError, format_path, parse_pattern

HEAD = ["version = 1", 'dataset = "customers"']
ATTRIBUTES = {
    "ssn": 'seal = "pii"',
    "contacts[].email": 'seal = "pii"',
    "**.card_number": 'seal = "pci"',
    "amount": 'plain = "number"',
    '"a.b".c': 'plain = "string"',
}
SPELLINGS = {
    "ssn": ["ssn", "'\"ssn\"'", r'"\u0073sn"'],
    "contacts[].email": ['"contacts[].email"', "'contacts[].\"email\"'"],
    "**.card_number": ["'**.card_number'", "'**.\"card_number\"'"],
    "amount": ["amount", '"amount"'],
    '"a.b".c': ["'\"a.b\".c'", r'"\"a.b\".c"', r"""'"a\u002eb".c'"""],
}

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
PATHS = st.tuples(KEYS, st.lists(st.one_of(KEYS, st.just(ELEMENT)), max_size=4)).map(
    lambda parts: (parts[0], *parts[1])
)
TOP = ["version = 1", 'dataset = "d"', "[item]", 'tenant = "t"', 'id = "i"', 'order = "o"', "[attributes]"]
OTHER = ["[classes.x]", "[defaults]", '"a.b" = { seal = "x" }', '"**.b" = { plain = "string" }']
BROKEN = ["'''", '"""', "]", "=", "#", "a.b = [", "}"]
PIECES = st.sampled_from([*TOP, *OTHER, *BROKEN])


@st.composite
def layouts(draw):
    """The same policy in some order, spelling and layout."""
    comments = st.sampled_from(["", "  # [classes.x] = no table", " #"])
    rules = []
    for path, rule in draw(st.permutations(list(ATTRIBUTES.items()))):
        key = draw(st.sampled_from(SPELLINGS[path]))
        verb, what = rule.split(" = ")
        forms = [f"{key} = {{ {rule} }}", f"{key}.{verb}={what}", f"  {key}\t=\t{{{verb} = {what}}}"]
        rules.append(draw(st.sampled_from(forms)))
    item = draw(st.permutations(['tenant = "tenant_id"', 'id = "id"', 'unknown_order = "quarantine"']))
    defaults = draw(st.sampled_from([[], ["[defaults]"], ["[defaults]", 'undeclared = "seal"']]))
    classes = draw(st.permutations(["[classes.pii]", "[classes.pci]\nrotate_after_days = 90", "[classes.restricted]"]))
    tables = draw(st.permutations([["[item]", *item], defaults, classes, ["[attributes]", *rules]]))
    lines = [*draw(st.permutations(HEAD)), *(line for table in tables for line in table)]
    newline = draw(st.sampled_from(["\n", "\n\n", "\r\n"]))
    return newline.join(f"{line}{draw(comments)}" for line in lines)


@given(one=layouts(), other=layouts())
def test_order_spelling_and_comments_leave_the_digest_as_it_is(one, other):
    assert parse_policy(one, "one").digest == parse_policy(other, "other").digest


@given(path=PATHS, anywhere=st.booleans())
def test_a_path_that_is_written_reads_back_as_itself(path, anywhere):
    pattern = Pattern(anywhere, path)
    assert pattern == parse_pattern(str(pattern))
    assert format_path(path).isprintable()


@given(one=PATHS, other=PATHS)
def test_two_paths_are_never_written_alike(one, other):
    assert (one == other) == (format_path(one) == format_path(other))


@given(text=st.text(max_size=12) | st.text('a.[]*"\\', max_size=12))
def test_no_text_makes_a_path_fail_in_another_way(text):
    with suppress(PatternError):
        assert parse_pattern(text).components


@given(lines=st.lists(PIECES | st.text(max_size=8).map(json.dumps), max_size=12))
def test_no_text_makes_the_loader_fail_in_another_way(lines):
    with pytest.raises(PolicyError, match=r"^policy\.toml:\d+: .+: .+") as refused:
        parse_policy("\n".join([*lines, "["]), "policy.toml")
    assert 1 <= int(str(refused.value).split(":")[1]) <= len(lines) + 1


@given(lines=st.permutations([*TOP, *OTHER]), count=st.integers(0, len(TOP) + len(OTHER)))
def test_no_file_that_is_toml_makes_the_loader_fail_in_another_way(lines, count):
    with suppress(PolicyError):
        assert parse_policy("\n".join(lines[:count]), "policy.toml").dataset == "d"
