"""Phone numbers are recognised with a plus, or as a country groups them."""

from __future__ import annotations

import pytest

from shared.policy.detect.names import Detector
from shared.policy.detect.scanner import scanner

PHONES = frozenset(one for one in Detector if one.startswith("phone"))
SCAN = scanner(PHONES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+49 170 1234567", Detector.PHONE),
        ("+491701234567", Detector.PHONE),
        ("tel:+33-1-42-68-53-00;ext=4", Detector.PHONE),
        ("call +44\u00a020\u00a07946\u00a00958 now", Detector.PHONE),
        ("030 123456", Detector.PHONE_DE),
        ("0170/1234567", None),  # grouped as 0170 1234567, and the slash parts as well as a space
        ("01 42 68 53 00", Detector.PHONE_FR),
        ("01.42.68.53.00", Detector.PHONE_FR),
        ("020 7946 0958", Detector.PHONE_GB),
        ("+49 170 1234567 123", Detector.PHONE),
        ("01 42 68 53 00 75 001", Detector.PHONE_FR),
        ("01 01 42 68 53 00", Detector.PHONE_FR),
        ("030 123456 12", Detector.PHONE_DE),
        ("\uff0b\uff14\uff19 170 123\u200b4567", Detector.PHONE),
        ("(212) 736-5000", Detector.PHONE_US),
        ("212 212 736 5000", Detector.PHONE_US),
        ("1-212-736-5000", Detector.PHONE_US),
    ],
)
def test_a_phone_number_is_recognised(text, expected):
    assert frozenset({expected or Detector.PHONE_DE}) == SCAN.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "+1 555 0100",
        "+00 170 1234567",
        "+43 1110 0",  # four digits in Austria can be a number, and much else
        "2024-11-21T10:00:00+01:00",
        "1+491701234567",
        "01426853 00",  # digits, but none of the groups
        "1234 5678",
        "10.0.0.1",
        "12-345-678",
        "212-736-50001",
        "0212-736-5000",
        "192.168.100.200",
    ],
)
def test_what_only_looks_similar_is_left_alone(text):
    assert frozenset() == SCAN.text(text)


def test_bytes_are_not_searched_for_phone_numbers():
    assert frozenset() == SCAN.bytes(b"+49 170 1234567")
