"""The notation of attribute paths: in the policy file, in findings and on the operator's screen.

| written | means |
| --- | --- |
| `a.b` | key `b` in the map `a` |
| `a[].b` | key `b` in any element of the list `a` |
| `"a.b".c` | key `c` in the map whose key is `a.b`; a quoted component is a JSON string |
| `**.b` | key `b` at any depth, the top included |
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Final

from shared.model import ELEMENT, ListElement, Path

UNNAMED: Final = "?"
"""Stands for a component that the policy does not name."""

MAX_COMPONENTS: Final = 32

_BARE: Final = re.compile(r'[^\s.\[\]"\\*?]+')
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_ANYWHERE: Final = "**."


class PatternError(ValueError):
    """A path is not well-formed; the message names the rule and what to write instead."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which paths of a record a rule is about.

    Attributes:
        anywhere: the pattern began with `**`: `components` is the end of a path, not the whole of it.
        components: never empty; the first is a map key.
    """

    anywhere: bool
    components: Path

    def __str__(self) -> str:
        return (_ANYWHERE if self.anywhere else "") + format_path(self.components)


def format_path(path: Iterable[str | ListElement | None]) -> str:
    """Write a path so that it reads back as the same path and is harmless on a terminal; None is written `?`."""
    return reduce(format_below, path, "")


def format_below(text: str, component: str | ListElement | None) -> str:
    """The same one component deeper: below a path that is written already."""
    if isinstance(component, ListElement):
        return text + "[]"
    return text + ("." if text else "") + (UNNAMED if component is None else _format_key(component))


def parse_pattern(text: str) -> Pattern:
    """Read a path of the policy file.

    Raises:
        PatternError: not well-formed.
    """
    anywhere = text.startswith(_ANYWHERE)
    rest = text.removeprefix(_ANYWHERE)
    key, rest = _take_key(rest)
    components: list[str | ListElement] = [key]
    while rest:
        if rest.startswith("[]"):
            components.append(ELEMENT)
            rest = rest[2:]
        elif rest.startswith("."):
            key, rest = _take_key(rest[1:])
            components.append(key)
        else:
            raise PatternError("a component ends with `.`, `[]` or the path: " + _advice(rest))
    if len(components) > MAX_COMPONENTS:
        raise PatternError(f"DynamoDB nests {MAX_COMPONENTS} levels: shorten the path")
    return Pattern(anywhere=anywhere, components=tuple(components))


def _format_key(key: str) -> str:
    return key if _BARE.fullmatch(key) and key.isprintable() else json.dumps(key)


def _take_key(text: str) -> tuple[str, str]:
    """Split the key at the beginning of the text from what follows it."""
    if quoted := _QUOTED.match(text):
        try:
            key = str(json.loads(quoted[0]))
        except ValueError:
            raise PatternError('a quoted component is a JSON string: escape with \\" \\\\ or \\u0000') from None
        rest = text[quoted.end() :]
    elif bare := _BARE.match(text):
        key, rest = bare[0], text[bare.end() :]
        if not key.isprintable():
            raise PatternError('a component with an unprintable character is quoted and escaped: write "\\u0000"')
    else:
        raise PatternError("a path is made of names: " + _advice(text))
    if not key:
        raise PatternError("a name has at least one character: name the attribute")
    if any("\ud800" <= character <= "\udfff" for character in key):
        raise PatternError("a name is Unicode text: no record can hold a lone surrogate")
    return key, rest


def _advice(rest: str) -> str:
    match rest[:1]:
        case "*":
            return "`**.` stands once, at the beginning, and there is no single `*`"
        case "[":
            return "write `[]` directly behind the name of a list, for all its elements"
        case "":
            return "a name is missing where the path ends"
        case ".":
            return "a name is missing before `.`"
        case _:
            return 'put a name with spaces or any of . [ ] " \\ * ? in quotes'
