"""Values of this project's own as DynamoDB-typed ones and back, each by a form that reads exactly what it writes.

Reading raises KeyError, TypeError or ValueError for anything else, which whoever knows the row turns into an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any, Final

_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,37}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of value is written and read."""

    write: Callable[[Any], dict[str, Any]]
    read: Callable[[Any], Any]


def _content(value: Any, tag: str, of: type) -> Any:
    if not isinstance(value, Mapping) or value.keys() != {tag} or not isinstance(value[tag], of):
        raise TypeError
    return value[tag]


def _read_count(value: Any) -> int:
    digits = _content(value, "N", str)
    if not _WHOLE.fullmatch(digits):
        raise ValueError
    return int(digits)


def _read_seconds(value: Any) -> float:
    seconds = float(_content(value, "N", str))
    if not 0 <= seconds < inf:  # nor no number at all
        raise ValueError
    return seconds


TEXT: Final = Form(lambda text: {"S": text}, lambda value: _content(value, "S", str))
FLAG: Final = Form(lambda flag: {"BOOL": flag}, lambda value: _content(value, "BOOL", bool))
COUNT: Final = Form(lambda count: {"N": str(count)}, _read_count)
"""A whole number from 0."""
SECONDS: Final = Form(lambda seconds: {"N": repr(float(seconds))}, _read_seconds)
"""A finite number from 0, to the last bit of a float."""


def matching(form: re.Pattern[str]) -> Form:
    """A text of this form."""

    def read(value: Any) -> str:
        text: str = TEXT.read(value)
        if not form.fullmatch(text):
            raise ValueError
        return text

    return Form(TEXT.write, read)


def one_of(names: type[StrEnum]) -> Form:
    """One of a few texts."""
    return Form(lambda name: {"S": name.value}, lambda value: names(TEXT.read(value)))


def optional(form: Form) -> Form:
    """A value of the form, or None."""
    return Form(
        lambda value: {"NULL": True} if value is None else form.write(value),
        lambda value: None if value == {"NULL": True} else form.read(value),
    )


def mapped(form: Form) -> Form:
    """Values of the form, by name."""
    return Form(
        lambda values: {"M": {name: form.write(value) for name, value in values.items()}},
        lambda value: {name: form.read(one) for name, one in _content(value, "M", dict).items()},
    )


def listed(form: Form) -> Form:
    """A tuple of values of the form."""
    return Form(
        lambda values: {"L": [form.write(value) for value in values]},
        lambda value: tuple(form.read(one) for one in _content(value, "L", list)),
    )


def record(made: type, **forms: Form) -> Form:
    """A dataclass with exactly these fields."""

    def write(value: Any) -> dict[str, Any]:
        return {"M": {name: form.write(getattr(value, name)) for name, form in forms.items()}}

    def read(value: Any) -> Any:
        fields = _content(value, "M", dict)
        if fields.keys() != forms.keys():
            raise ValueError
        return made(**{name: form.read(fields[name]) for name, form in forms.items()})

    return Form(write, read)
