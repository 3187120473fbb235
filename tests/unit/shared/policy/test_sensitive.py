"""What the scanners recognise, and what they must leave alone."""

from __future__ import annotations

import hashlib
import random
import re
import time
import uuid

import pytest
from stdnum import luhn, numdb
from stdnum.iso7064 import mod_97_10

from shared.policy.detect.names import Detector
from shared.policy.iban import IBAN_LENGTHS
from shared.policy.sensitive import reads_as_text, scan_bytes, scan_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4111111111111111", Detector.CARD),
        ("4111 1111 1111 1111", Detector.CARD),
        ("paid with 4111-1111-1111-1111.", Detector.CARD),
        ("378282246310005", Detector.CARD),
        ("3782 822463 10005", Detector.CARD),
        ("30569309025904", Detector.CARD),
        ("5555555555554444", Detector.CARD),
        ("2223003122003222", Detector.CARD),
        ("6011111111111117", Detector.CARD),
        ("3530111333300000", Detector.CARD),
        ("6200000000000000000", Detector.CARD),
        ("card4111111111111111", Detector.CARD),
        ("customer-4111111111111111", Detector.CARD),
        ("cust_4111111111111111_eu", Detector.CARD),
        ("%B4111111111111111^DOE/JANE^", Detector.CARD),
        ("219-09-9999", Detector.US_SSN),
        ("SSN: 219 09 9999", Detector.US_SSN),
        ("user-219-09-9999", Detector.US_SSN),
        ("DE89370400440532013000", Detector.IBAN),
        ("to DE89 3704 0044 0532 0130 00 EUR", Detector.IBAN),
        ("gb82west12345698765432", Detector.IBAN),
        ("NO9386011117947", Detector.IBAN),
        ("MT84MALT011000012345MTLCAST001S", Detector.IBAN),
        ("4111\u00a01111\u00a01111\u00a01111", Detector.CARD),
        ("4111\u202f1111\u202f1111\u202f1111", Detector.CARD),
        ("4111\u20131111\u20131111\u20131111", Detector.CARD),
        ("4111\u20111111\u20111111\u20111111", Detector.CARD),
        ("4111.1111.1111.1111", Detector.CARD),
        ("no.4111.1111.1111.1111.", Detector.CARD),
        ("3782\u00a0822463\u00a010005", Detector.CARD),
        ("219\u201309\u20139999", Detector.US_SSN),
        ("DE89-3704-0044-0532-0130-00", Detector.IBAN),
        ("iban:GB82-WEST-1234-5698-7654-32", Detector.IBAN),
        ("DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", Detector.IBAN),
        ("4111 1111 1111 1111 123", Detector.CARD),
        ("4111-1111-1111-1111-123", Detector.CARD),
        ("4111.1111.1111.1111.123", Detector.CARD),
        ("card 4111 1111 1111 1111 737 exp 12/27", Detector.CARD),
        ("4111 1111 1111 1111 12/27 737", Detector.CARD),
        ("3782-822463-10005-1234", Detector.CARD),
        ("exp 2027 5555 5555 5555 4444", Detector.CARD),
        ("2026-4111-1111-1111-1111", Detector.CARD),
        ("4000 4111 1111 1111 1111 5555", Detector.CARD),
        ("6200 0000 0000 0000 000", Detector.CARD),
        ("6200 0000 0000 0000 05", Detector.CARD),
        ("KW23 DE89 3704 0044 0532 0130 00", Detector.IBAN),
        ("NR12 2026 DE89 3704 0044 0532 0130 00 1234", Detector.IBAN),
        ("\uff14\uff11\uff11\uff11" + 12 * "\uff11", Detector.CARD),
        ("\u0664\u0661\u0661\u0661" + 12 * "\u0661", Detector.CARD),
        ("4111\u00ad1111\u200b1111\u20601111", Detector.CARD),
        ("4111\u2009111\u200b1\u20091111\u30001111", Detector.CARD),
        ("4111 1111 1111 1111\u00b2", Detector.CARD),
        ("\uff24\uff25\uff18\uff19370400440532013000", Detector.IBAN),
        ("219\u221209\u22129999", Detector.US_SSN),
        ("jane.doe+x@example.org", Detector.EMAIL),
        ("jane\uff20example.org", Detector.EMAIL),
        ("jos\u00e9@example.com", Detector.EMAIL),
        ("jose\u0301@example.com", Detector.EMAIL),
        ("info@m\u00fcller.de", Detector.EMAIL),
        ("\u043f\u043e\u0447\u0442\u0430@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444", Detector.EMAIL),
        ("@ <j@a.b.example>", Detector.EMAIL),
    ],
)
def test_sensitive_data_is_recognised(text, expected):
    assert frozenset({expected}) == scan_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111111111111112",  # check digit
        "1111111111111117",  # no issuer
        "4111 1111-1111 1111",
        "4111.1111 1111.1111",
        "11111.4111.1111.1111.1111",
        "4111.1111.1111.1111.11111",
        "4111.1111.1111.11115",
        "4111-1111-1111-1111-11111",
        "4111-1111-1111-1112-123",
        "219.09.9999",
        "10.0.0.1 4111.1111",
        "DE89-3704 0044-0532 0130-00",
        "AB12-CD34-EF56-GH78-IJ90",
        "DE89-3704-0044-0532-0130-01",
        "12345678-4111-1111-1111-1111-11111111",
        "0.4111111111111111",
        "4111111111111111.50",
        "41111111111111111111",
        "2024-11-21T10:00:00.123456789Z",
        "20241121100000",
        "1732183200",
        "1732183200000",
        "1732183200000000",
        "1732183200000000000",
        "ORD-2024-000123",
        "192.168.100.200",
        "+49 170 1234567",
        "(555) 123-4567",
        "978-3-16-148410-0",
        "000-12-3456",
        "666-12-3456",
        "912-12-3456",
        "123-00-4567",
        "123-45-0000",
        "123-45 6789",
        "1-219-09-9999",
        "219-09-9999-1",
        "DE89370400440532013001",  # check digits
        "DE8937040044053201300",  # length
        "DE89 3704 0044",
        "ZZ89370400440532013000",  # country
        "@handle",
        "a@b",
        "left-pad@1.3.0",
        "@scope/package",
        "49673912837465012938475610293847561029384756102938475610",
    ],
)
def test_what_only_looks_similar_is_left_alone(text):
    assert frozenset() == scan_text(text)


