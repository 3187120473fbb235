"""National ids of persons, by their check digits and the dates within, as python-stdnum knows them.

One check digit is right by chance in every tenth number. So a form counts by itself only where hardly anything else has
it: letters, a grouping of its own, a date and two check digits. Any other counts where it is named: a word for such ids
stands within forty characters of it, or in the names of its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Final

from shared.policy.detect.names import Detector
from shared.policy.detect.national_ids import ANY_NAME, NATIONAL_IDS, NationalId

_MAX_CANDIDATES: Final = 1_000
"""Of one form in one text: what fills a text with false ones costs 10 ms, and no more."""
_NAMED_WITHIN: Final = 40
_SIX_DIGITS_OR_LETTERS: Final = re.compile(r"(?:[0-9][^0-9A-Za-z]{0,2}){6}|[A-Za-z]{6}[0-9]")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NO_LETTER: Final = re.compile(r"[^a-z0-9à-ž]+")
_DASHES: Final = str.maketrans("\u2010\u2011\u2013\u00a0\u202f", "---  ")

Finder = Callable[[str, str], Iterator[Detector]]


def finder(detectors: Iterable[Detector]) -> Finder:
    """What finds these."""
    return partial(_find, [one for one in NATIONAL_IDS if one.detector in frozenset(detectors)])


def _find(ids: Iterable[NationalId], text: str, where: str) -> Iterator[Detector]:
    if not _SIX_DIGITS_OR_LETTERS.search(text):
        return
    text = text.translate(_DASHES)
    for one in ids:
        if _holds(one, text) or (one.named is not None and _holds_named(one, one.named, text, where)):
            yield one.detector


def _holds(one: NationalId, text: str) -> bool:
    if one.alone is None:
        return False
    return any(_is_valid(one, match[0]) for match in islice(one.alone.finditer(text), _MAX_CANDIDATES))


def _holds_named(one: NationalId, shape: re.Pattern[str], text: str, where: str) -> bool:
    return any(
        _is_valid(one, match[0]) and _is_named(one, match, where)
        for match in islice(shape.finditer(text), _MAX_CANDIDATES)
    )


def _is_named(one: NationalId, match: re.Match[str], where: str) -> bool:
    text, start, end = match.string, match.start(), match.end()
    near = f"{where} . {text[max(0, start - _NAMED_WITHIN) : start]} . {text[end : end + _NAMED_WITHIN]}"
    words = _NO_LETTER.sub(" ", f" {near} . {_CAMEL.sub(' ', near)} ".lower())  # `nationalId` and `personNummer`
    return bool(one.names.search(words) or ANY_NAME.search(words))


def _is_valid(one: NationalId, text: str) -> bool:
    try:
        one.validate(text)
    except (ValueError, LookupError):  # the library's own errors are ValueErrors; a table without a place is a KeyError
        return False
    return True
