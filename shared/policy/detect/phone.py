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
_BETWEEN: Final = r"[ \u00a0\u202f().\-/\u2010\u2011\u2013]"
_WITH_PLUS: Final = re.compile(rf"(?<![0-9A-Za-z+])\+(?:[0-9]{_BETWEEN}{{0,3}}){{7,15}}(?![0-9A-Za-z])")
_FROM_ZERO: Final = re.compile(
    rf"(?<![0-9A-Za-z+\-.])\(?0(?=(?:[^0-9]{{0,3}}[0-9]){{6}})[0-9]{{1,5}}{_BETWEEN}{{1,3}}[0-9]{{2,8}}"
    rf"(?:{_BETWEEN}[0-9]{{2,7}}){{0,4}}(?![0-9A-Za-z]|[.\-][0-9A-Za-z])"
)
_IN_THREE: Final = re.compile(
    rf"(?<![0-9A-Za-z+\-.])(?:1{_BETWEEN})?\(?[2-9][0-9]{{2}}{_BETWEEN}{{1,2}}[2-9][0-9]{{2}}{_BETWEEN}[0-9]{{4}}"
    r"(?![0-9A-Za-z]|[.\-][0-9A-Za-z])"
)
_DIGITS: Final = re.compile(r"[0-9]+")
_FORMS: Final = {
    Detector.PHONE: (_WITH_PLUS, None),
    Detector.PHONE_DE: (_FROM_ZERO, "DE"),
    Detector.PHONE_FR: (_FROM_ZERO, "FR"),
    Detector.PHONE_GB: (_FROM_ZERO, "GB"),
    Detector.PHONE_US: (_IN_THREE, "US"),
}
"""How a number is written, and in which country that is one."""


def phone_finder(detectors: Iterable[Detector]) -> PhoneFinder:
    """What finds the numbers of these detectors."""
    return partial(_find, sorted(detectors))


PhoneFinder = partial[Iterator[Detector]]


def _find(detectors: Iterable[Detector], text: str, _where: str = "") -> Iterator[Detector]:
    for one in detectors:
        shape, region = _FORMS[one]
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
