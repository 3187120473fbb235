from __future__ import annotations

import re
from decimal import Decimal
from time import perf_counter

import pytest

from shared.envelope.number import canonical_number


@pytest.mark.parametrize(
    ("canonical", "spellings"),
    [
        ("0", ["0", "-0", "+0", "0.0", "00", "0e5", ".0", "0.", "0e-99999"]),
        ("100", ["100", "1e2", "1E+2", "1.00E2", "+100", "0100", "100.000", "1000e-1"]),
        ("-0.5", ["-0.5", "-.5", "-5e-1", "-0.50"]),
        ("1.5", ["1.5", "15e-1", "0.15e1", "001.500"]),
        ("9" * 38, ["9" * 38, "9" * 38 + ".0", "0." + "9" * 38 + "e38"]),
        ("1" + "0" * 125, ["1e125", "1" + "0" * 125]),
        ("9." + "9" * 37, ["9." + "9" * 37]),
        ("-0." + "0" * 129 + "1", ["-1e-130", "-0." + "0" * 129 + "1"]),
    ],
)
def test_every_spelling_of_a_number_becomes_the_one_of_dynamodb(canonical, spellings):
    assert [canonical] * len(spellings) == [canonical_number(spelling) for spelling in spellings]


def test_the_largest_number_keeps_all_its_digits():
    largest = "9." + "9" * 37 + "E+125"

    assert Decimal(largest) == Decimal(canonical_number(largest))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "-",
        "+",
        "e5",
        "1e",
        "1e+",
        "--1",
        "1 ",
        " 1",
        "1_0",
        "0x1",
        "NaN",
        "Infinity",
        "1,5",
        "1.2.3",
        "\u0661",
    ],
)
def test_what_is_no_decimal_number_is_refused(text):
    with pytest.raises(ValueError, match=re.escape("not a decimal number")):
        canonical_number(text)


@pytest.mark.parametrize("text", ["1" * 39, "1" * 38 + ".1", "0." + "1" * 39])
def test_more_than_38_significant_digits_are_refused_without_naming_them(text):
    with pytest.raises(ValueError, match="more than 38 significant digits") as caught:
        canonical_number(text)

    assert text[:10] not in str(caught.value)


@pytest.mark.parametrize("text", ["1e126", "-1e126", "1e-131", "9.99e-131", "1e999999999", "1e-999999999", "10e125"])
def test_numbers_outside_of_dynamodbs_range_are_refused(text):
    with pytest.raises(ValueError, match="outside"):
        canonical_number(text)


def test_an_endless_exponent_is_refused_at_once():
    with pytest.raises(ValueError, match="limit"):
        canonical_number("1e" + "9" * 100_000)


@pytest.mark.parametrize("text", ["1" * 200_000 + "x", "." + "1" * 200_000 + "x", "1e" + "1" * 200_000 + "x"])
def test_a_long_text_that_is_no_number_is_refused_in_linear_time(text):
    started = perf_counter()
    with pytest.raises(ValueError, match="not a decimal number"):
        canonical_number(text)

    assert perf_counter() - started < 1
