"""Text as the detectors' patterns have it, whatever characters a keyboard or a word processor wrote it in."""

from __future__ import annotations

from functools import cache
from typing import Final
from unicodedata import category, decimal, normalize

_DASHES: Final = "\u2010\u2011\u2012\u2013\u2212"


def folded(text: str) -> str:
    """The text without what cannot be seen, with ASCII for digits, spaces, dashes and wide forms; never longer.

    Character by character: Unicode's own normalization makes one character eighteen, and takes the square of the time
    for a heap of accents.
    """
    if text.isascii():
        return text
    return text.translate({ord(one): _folded(one) for one in set(text) if not one.isascii()})


@cache
def _folded(character: str) -> str:
    if category(character) in {"Cf", "Mn"}:
        return ""
    if character in _DASHES:
        return "-"
    digit = decimal(character, None)
    if digit is not None:
        return str(digit)
    compatible = normalize("NFKC", character)
    # a raised 2 is a footnote's mark behind a number, and none of its digits
    is_plain = len(compatible) == 1 and compatible.isascii() and not compatible.isdigit()
    return compatible if is_plain else character
