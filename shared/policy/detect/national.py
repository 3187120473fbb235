"""National ids of persons, by their check digits and the dates within, as python-stdnum knows them.

One check digit is right by chance in every tenth number. So a form counts by itself only where hardly anything else has
it: letters, a grouping of its own, a date and two check digits. Any other counts where it is named: a word for such ids
stands within forty characters of it, or in the names of its place.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from shared.policy.detect.budget import Budget
from shared.policy.detect.names import Detector
from shared.policy.detect.national_ids import ANY_NAMES, NATIONAL_IDS, NationalId

_NAMED_WITHIN: Final = 40
_SIX_DIGITS_OR_LETTERS: Final = re.compile(r"(?:[0-9][^0-9A-Za-z]{0,3}){6}|[A-Za-z]{6}[0-9]")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LETTERS: Final = re.compile(r"[a-zà-ž]+")
_NO_LETTERS: Final = re.compile(r"[^a-zà-ž]+")
_BETWEEN: Final = re.compile(r"[\s./_+-]+")
_LOOSELY: Final = r"[\s./_+-]{0,3}"
_PARTS: Final = {"9": "[0-9]", "A": "[A-Za-z]", "B": "[0-9A-Za-z]"}


Check = Callable[[str], object]
"""Raises ValueError or LookupError where a text is none."""


def finder(detectors: Iterable[Detector]) -> NationalFinder:
    """What finds these."""
    wanted = frozenset(detectors)
    ids = [one for one in NATIONAL_IDS if one.detector in wanted]
    by_word: defaultdict[str, set[Detector]] = defaultdict(set)
    for one in ids:
        for name in (*one.names, *ANY_NAMES) if one.named else ():
            by_word[name.partition(" ")[0]].add(one.detector)
    return NationalFinder(
        checks={one.detector: checks(one) for one in ids},
        alone=_shape("|".join(f"(?P<{one.detector}>{one.alone})" for one in ids if one.alone) or r"(?!)"),
        named={
            one.detector: ([_shape(_grouped(form)) for form in one.named.split("|")], _names(*one.names, *ANY_NAMES))
            for one in ids
            if one.named
        },
        by_word=dict(by_word),
    )


@dataclass(frozen=True, slots=True)
class NationalFinder:
    """Finds some kinds of ids.

    Attributes:
        checks: of each kind, those of which one must find a text right.
        alone: the forms that count by themselves, in one expression with a group for each kind.
        named: the forms that count beside a name, each by itself, and the names.
        by_word: which kinds may be meant by a word that a name begins with; most texts hold none.
    """

    checks: Mapping[Detector, Sequence[Check]]
    alone: re.Pattern[str]
    named: Mapping[Detector, tuple[Sequence[re.Pattern[str]], re.Pattern[str]]]
    by_word: Mapping[str, set[Detector]]

    def __call__(self, text: str, where: str, budget: Budget) -> Iterator[Detector]:
        """Which kinds the text at this place holds."""
        if not _SIX_DIGITS_OR_LETTERS.search(text):
            return
        for match in budget.of(self.alone.finditer(text)):
            kind = str(match.lastgroup)
            if is_valid(self.checks[Detector(kind)], match[kind]):
                yield Detector(kind)
        words = set(_LETTERS.findall(_in_words(f"{where} {text}")))
        for detector in set().union(*(self.by_word[word] for word in words & self.by_word.keys())):
            if self._holds_named(detector, text, where, budget):
                yield detector

    def _holds_named(self, detector: Detector, text: str, where: str, budget: Budget) -> bool:
        shapes, names = self.named[detector]
        return any(
            is_valid(self.checks[detector], _BETWEEN.sub("", match[1])) and _is_named(names, match, where)
            for shape in shapes
            for match in budget.of(shape.finditer(text))
        )


def _shape(pattern: str) -> re.Pattern[str]:
    """A number that is no piece of a longer one, of a decimal, of a UUID or of another number in groups.

    From every beginning on, since another number may stand before it: the match itself is empty, its group is not.
    """
    return re.compile(
        rf"(?<![0-9A-Za-z])(?<![0-9][.\-])(?<![0-9A-Fa-f]{{4}}-)(?=(?:{pattern})(?![0-9A-Za-z]|[.\-][0-9]))"
    )


def _grouped(form: str) -> str:
    """What a form is made of, with at most three characters between each two."""
    return f"({_LOOSELY.join(_PARTS[part] for part in form)})"


def _names(*names: str) -> re.Pattern[str]:
    return re.compile(f" (?:{'|'.join(names)}) ")


def _in_words(text: str) -> str:
    """The text twice in lower case, once with `nationalId` as two words."""
    return f" {text} . {_CAMEL.sub(' ', text)} ".lower()


def _is_named(names: re.Pattern[str], match: re.Match[str], where: str) -> bool:
    text, (start, end) = match.string, match.span(1)
    near = f"{where} . {text[max(0, start - _NAMED_WITHIN) : start]} . {text[end : end + _NAMED_WITHIN]}"
    return bool(names.search(_NO_LETTERS.sub(" ", _in_words(near))))


def checks(one: NationalId) -> Sequence[Check]:
    """The library's, imported for the kinds that a policy chose alone, since each takes its time."""
    return [import_module(f"stdnum.{module}").validate for module in one.modules]


def is_valid(checks: Iterable[Check], text: str) -> bool:
    """Whether one of them finds the text right."""
    return any(_passes(check, text) for check in checks)


def _passes(check: Check, text: str) -> bool:
    try:
        check(text)
    except (ValueError, LookupError):  # the library's own errors are ValueErrors; a table without a place is a KeyError
        return False
    return True
