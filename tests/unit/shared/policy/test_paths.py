"""The notation of paths."""

from __future__ import annotations

import pytest

from shared.model import ELEMENT
from shared.policy.paths import Pattern, PatternError, format_path, parse_pattern


@pytest.mark.parametrize(
    ("text", "anywhere", "components"),
    [
        ("a", False, ("a",)),
        ("a.b", False, ("a", "b")),
        ('"a.b".c', False, ("a.b", "c")),
        ('a."b[]"', False, ("a", "b[]")),
        ("a[].b", False, ("a", ELEMENT, "b")),
        ("a[][]", False, ("a", ELEMENT, ELEMENT)),
        ("**.a", True, ("a",)),
        ("**.a[].b", True, ("a", ELEMENT, "b")),
        ('"**".a', False, ("**", "a")),
        (r'"a\"b\\c"', False, ('a"b\\c',)),
        (r'"\u00e9 \n"', False, ("é \n",)),
        ("naïve-name$1", False, ("naïve-name$1",)),
    ],
)
def test_a_path_reads_as_its_components(text, anywhere, components):
    assert Pattern(anywhere, components) == parse_pattern(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "a name is missing where the path ends"),
        ("a.", "a name is missing where the path ends"),
        (".a", "a name is missing before"),
        ("a..b", "a name is missing before"),
        ("[]", "directly behind the name"),
        ("a.[]", "directly behind the name"),
        ("a[0]", "directly behind the name"),
        ("**", "stands once, at the beginning"),
        ("**[]", "stands once, at the beginning"),
        ("**.**.a", "stands once, at the beginning"),
        ("a.**.b", "stands once, at the beginning"),
        ("a.*", "stands once, at the beginning"),
        ("a[]b", "in quotes"),
        ("first name", "in quotes"),
        (" a", "in quotes"),
        ('a"b', "in quotes"),
        ('"a"b', "in quotes"),
        ('"a', "in quotes"),
        (r'"\x"', "JSON string"),
        ('""', "at least one character"),
        (r'"\ud800"', "lone surrogate"),
        ("a\u200bb", "unprintable"),
        (".".join("a" * 33), "32 levels"),
    ],
)
def test_an_ill_formed_path_is_refused_with_advice(text, rule):
    with pytest.raises(PatternError, match=rule.replace("[", r"\[")):
        parse_pattern(text)


def test_a_component_without_name_reads_as_a_question_mark():
    assert format_path(("a", None, ELEMENT, None)) == "a.?[].?"
    assert format_path(("?",)) == '"?"'


def test_control_characters_do_not_reach_a_terminal():
    assert format_path(("\x1b[31m", "\u202e")) == r'"\u001b[31m"."\u202e"'
