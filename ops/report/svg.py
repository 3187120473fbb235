"""Figures of matplotlib as SVG that stands in a page: its colours are the page's, its text is text, it has a name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final, TypeAlias
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ops.report.html import Html, joined, tag

PIXELS_PER_INCH: Final = 72
"""So that a unit of the drawing is a pixel of the page."""
WIDE: Final = 736
NARROW: Final = 344
TEXT: Final = 12
"""Size of all text, pixels."""

COLOURS: Final = (
    "ink",
    "soft",
    "rule",
    "paper",
    "verified",
    "removed",
    "stale",
    "undeclared",
    "malformed",
    "plaintext",
)
"""Of the page, by the names of its variables; one that is drawn with is `colour(name)`."""

_SVG: Final = "http://www.w3.org/2000/svg"
_XLINK_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")
_FONT: Final = re.compile(r"font: (?:\w+ )*?([0-9.]+)px [^;]+")
_DROPPED: Final = {f"{{{_SVG}}}metadata", f"{{{_SVG}}}title"}

Paint: TypeAlias = Callable[[Figure, bool], None]
"""Draws on a figure; told whether it is the narrow one."""


def colour(name: str) -> str:
    """What to draw with, so that the page's own colour stands there in the end."""
    return f"#{COLOURS.index(name) + 1:02x}fe01"


_VARIABLES: Final = {colour(name): f"var(--{name})" for name in COLOURS}
_STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sealstream",
    "font.size": TEXT,
    "axes.edgecolor": colour("rule"),
    "axes.labelcolor": colour("soft"),
    "axes.titlecolor": colour("ink"),
    "axes.titlesize": TEXT,
    "axes.titlelocation": "left",
    "axes.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "grid.color": colour("rule"),
    "grid.linewidth": 0.75,
    "text.parse_math": False,  # a dollar is a dollar
    "text.color": colour("ink"),
    "xtick.color": colour("rule"),
    "xtick.labelcolor": colour("soft"),
    "xtick.major.size": 4,
    "ytick.color": colour("rule"),
    "ytick.labelcolor": colour("soft"),
    "ytick.major.size": 0,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.image_inline": True,
}


@dataclass(frozen=True, slots=True)
class Size:
    """Of a drawing: pixels high, on a wide page and on a narrow one."""

    wide: int
    narrow: int


def drawn(name: str, title: str, description: str, paint: Paint, size: Size) -> Html:
    """A figure, once for a wide page and once for a narrow one; the page's style shows one of them.

    Args:
        name: of the figure, the beginning of its ids.
        title: what it is, for who does not see it.
        description: what is to be seen.
        paint: draws it.
        size: how high it is.
    """
    widths = {"wide": (WIDE, size.wide), "narrow": (NARROW, size.narrow)}
    return joined(
        *(
            tag("div", _one(f"{name}-{which}", title, description, paint, *pixels), class_=f"plot {which}")
            for which, pixels in widths.items()
        )
    )


def _one(name: str, title: str, description: str, paint: Paint, width: int, height: int) -> Html:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width / PIXELS_PER_INCH, height / PIXELS_PER_INCH), layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure, width == NARROW)
        out = StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None}, dpi=PIXELS_PER_INCH)
    root = ET.fromstring(out.getvalue())  # noqa: S314 - it was made here
    return _as_markup(root, name, title, description, width, height)


def _as_markup(root: ET.Element, name: str, title: str, description: str, width: int, height: int) -> Html:
    used = _names_used(root)
    for element in root.iter():
        for child in [one for one in element if one.tag in _DROPPED]:
            element.remove(child)
        _own(element, name, used)
    for key in ("version", "width", "height"):
        root.attrib.pop(key, None)
    told = {"title": title, "desc": description}
    for place, (what, text) in enumerate(told.items()):
        one = ET.Element(f"{{{_SVG}}}{what}", {"id": f"{name}-{what}"})
        one.text = text
        root.insert(place, one)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title")
    root.set("aria-describedby", f"{name}-desc")
    root.set("viewBox", f"0 0 {width} {height}")
    ET.register_namespace("", _SVG)
    return Html(ET.tostring(root, encoding="unicode"))


def _names_used(root: ET.Element) -> set[str]:
    used = set()
    for element in root.iter():
        used.update(_REFERENCE.findall(" ".join(element.attrib.values())))
        if href := element.get(_XLINK_HREF):
            used.add(href.removeprefix("#"))
    return used


def _own(element: ET.Element, name: str, used: set[str]) -> None:
    """Its ids become the page's, its colours the page's variables, its fonts the page's fonts."""
    if (old := element.attrib.pop("id", None)) in used:
        element.set("id", f"{name}-{old}")
    if href := element.attrib.pop(_XLINK_HREF, None):
        element.set("href", f"#{name}-{href.removeprefix('#')}")
    for key, value in element.attrib.items():
        element.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", value))
    if style := element.get("style"):
        for drawn_with, variable in _VARIABLES.items():
            style = style.replace(drawn_with, variable)
        element.set("style", _FONT.sub(r"font-size: \1px", style))


def bare(axes: Axes) -> None:
    """No frame and no marks but the line below."""
    for spine in ("left", "right", "top"):
        axes.spines[spine].set_visible(False)
    axes.tick_params(axis="y", length=0)
