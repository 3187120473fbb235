"""Looks for what a policy says is to be detected; what is found is told by the detector's name, never by its value.

scanner
├── names.py          what can be detected
├── ../sensitive.py   cards, IBANs, US SSNs, e-mail addresses: what every bundle recognises
├── credentials.py    keys and tokens
├── national.py       ids of persons, by python-stdnum
└── phone.py          phone numbers, by phonenumbers

The last two are imported where a policy asks for them: no other bundle has their libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from shared.policy.detect.credentials import find_credentials
from shared.policy.detect.names import CREDENTIALS, WITHOUT_LIBRARY, Detector
from shared.policy.sensitive import scan_bytes, scan_text

Find = Callable[[str, str], Iterable[Detector]]
"""What of its detectors a text holds; told also the place of the text, in the policy's notation."""

_PHONES: Final = frozenset(one for one in Detector if one.startswith(Detector.PHONE))
_NATIONAL: Final = frozenset(Detector) - WITHOUT_LIBRARY - _PHONES


@dataclass(frozen=True, slots=True)
class Scanner:
    """Scans values for these detectors."""

    detectors: frozenset[Detector]
    _in_text: tuple[Find, ...]
    _in_bytes: tuple[Find, ...]

    def text(self, text: str, where: str = "") -> frozenset[Detector]:
        """What a text holds; `where` is its place, whose names tell what a bare number is."""
        own = scan_text(text)
        if not self._in_text:
            return own & self.detectors
        return (own | {one for find in self._in_text for one in find(text, where)}) & self.detectors

    def bytes(self, raw: bytes, where: str = "") -> frozenset[Detector]:
        """The same of binary data, but for e-mail addresses and phone numbers, which random bytes look like."""
        own = scan_bytes(raw)
        if self._in_bytes:
            text = raw.decode("latin-1")
            own |= {one for find in self._in_bytes for one in find(text, where)}
        return own & self.detectors


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
