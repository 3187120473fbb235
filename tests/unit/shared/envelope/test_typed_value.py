from __future__ import annotations

import pytest

from shared.envelope.typed_value import MAX_DEPTH, decode, encode
from shared.model import AttributeValue


def nested(depth: int) -> AttributeValue:
    value: AttributeValue = {"S": "core"}
    for level in range(depth):
        value = {"L": [value]} if level % 2 else {"M": {"k": value}}
    return value


def nested_lists(depth: int) -> bytes:
    raw = b""
    for _ in range(depth):
        raw = b"L" + len(raw).to_bytes(4, "big") + raw
    return raw


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"S\x00\x00\x00\x00", {"S": ""}),
        (b"S\x00\x00\x00\x04\xf0\x9f\x94\x92", {"S": "\N{LOCK}"}),
        (b"N\x00\x00\x00\x03100", {"N": "100"}),
        (b"B\x00\x00\x00\x02\x00\xff", {"B": b"\x00\xff"}),
        (b"?\x00\x00\x00\x01\x01", {"BOOL": True}),
        (b"?\x00\x00\x00\x01\x00", {"BOOL": False}),
        (b"0\x00\x00\x00\x00", {"NULL": True}),
        (b"s\x00\x00\x00\x0b\x00\x00\x00\x01a\x00\x00\x00\x02bc", {"SS": ["a", "bc"]}),
        (b"n\x00\x00\x00\x0b\x00\x00\x00\x0210\x00\x00\x00\x015", {"NS": ["10", "5"]}),
        (b"b\x00\x00\x00\x04\x00\x00\x00\x00", {"BS": [b""]}),
        (b"L\x00\x00\x00\x00", {"L": []}),
        (b"L\x00\x00\x00\x05S\x00\x00\x00\x00", {"L": [{"S": ""}]}),
        (b"M\x00\x00\x00\x00", {"M": {}}),
        (b"M\x00\x00\x00\x0a\x00\x00\x00\x01a0\x00\x00\x00\x00", {"M": {"a": {"NULL": True}}}),
    ],
)
def test_each_type_has_these_bytes_and_they_give_it_back(raw, value):
    assert raw == encode(value)
    assert value == decode(raw)


def test_numbers_and_sets_are_brought_into_one_form():
    assert encode({"N": "100"}) == encode({"N": "1.00e2"})
    assert encode({"SS": ["b", "a"]}) == encode({"SS": ["a", "b"]})
    assert encode({"M": {"b": {"S": ""}, "a": {"S": ""}}}) == encode({"M": {"a": {"S": ""}, "b": {"S": ""}}})


def test_containers_nest_to_the_limit_and_no_deeper():
    deepest = nested(MAX_DEPTH)

    assert deepest == decode(encode(deepest))
    with pytest.raises(ValueError, match="more than 32"):
        encode(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"S": "a", "N": "1"},
        {"X": "a"},
        {"N": "1" * 39},
        {"NS": ["1", "1.0"]},
        {"SS": ["a", "a"]},
        {"SS": []},
        {"S": "\ud800"},
        {"M": {"\ud800": {"S": ""}}},
        {"L": [{"L": [{"X": 1}]}]},
        "S",
        {"L": ["S"]},
        {5: "a"},
    ],
)
def test_what_dynamodb_could_not_hold_does_not_encode(value):
    with pytest.raises(ValueError):  # noqa: PT011 - each for its own reason
        encode(value)


@pytest.mark.parametrize(
    "value",
    [
        {"S": 5},
        {"S": b"abc"},
        {"N": 5},
        {"B": 5},
        {"B": [1, 2]},
        {"B": "abc"},
        {"BOOL": "false"},
        {"BOOL": 1},
        {"NULL": False},
        {"NULL": "yes"},
        {"NULL": 1},
        {"SS": "abc"},
        {"SS": ["a", 5]},
        {"NS": [5]},
        {"NS": "12"},
        {"BS": [5]},
        {"BS": b"abc"},
        {"L": "abc"},
        {"L": {"a": {"S": ""}}},
        {"M": [("a", {"S": ""})]},
        {"M": {5: {"S": ""}}},
    ],
)
def test_content_of_another_type_than_the_tag_says_does_not_encode_and_is_not_shown(value):
    with pytest.raises(ValueError, match=r"not of its type|null says True") as caught:
        encode(value)
    assert not any(part in str(caught.value) for part in ("5", "abc", "12", "yes", "['"))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "cut off"),
        (b"S\x00\x00\x00", "cut off"),
        (b"S\x00\x00\x00\x01", "cut off"),
        (b"S\xff\xff\xff\xff", "cut off"),
        (b"S\x00\x00\x00\x00S", "bytes follow"),
        (b"X\x00\x00\x00\x00", "unknown tag"),
        (b"S\x00\x00\x00\x01\xff", "not UTF-8"),
        (b"S\x00\x00\x00\x03\xed\xa0\x80", "not UTF-8"),
        (b"N\x00\x00\x00\x03-.5", "one spelling"),
        (b"N\x00\x00\x00\x02-0", "one spelling"),
        (b"N\x00\x00\x00\x00", "not a decimal number"),
        (b"N\x00\x00\x00\x03NaN", "not a decimal number"),
        (b"?\x00\x00\x00\x00", "neither 0 nor 1"),
        (b"?\x00\x00\x00\x01\x02", "neither 0 nor 1"),
        (b"0\x00\x00\x00\x01\x00", "null has content"),
        (b"s\x00\x00\x00\x00", "set is empty"),
        (b"s\x00\x00\x00\x0a\x00\x00\x00\x01b\x00\x00\x00\x01a", "one order"),
        (b"s\x00\x00\x00\x0a\x00\x00\x00\x01a\x00\x00\x00\x01a", "one order"),
        (b"s\x00\x00\x00\x05\x00\x00\x00\x02a", "cut off"),
        (b"n\x00\x00\x00\x06\x00\x00\x00\x0201", "one spelling"),
        (b"b\x00\x00\x00\x03\x00\x00\x00", "cut off"),
        (b"L\x00\x00\x00\x01S", "cut off"),
        (b"L\x00\x00\x00\x05S\x00\x00\x00\x01a", "cut off"),
        (b"M\x00\x00\x00\x14\x00\x00\x00\x01b0\x00\x00\x00\x00\x00\x00\x00\x01a0\x00\x00\x00\x00", "one order"),
        (b"M\x00\x00\x00\x14\x00\x00\x00\x01a0\x00\x00\x00\x00\x00\x00\x00\x01a0\x00\x00\x00\x00", "one order"),
        (b"M\x00\x00\x00\x0a\x00\x00\x00\x01\xff0\x00\x00\x00\x00", "not UTF-8"),
        (b"M\x00\x00\x00\x04\x00\x00\x00\x00", "cut off"),
        (b"M\x00\x00\x00\x03\x00\x00\x00", "cut off"),
        (nested_lists(MAX_DEPTH + 1), "more than 32"),
        (nested_lists(20_000), "more than 32"),
    ],
)
def test_only_the_canonical_form_decodes(raw, why):
    with pytest.raises(ValueError, match=why):
        decode(raw)


def test_an_error_never_holds_the_value():
    with pytest.raises(ValueError, match="UTF-8") as caught:
        decode(b"S\x00\x00\x00\x09secret-\xff\xff")

    assert "secret" not in repr(caught.value)
    assert caught.value.__suppress_context__
