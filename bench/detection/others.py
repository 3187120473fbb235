"""Cards, accounts, addresses, phone numbers and credentials of nobody."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Callable
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Final

from phonenumbers import PhoneNumberFormat, example_number, format_number, is_valid_number, parse
from stdnum import luhn, numdb
from stdnum.iso7064 import mod_97_10

from bench.detection.people import Kind, number
from shared.policy.detect.names import Detector
from shared.policy.iban import IBAN_LENGTHS

_BASE_62: Final = digits + ascii_uppercase + ascii_lowercase
_REGIONS: Final = ("AT", "AU", "BE", "BR", "CA", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IN", "IT")


def _card(draw: Random) -> tuple[str, str]:
    begin, groups = draw.choice(
        [("4", (4, 4, 4, 4)), ("55", (4, 4, 4, 4)), ("2720", (4, 4, 4, 4)), ("6011", (4, 4, 4, 4)), ("37", (4, 6, 5))]
    )
    text = begin + number(draw, sum(groups) - len(begin) - 1)
    text += luhn.calc_check_digit(text)
    return _grouped(text, groups, draw.choice(" -\u00a0")), text


def _grouped(text: str, groups: tuple[int, ...], by: str) -> str:
    pieces, at = [], 0
    for length in groups:
        pieces.append(text[at : at + length])
        at += length
    return by.join(pieces)


def _iban(draw: Random) -> tuple[str, str]:
    country = draw.choice(sorted(IBAN_LENGTHS))
    ((_, known),) = numdb.get("iban").info(country)
    account = _bban(draw, known["bban"])
    text = country + mod_97_10.calc_check_digits(account + country) + account
    return _grouped(text, (4,) * (len(text) // 4) + ((len(text) % 4,) if len(text) % 4 else ()), " "), text


def _bban(draw: Random, structure: str) -> str:
    """An account number of a registry's structure, as 4!a6!n is four letters and six digits."""
    account, length = "", ""
    for character in structure:
        if character.isdigit():
            length += character
        elif character != "!":
            account += _of_kind(draw, character, int(length))
            length = ""
    return account


def _of_kind(draw: Random, kind: str, length: int) -> str:
    return "".join(draw.choices({"n": digits, "a": ascii_uppercase, "c": digits + ascii_uppercase}[kind], k=length))


def _ssn(draw: Random) -> tuple[str, str]:
    area = draw.choice([*range(1, 666), *range(667, 900)])
    text = f"{area:03}-{draw.randint(1, 99):02}-{draw.randint(1, 9999):04}"
    return text, text.replace("-", "")


def _email(draw: Random) -> tuple[str, str]:
    local = draw.choice(["ann.example", "j", "a+orders", "info", "x_y-z", "jos\u00e9"]) + str(draw.randrange(100))
    domains = ["example.org", "mail.example.co.uk", "a.museum", "xn--bcher-kva.example", "b\u00fccher.example"]
    domain = draw.choice(domains)
    return f"{local}@{domain}", ""


def _phone(draw: Random) -> tuple[str, str]:
    found = _number_of(draw, draw.choice(_REGIONS))
    return format_number(found, PhoneNumberFormat.INTERNATIONAL), format_number(found, PhoneNumberFormat.E164)


def _national_phone(region: str) -> Callable[[Random], tuple[str, str]]:
    def make(draw: Random) -> tuple[str, str]:
        printed = format_number(_number_of(draw, region), PhoneNumberFormat.NATIONAL)
        return printed, "".join(filter(str.isdigit, printed))

    return make


def _number_of(draw: Random, region: str):  # noqa: ANN202 - a PhoneNumber
    """A number near the example of its region."""
    example = format_number(example_number(region), PhoneNumberFormat.E164)
    while True:
        found = parse(example[:-5] + number(draw, 5), None)
        if is_valid_number(found):
            return found


def _aws_key(draw: Random) -> tuple[str, str]:
    if draw.choice((True, False)):
        base_32 = ascii_uppercase + "234567"
        return draw.choice(["AKIA", "ASIA"]) + "".join(draw.choices(base_32, k=16)), ""
    return "aws_secret_access_key = " + "".join(draw.choices(ascii_letters + digits + "/+", k=40)), ""


def _private_key(draw: Random) -> tuple[str, str]:
    kind = draw.choice(["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
    body = "".join(draw.choices(ascii_letters + digits + "/+", k=64))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----", ""


def _token(draw: Random) -> tuple[str, str]:
    def letters(length: int) -> str:
        return "".join(draw.choices(_BASE_62, k=length))

    body = letters(30)
    rest, check = crc32(body.encode("ascii")), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        check = _BASE_62[digit] + check
    jwt = f"eyJ{letters(33)}.eyJ{letters(60)}.{letters(43)}"
    slack = f"xoxb-{number(draw, 12)}-{letters(24)}"
    return draw.choice([f"ghp_{body}{check}", jwt, slack, f"glpat-{letters(20)}", f"sk_live_{letters(24)}"]), ""


def _kind(detector: Detector, name: str, place: str, made: Callable[[Random], tuple[str, str]]) -> Kind:
    return Kind(detector, [name], [place], made)


OTHERS: Final = (
    _kind(Detector.CARD, "card", "card_number", _card),
    _kind(Detector.IBAN, "IBAN", "iban", _iban),
    _kind(Detector.US_SSN, "SSN", "ssn", _ssn),
    _kind(Detector.EMAIL, "e-mail", "email", _email),
    _kind(Detector.PHONE, "phone", "phone", _phone),
    _kind(Detector.PHONE_DE, "Telefon", "phone", _national_phone("DE")),
    _kind(Detector.PHONE_FR, "téléphone", "phone", _national_phone("FR")),
    _kind(Detector.PHONE_GB, "phone", "phone", _national_phone("GB")),
    _kind(Detector.PHONE_US, "phone", "phone", _national_phone("US")),
    _kind(Detector.AWS_KEY, "key", "credentials", _aws_key),
    _kind(Detector.PRIVATE_KEY, "key", "credentials", _private_key),
    _kind(Detector.TOKEN, "token", "credentials", _token),
)
