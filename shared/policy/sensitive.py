"""Recognises sensitive data by its own form, in text that no rule says is sensitive: what every bundle recognises.

It says also what can be a sealed value and which keys are shown, so it needs no library and asks no policy; the tests
hold it against python-stdnum. What a policy chooses beside is in `shared.policy.detect`.

Only forms with check digits, excluded ranges or a fixed grouping: a finding raises an alarm, and timestamps, order
numbers, UUIDs and digests must not. All patterns are bounded, so the time is linear in the text's length.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from string import ascii_uppercase
from typing import Final

from shared.policy.detect.folded import folded
from shared.policy.detect.names import Detector
from shared.policy.iban import IBAN_LENGTHS

# between groups, where text is folded; binary data is not, and has a no-break space in Latin-1
_BY: Final = r"[ \u00a0.\-]"

# 13 digits (the old Visa numbers) are left out: milliseconds since the epoch have as many
_CARD_PLAIN: Final = re.compile(r"(?<![0-9])(?<![0-9]\.)[0-9]{14,19}(?![0-9]|\.[0-9])")
# from every group on, since a year or another number may stand before; a group behind may be of the number or not
_CARD_GROUPED: Final = re.compile(
    r"(?<![0-9])(?<![0-9]{5}[.\-])"
    rf"(?=([2-6][0-9]{{3}}({_BY})(?:[0-9]{{4}}\2[0-9]{{4}}\2[0-9]{{4}}|[0-9]{{6}}\2[0-9]{{4,5}}))"
    r"(?![0-9]|[.\-][0-9]{5})(\2[0-9]{1,3}(?![0-9]))?)"
)
# issuer ranges by number of digits: Diners Club 14; American Express 15; Visa 16 and 19; Mastercard, Discover, JCB 16;
# UnionPay 16 to 19. Maestro's range takes in a tenth of all numbers and is left out.
_CARD_ISSUERS: Final = {
    14: re.compile(r"3(?:0[0-5]|[68])"),
    15: re.compile(r"3[47]"),
    16: re.compile(r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|6(?:011|4[4-9]|5|2)|35(?:2[89]|[3-8])"),
    17: re.compile("62"),
    18: re.compile("62"),
    19: re.compile("4|62"),
}
_DOUBLED: Final = str.maketrans("0123456789", "0246813579")
_DIGEST_LENGTH: Final = 24
_ALPHANUMERIC_BEFORE: Final = re.compile(r"[0-9A-Za-z]{0,64}\Z")
_ALPHANUMERIC: Final = re.compile(r"[0-9A-Za-z]{0,64}")
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")

_SSN: Final = re.compile(
    r"(?<![0-9])(?<![0-9]-)(?!000|666|9)[0-9]{3}([ \u00a0\-])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}"
    r"(?![0-9A-Za-z]|-[0-9A-Za-z])"
)
_IBAN: Final = re.compile(
    r"(?<![0-9A-Za-z])(?=([A-Za-z]{2}[0-9]{2}(?:[0-9A-Za-z]{11,30}|"
    rf"({_BY})[0-9A-Za-z]{{4}}(?:\2[0-9A-Za-z]{{4}}){{1,6}}(?:\2[0-9A-Za-z]{{1,3}})?)(?![0-9A-Za-z])))"
)
_LETTERS_AS_NUMBERS: Final = {ord(letter): str(number) for number, letter in enumerate(ascii_uppercase, start=10)}
_NO_DIGIT_OR_LETTER: Final = re.compile(r"[^0-9A-Za-z]")
_EMAIL_LOCAL: Final = re.compile(r"[\w%+-]\Z")
_EMAIL_DOMAIN: Final = re.compile(r"(?:[\w-]{1,63}\.){1,5}[^\W\d_]{2,24}(?![^\W_])")


def scan_text(text: str) -> frozenset[Detector]:
    """What the text holds of each form."""
    return scan_folded(folded(text))


def scan_folded(text: str) -> frozenset[Detector]:
    """The same of a text that is folded already."""
    return _scan_numbers(text) | (frozenset({Detector.EMAIL}) if _holds_email(text) else frozenset())


def scan_bytes(raw: bytes) -> frozenset[Detector]:
    """The same in binary data, but for e-mail addresses: random bytes look like these too often."""
    return _scan_numbers(raw.decode("latin-1"))


def reads_as_text(raw: bytes) -> bool:
    """Whether bytes that should be random are printable UTF-8 or half of UTF-16; 40 of them never are by chance."""
    if not any(raw[::2]) or not any(raw[1::2]):
        return True
    try:
        text = getincrementaldecoder("utf-8")().decode(raw)  # a character that is cut at the end is none against it
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n" for character in text)


def _scan_numbers(text: str) -> frozenset[Detector]:
    found = set()
    if any(map(_is_card_number, _card_candidates(text))):
        found.add(Detector.CARD)
    if _SSN.search(text):
        found.add(Detector.US_SSN)
    if any(_is_iban(match[1]) for match in _IBAN.finditer(text)):
        found.add(Detector.IBAN)
    return frozenset(found)


def _card_candidates(text: str) -> Iterator[str]:
    for match in _CARD_PLAIN.finditer(text):
        if not _is_in_digest(text, match):
            yield match[0]
    for match in _CARD_GROUPED.finditer(text):
        number, _, behind = match.groups(default="")
        yield _compact(number)
        if behind:
            yield _compact(number + behind)


def _compact(text: str) -> str:
    return _NO_DIGIT_OR_LETTER.sub("", text)


def _is_in_digest(text: str, match: re.Match[str]) -> bool:
    """Whether the digits are a stretch of a longer hexadecimal number: a digest, a trace id, an object id."""
    before = _ALPHANUMERIC_BEFORE.search(text, max(0, match.start() - 64), match.start())
    after = _ALPHANUMERIC.match(text, match.end())
    token = (before[0] if before else "") + match[0] + (after[0] if after else "")
    return len(token) >= _DIGEST_LENGTH and bool(_HEX.fullmatch(token))


def _is_card_number(digits: str) -> bool:
    issuer = _CARD_ISSUERS.get(len(digits))
    if issuer is None or not issuer.match(digits):
        return False
    return sum(map(int, digits[-1::-2] + digits[-2::-2].translate(_DOUBLED))) % 10 == 0


def _is_iban(text: str) -> bool:
    """Country's length and check digits (ISO 13616: moved to the end, letters as numbers, remainder 1 by 97)."""
    compact = _compact(text).upper()
    length = IBAN_LENGTHS.get(compact[:2], 0)
    # words may follow a number in groups; a number in one piece ends where it ends
    number = compact[:length] if len(text) > len(compact) else compact
    if not length or len(number) != length:
        return False
    return int((number[4:] + number[:4]).translate(_LETTERS_AS_NUMBERS)) % 97 == 1


def _holds_email(text: str) -> bool:
    at = text.find("@")
    while at >= 0:
        if _EMAIL_LOCAL.match(text, at - 1, at) and _EMAIL_DOMAIN.match(text, at + 1):
            return True
        at = text.find("@", at + 1)
    return False
