"""Phone numbers: those that begin with a plus, and those that are grouped as one country groups them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Final

from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    country_code_for_region,
    format_number,
    is_valid_number,
    parse,
)

from shared.policy.detect.names import Detector

_MAX_CANDIDATES: Final = 1_000
_REGIONS: Final = {Detector.PHONE_DE: "DE", Detector.PHONE_FR: "FR", Detector.PHONE_GB: "GB", Detector.PHONE_US: "US"}
_BETWEEN: Final = r"[ \u00a0\u202f().\-/\u2010\u2011\u2013]"
_WITH_PLUS: Final = re.compile(rf"(?<![0-9A-Za-z+])\+(?:[0-9]{_BETWEEN}{{0,3}}){{7,15}}(?![0-9A-Za-z])")
_GROUPED: Final = re.compile(
    rf"(?<![0-9A-Za-z+\-.])(?:1{_BETWEEN})?\(?[0-9]{{2,5}}{_BETWEEN}{{1,3}}[0-9]{{2,8}}"
    rf"(?:{_BETWEEN}[0-9]{{2,7}}){{0,4}}(?![0-9A-Za-z]|[.\-][0-9A-Za-z])"
)
_DIGITS: Final = re.compile(r"[0-9]+")


def phone_finder(detectors: Iterable[Detector]) -> PhoneFinder:
    """What finds the numbers of these detectors."""
    return partial(_find, sorted(detectors))


PhoneFinder = partial[Iterator[Detector]]


def _find(detectors: Iterable[Detector], text: str, _where: str = "") -> Iterator[Detector]:
    for one in detectors:
        region = _REGIONS.get(one)
        shape = _GROUPED if region else _WITH_PLUS
        candidates = islice(shape.finditer(text), _MAX_CANDIDATES)
        if any(_is_number(candidate[0], region) for candidate in candidates):
            yield one


def _is_number(text: str, region: str | None) -> bool:
    try:
        number = parse(text, region)
    except NumberParseException:
        return False
    if region is None:
        return is_valid_number(number)
    return (
        number.country_code == country_code_for_region(region) and is_valid_number(number) and _is_grouped(text, number)
    )


def _is_grouped(text: str, number: PhoneNumber) -> bool:
    """Whether the digits stand in the groups that the country writes them in."""
    groups = _DIGITS.findall(text)
    written = (PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL)
    return any(groups == _DIGITS.findall(format_number(number, form)) for form in written)
