"""What operators ask of a function: one JSON object each, checked field by field before anything is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

from shared.errors import RequestRefused

_SEQUENCE_NUMBER: Final = re.compile(r"[0-9]{1,129}")
"""Those of a table's stream may begin with zeros."""
_SHARD_ID: Final = re.compile(r"[a-zA-Z0-9_.-]{1,128}")


class Request:
    """The fields of a request; every refusal says what to send instead, and quotes nothing of what came.

    Attributes:
        operation: what is asked for, one of the known ones.

    Raises:
        RequestRefused: the operation is not known, or a field is none of its fields.
    """

    def __init__(self, event: object, fields_by_operation: Mapping[str, frozenset[str]]) -> None:
        if not isinstance(event, Mapping):
            raise RequestRefused("a request is a JSON object")
        operation = event.get("operation")
        if not isinstance(operation, str) or operation not in fields_by_operation:
            raise RequestRefused(f"'operation' must be one of: {', '.join(sorted(fields_by_operation))}")
        fields = fields_by_operation[operation]
        if not event.keys() <= fields | {"operation"}:
            raise RequestRefused(f"{operation} knows these fields and no other: {', '.join(sorted(fields))}")
        self.operation: Final = operation
        self._given = {name: value for name, value in event.items() if value is not None}

    def has(self, name: str) -> bool:
        """Whether it was given, as something else than null."""
        return name in self._given

    def text(self, name: str, *, most: int) -> str:
        """Text of 1 to so many bytes of UTF-8."""

        def is_text(value: Any) -> bool:
            return isinstance(value, str) and 0 < len(value.encode("utf-8", "surrogatepass")) <= most

        return str(self._checked(name, is_text, f"text of 1 to {most:,} bytes"))

    def shard_id(self) -> str:
        """The `shard_id`."""
        return str(self._checked("shard_id", lambda value: _matches(_SHARD_ID, value), "a shard's id"))

    def sequence_number(self, name: str) -> str:
        """A sequence number, in the digits that AWS gives."""
        return str(self._checked(name, lambda value: _matches(_SEQUENCE_NUMBER, value), "a sequence number, as text"))

    def sequence_number_if_given(self, name: str) -> str | None:
        """The same of a field that may be left out."""
        return self.sequence_number(name) if self.has(name) else None

    def places(self, name: str) -> dict[str, list[int]]:
        """Whole numbers from 0 by sequence number; none where it was not given."""

        def are_places(value: Any) -> bool:
            return isinstance(value, dict) and all(
                _matches(_SEQUENCE_NUMBER, number)
                and isinstance(subs, list)
                and all(type(one) is int and one >= 0 for one in subs)
                for number, subs in value.items()
            )

        wanted = "an object, of lists of whole numbers by sequence number, as an answer had it"
        return dict(self._checked(name, are_places, wanted)) if self.has(name) else {}

    def number(self, name: str, *, above: float = 0.0) -> float:
        """A finite number above some other."""
        return float(
            self._checked(name, lambda value: _is_number(value) and value > above, f"a number above {above:g}")
        )

    def whole(self, name: str) -> int:
        """A whole number from 1."""
        return int(self._checked(name, lambda value: type(value) is int and value >= 1, "a whole number from 1"))

    def flag(self, name: str) -> bool:
        """True or false; false where it was not given."""
        return self.has(name) and bool(self._checked(name, lambda value: isinstance(value, bool), "true or false"))

    def ids(self, name: str, form: re.Pattern[str], *, most: int, wanted: str) -> list[str]:
        """Some ids, each once, in their order."""

        def are_ids(value: Any) -> bool:
            return isinstance(value, list) and 0 < len(value) <= most and all(_matches(form, one) for one in value)

        return list(dict.fromkeys(self._checked(name, are_ids, f"a list of 1 to {most} {wanted}")))

    def _checked(self, name: str, accept: Callable[[Any], bool], wanted: str) -> Any:
        value = self._given.get(name)
        if not accept(value):
            raise RequestRefused(f"{self.operation}: '{name}' must be {wanted}")
        return value


def _matches(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and bool(form.fullmatch(value))


def _is_number(value: object) -> bool:
    return type(value) in {int, float} and isfinite(value)  # type: ignore[arg-type]
