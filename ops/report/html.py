"""Markup in which nothing but this module's own elements can stand: every other text is escaped."""

from __future__ import annotations

from html import escape
from typing import Final, TypeAlias

from shared.printable import printable

Attribute: TypeAlias = str | int | float | bool | None
_VOID: Final = frozenset({"meta", "br", "hr"})


class Html(str):
    """Markup that stands for itself; made here, and of the plots."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: Attribute) -> Html:
    """An element.

    Args:
        name: of the element.
        children: markup as it is, any other text escaped and harmless.
        attributes: `class_` for `class`, `aria_label` for `aria-label`; None and False leave it out, True is its name.
    """
    shown = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{shown}>")
    return Html(f"<{name}{shown}>{joined(*children)}</{name}>")


def joined(*children: str) -> Html:
    """Several of them, one after the other."""
    return Html("".join(child if isinstance(child, Html) else _escaped(child) for child in children))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{_escaped(str(value))}"'


def _escaped(text: str) -> str:
    return escape(printable(text))
