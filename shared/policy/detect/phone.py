"""Phone numbers: those that begin with a plus, and those that are grouped as one country groups them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Final

from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    country_code_for_region,
    format_number,
    is_valid_number,
    parse,
)

from shared.policy.detect.budget import Budget
from shared.policy.detect.names import Detector

_BETWEEN: Final = r"[ ().\-/]"
_WITH_PLUS: Final = re.compile(rf"(?<![0-9A-Za-z+])(?=(\+(?:[0-9]{_BETWEEN}{{0,3}}){{7,15}})(?![0-9A-Za-z]))")
_IN_THREE: Final = re.compile(
    rf"(?<![0-9A-Za-z+\-.])(?=((?:1{_BETWEEN})?\(?[2-9][0-9]{{2}}{_BETWEEN}{{1,2}}[2-9][0-9]{{2}}{_BETWEEN}[0-9]{{4}})"
    r"(?![0-9A-Za-z]|[.\-][0-9A-Za-z]))"
)
_DIGITS: Final = re.compile(r"[0-9]+")
_FEWEST_DIGITS: Final = 7
_COUNTRIES: Final = {
    Detector.PHONE: None,
    Detector.PHONE_DE: "DE",
    Detector.PHONE_FR: "FR",
    Detector.PHONE_GB: "GB",
    Detector.PHONE_US: "US",
}
"""In which country what is written is a number; None where it says that by itself."""


def phone_finder(detectors: Iterable[Detector]) -> PhoneFinder:
    """What finds the numbers of these detectors."""
    return partial(_find, sorted(detectors))


PhoneFinder = partial[Iterator[Detector]]


def _find(detectors: Iterable[Detector], text: str, _where: str, budget: Budget) -> Iterator[Detector]:
    for one in detectors:
        region = _COUNTRIES[one]
        candidates = (match[1] for match in _shape(region).finditer(text)) if region else _with_plus(text)
        if any(_is_number(candidate, region) for candidate in budget.of(candidates)):
            yield one


def _with_plus(text: str) -> Iterator[str]:
    """What begins with a plus, with all its digits and with fewer: those behind may be of something else."""
    for match in _WITH_PLUS.finditer(text):
        for group in reversed([*_DIGITS.finditer(match[1])]):
            written = match[1][: group.end()]
            if sum(map(str.isdigit, written)) >= _FEWEST_DIGITS:
                yield written


@cache
def _shape(region: str) -> re.Pattern[str]:
    """How numbers of a country are written, from a zero on: in groups as long as its plan has them, most groups first.

    Dates are not, and need no look at the plan.
    """
    if region == "US":
        return _IN_THREE
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None  # noqa: S101 - of the countries above
    forms = [re.findall(r"\(([^)]*)\)", str(form.pattern)) for form in metadata.number_format]
    written = "|".join(_written(groups) for groups in sorted(forms, key=len, reverse=True) if len(groups) > 1)
    return re.compile(
        rf"(?<![0-9A-Za-z+\-.])(?=(\(?0(?:{written}))(?![0-9A-Za-z]|[.\-][0-9A-Za-z]))",
        re.ASCII,
    )


def _written(groups: Sequence[str]) -> str:
    first, *others = groups
    return f"{first}{_BETWEEN}{{1,3}}{_BETWEEN.join(others)}"


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
