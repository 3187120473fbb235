"""DynamoDB's numbers: decimal, up to 38 significant digits, one spelling each."""

from __future__ import annotations

import re
from typing import Final

MAX_DIGITS: Final = 38
MIN_EXPONENT: Final = -130
MAX_EXPONENT: Final = 125

_PLAIN_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,37}")
_NUMBER: Final = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?")
"""Each digit fits one place only, so that a text which is no number is refused in linear time."""


def canonical_number(text: str) -> str:
    """The one spelling of a number, as DynamoDB gives it back: no exponent, no needless zero, no plus, no "-0".

    Raises:
        ValueError: not a decimal number, more than 38 significant digits, or outside of DynamoDB's
            range (magnitude 1E-130 to 9.99…E+125). The text is not in the message.
    """
    if _PLAIN_INTEGER.fullmatch(text):
        return text
    number = _NUMBER.fullmatch(text)
    if number is None or not (number[2] or number[3]):
        raise ValueError("not a decimal number")
    sign, whole, fraction, exponent = number.groups(default="")
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "0"
    if len(significant) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} significant digits")
    point = len(digits) - len(fraction) + int(exponent or "0")
    if not MIN_EXPONENT <= point - 1 <= MAX_EXPONENT:
        raise ValueError("a number lies outside of 1E-130 to 9.99E+125")
    minus = "-" if sign == "-" else ""
    if point <= 0:
        return f"{minus}0.{'0' * -point}{significant}"
    if point >= len(significant):
        return f"{minus}{significant}{'0' * (point - len(significant))}"
    return f"{minus}{significant[:point]}.{significant[point:]}"