def test_one_text_can_hold_several():
    assert {Detector.CARD, Detector.EMAIL} == scan_text("a@example.org 4111111111111111")


def test_identifiers_and_digests_are_left_alone():
    draw = random.Random(7)
    for number in range(3_000):
        bits = draw.getrandbits(128)
        for text in (
            str(uuid.UUID(int=bits, version=4)),
            f"{bits:032x}",
            hashlib.sha256(str(number).encode()).hexdigest(),
            hashlib.sha256(str(number).encode()).hexdigest().upper(),
        ):
            assert frozenset() == scan_text(text), text


def test_random_bytes_are_left_alone():
    draw = random.Random(7)
    assert not any(scan_bytes(draw.randbytes(400)) for _ in range(2_000))


def test_bytes_that_hold_a_card_number_are_recognised():
    assert frozenset({Detector.CARD}) == scan_bytes(b"\x01\xff\x00\x00 4111111111111111 \xfe")


def test_bytes_are_not_searched_for_addresses():
    assert frozenset() == scan_bytes(b"jane@example.org")


@pytest.mark.parametrize(
    "raw",
    [
        b"diagnosis: none, follow up in autumn 202",
        "Größe und Gewicht: unauffällig, Befund n"[:38].encode()[:40],
        b"tabs\tand\r\nlines are text as well, surely"[:40],
        "a diagnosis in UTF-16".encode("utf-16-le")[:40],
        "a diagnosis in UTF-16".encode("utf-16-be")[:40],
    ],
)
def test_text_where_random_bytes_belong_is_recognised(raw):
    assert reads_as_text(raw)


def test_random_bytes_are_no_text():
    draw = random.Random(7)
    assert not any(reads_as_text(draw.randbytes(40)) for _ in range(20_000))
    assert not reads_as_text(b"control characters are none of a text \x01\x02")


def test_a_card_number_is_one_by_the_library_too():
    draw = random.Random(7)
    for _ in range(3_000):
        begin, length = draw.choice([("4", 16), ("51", 16), ("34", 15), ("62", 19), ("6011", 16), ("36", 14)])
        digits = begin + "".join(draw.choices("0123456789", k=length - len(begin)))
        assert luhn.is_valid(digits) == (frozenset({Detector.CARD}) == scan_text(digits)), digits


def test_an_iban_is_one_by_the_library_too():
    """But for what some countries check within it besides, as the library does."""
    draw = random.Random(7)
    for country, length in IBAN_LENGTHS.items():
        for _ in range(100):
            text = f"{country}{draw.randrange(100):02}{''.join(draw.choices('0123456789', k=length - 4))}"
            assert mod_97_10.is_valid(text[4:] + text[:4]) == (Detector.IBAN in scan_text(text)), text


def test_every_country_with_an_iban_has_the_length_that_the_library_knows():
    registry = numdb.get("iban")
    for country, length in IBAN_LENGTHS.items():
        ((_, known),) = registry.info(country)
        assert length - 4 == sum(map(int, re.findall(r"([0-9]+)!", known["bban"]))), country


@pytest.mark.parametrize(("length", "expected"), [(23, {Detector.CARD}), (24, set())])
def test_a_stretch_of_a_digest_is_no_card_number(length, expected):
    assert expected == scan_text("4111111111111111".ljust(length, "a"))


@pytest.mark.parametrize(
    "unit", ["4", "4111 ", "é ", "1 ", "1-", "1111 ", "1111.", "DE12-", "a@", "@", "a.", "a@a.", "DE12 ", "aa11", "DE"]
)
def test_the_time_is_linear_in_the_length(unit):
    started = time.process_time()
    scan_text(unit * (200_000 // len(unit)))
    assert time.process_time() - started < 5  # a quadratic scan would take minutes
