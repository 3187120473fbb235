"""Looks for what a policy says is to be detected; what is found is told by the detector's name, never by its value.

scanner
├── names.py          what can be detected
├── folded.py         a text in the characters that the patterns know
├── budget.py         how much one item may ask of the libraries
├── ../sensitive.py   cards, IBANs, US SSNs, e-mail addresses: what every bundle recognises
├── credentials.py    keys and tokens
├── national.py       ids of persons, by python-stdnum
└── phone.py          phone numbers, by phonenumbers

The last two are imported where a policy asks for them: no other bundle has their libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from shared.policy.detect.budget import Budget
from shared.policy.detect.credentials import find_credentials
from shared.policy.detect.folded import folded
from shared.policy.detect.names import CREDENTIALS, WITHOUT_LIBRARY, Detector
from shared.policy.sensitive import scan_bytes, scan_folded

Find = Callable[[str, str, Budget], Iterable[Detector]]
"""What of its detectors a folded text holds; told also the names of its place."""

_PHONES: Final = frozenset(one for one in Detector if one.startswith(Detector.PHONE))
_NATIONAL: Final = frozenset(Detector) - WITHOUT_LIBRARY - _PHONES

_SHORTEST: Final = len("a@b.cd")
"""What is shorter holds nothing of any form."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """Scans values for these detectors; each by itself, or those of one item within one budget."""

    detectors: frozenset[Detector]
    _in_text: tuple[Find, ...]
    _in_bytes: tuple[Find, ...]
    _budget: Budget | None = field(default=None, compare=False)
    _place: str = ""

    def at(self, place: str) -> Scanner:
        """The same for texts of which nobody says where they stand: they stand here."""
        return replace(self, _place=place)

    def for_item(self) -> Scanner:
        """The same for the values of one item."""
        return replace(self, _budget=Budget())

    @property
    def ran_out(self) -> bool:
        """Whether the item holds more than was looked at."""
        return self._budget is not None and self._budget.ran_out

    def text(self, text: str, where: str = "") -> frozenset[Detector]:
        """What a text holds; `where` is its place, whose names tell what a bare number is."""
        if len(text) < _SHORTEST:
            return frozenset()
        text = folded(text)
        return (scan_folded(text) | self._found(self._in_text, text, where)) & self.detectors

    def bytes(self, raw: bytes, where: str = "") -> frozenset[Detector]:
        """The same of binary data, but for e-mail addresses and phone numbers, which random bytes look like."""
        found = self._found(self._in_bytes, raw.decode("latin-1"), where) if self._in_bytes else frozenset()
        return (scan_bytes(raw) | found) & self.detectors

    def _found(self, finders: tuple[Find, ...], text: str, where: str) -> frozenset[Detector]:
        budget = self._budget or Budget()
        return frozenset(one for find in finders for one in find(text, where or self._place, budget))


@cache
def scanner(detectors: frozenset[Detector]) -> Scanner:
    """The scanner for these detectors; the first time it imports the libraries that they need."""
    in_bytes: list[Find] = []
    if detectors & CREDENTIALS:
        in_bytes.append(find_credentials)
    if wanted := detectors & _NATIONAL:
        from shared.policy.detect.national import finder  # noqa: PLC0415 - its library is in the auditor's bundle only

        in_bytes.append(finder(wanted))
    in_text = list(in_bytes)
    if wanted := detectors & _PHONES:
        from shared.policy.detect.phone import phone_finder  # noqa: PLC0415 - the same, and it takes 90 ms

        in_text.append(phone_finder(wanted))
    return Scanner(detectors, tuple(in_text), tuple(in_bytes))
