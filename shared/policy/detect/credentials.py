"""Keys and tokens, by the marks that their issuers put on them so that they can be found."""

from __future__ import annotations

import re
from binascii import crc32
from collections.abc import Iterator
from typing import Final

from shared.policy.detect.names import Detector

_AWS_KEY_ID: Final = re.compile(r"(?<![0-9A-Za-z])(?:AKIA|ASIA)[A-Z2-7]{16}(?![0-9A-Za-z])")
_AWS_SECRET: Final = re.compile(
    r"(?i:secret[_-]?access[_-]?key)[\"' \t]{0,4}[:=][\"' \t]{0,4}"
    r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
)
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"|PuTTY-User-Key-File-[23]:|AGE-SECRET-KEY-1[0-9A-Z]{58}"
)
_JWT: Final = r"eyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{16,2000}"
_TOKEN: Final = re.compile(
    rf"(?<![0-9A-Za-z_-])(?:{_JWT}|glpat-[0-9A-Za-z_-]{{20}}|xox[abprs]-[0-9]{{8,14}}-[0-9A-Za-z-]{{16,250}}"
    r"|(?:sk|rk)_live_[0-9A-Za-z]{24,250}|AIza[0-9A-Za-z_-]{35}|npm_[0-9A-Za-z]{36}"
    r"|github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59})(?![0-9A-Za-z_-])"
)
_GITHUB: Final = re.compile(r"(?<![0-9A-Za-z])gh[oprsu]_([0-9A-Za-z]{30})([0-9A-Za-z]{6})(?![0-9A-Za-z])")
_BASE_62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def find_credentials(text: str, where: str = "", _budget: object = None) -> Iterator[Detector]:
    """Which kinds of them the text at this place holds."""
    if _AWS_KEY_ID.search(text) or _AWS_SECRET.search(f"{where}={text}"):
        yield Detector.AWS_KEY
    if _PRIVATE_KEY.search(text):
        yield Detector.PRIVATE_KEY
    if _TOKEN.search(text) or any(map(_is_githubs, _GITHUB.finditer(text))):
        yield Detector.TOKEN


def _is_githubs(match: re.Match[str]) -> bool:
    """Whether the last six characters are the CRC-32 of those before, in base 62."""
    rest, digits = crc32(match[1].encode("ascii")), ""
    for _ in match[2]:
        rest, digit = divmod(rest, 62)
        digits = _BASE_62[digit] + digits
    return digits == match[2]
