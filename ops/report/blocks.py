"""Building blocks of the page: sections, tables with captions, plots with a key and a caption, a band of figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ops.report.html import Html, joined, tag

MOST_ROWS: Final = 50
_SHORT: Final = 14
"""A table of so few rows is printed on one sheet."""
NUMBER: Final = "number"
"""A column of numbers, for `Column.kind`."""
NAME: Final = "name"
"""One of names that stay in one piece."""
PLACE: Final = "place"
"""One of paths in the policy's notation."""
WIDE: Final = "roomy"
"""One of ids, which may be long."""


class State(StrEnum):
    """How a figure of the band is to be read."""

    FINE = "fine"
    NOTE = "note"
    LOOK = "look"
    UNKNOWN = "unknown"
    UNSURE = "unsure"


_SIGNS: Final = {
    State.FINE: ("✓", "in order"),
    State.NOTE: ("•", "with findings"),
    State.LOOK: ("!", "asks for attention"),
    State.UNKNOWN: ("?", "not known"),
    State.UNSURE: ("?", "not certain"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """Of a table: its head, and what stands in it (`NUMBER`, `NAME`, `PLACE`, `WIDE`, or "" for text)."""

    head: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure of the band."""

    label: str
    figure: str
    beside: str
    state: State


def band(headlines: Iterable[Headline]) -> Html:
    """The figures that come first."""
    cells = []
    for one in headlines:
        glyph, words = _SIGNS[one.state]
        sign = tag("span", tag("span", glyph, aria_hidden="true"), " ", words, class_="sign")
        cells.append(
            tag(
                "div",
                tag("dt", one.label),
                tag("dd", one.figure, class_="figure"),
                tag("dd", one.beside, class_="beside"),
                tag("dd", sign),
                class_=f"headline {one.state}",
            )
        )
    return tag("dl", *cells, class_="band")


def section(number: int, name: str, title: str, *content: str) -> Html:
    """One of the page's parts."""
    numbered = tag("span", str(number), class_="no")
    head = tag("h2", numbered, " ", title, id=f"{name}-head")
    return tag("section", head, *content, id=name, aria_labelledby=f"{name}-head")


def paragraph(*content: str, soft: bool = False) -> Html:
    """Running text."""
    return tag("p", *content, class_="soft" if soft else None)


def table(name: str, caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> Html:
    """A table whose first column names the rows; of very many rows the first."""
    rows = [*rows]
    head = tag("thead", tag("tr", *(tag("th", one.head, scope="col", class_=one.kind or None) for one in columns)))
    body = tag("tbody", *(_row(columns, row) for row in rows[:MOST_ROWS]))
    left_out = len(rows) - MOST_ROWS
    more = paragraph(f"{left_out:,} more are not shown.", soft=True) if left_out > 0 else ""
    called = tag("caption", tag("span", caption), id=f"{name}-caption")
    whole = tag("table", called, head, body)
    kept_together = "scroll short" if len(rows) <= _SHORT else "scroll"
    scrolling = tag("div", whole, class_=kept_together, role="region", tabindex=0, aria_labelledby=f"{name}-caption")
    return joined(scrolling, more)


def figure(drawing: Html, caption: str, key: Mapping[str, str]) -> Html:
    """A plot, what its colours mean, and what it shows.

    Args:
        drawing: of `plots`.
        caption: says it in words.
        key: class of the sign in the style, and what it stands for.
    """
    signs = [tag("li", tag("span", class_=f"swatch {sign}", aria_hidden="true"), what) for sign, what in key.items()]
    return tag("figure", tag("ul", *signs, class_="key") if signs else "", drawing, tag("figcaption", caption))


def facts(pairs: Mapping[str, str]) -> Html:
    """Names and what they are."""
    return tag("dl", *(tag("div", tag("dt", what), tag("dd", value)) for what, value in pairs.items()), class_="facts")


def unread(what: str, why: str) -> Html:
    """In the place of figures that nobody could read."""
    return tag("p", tag("b", f"{what}: "), why, class_="unread")


def code(text: str) -> Html:
    """Names of the deployment, places and ids."""
    return tag("code", text)


def _row(columns: Sequence[Column], row: Sequence[str]) -> Html:
    first, *others = zip(columns, row, strict=True)
    named = tag("th", first[1], scope="row", class_=first[0].kind or None)
    return tag("tr", named, *(tag("td", cell, class_=column.kind or None) for column, cell in others))
