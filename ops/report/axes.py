"""Axes that people read: times of day and days in UTC, and durations from a second to years."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
_STEPS: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * many for many in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * many for many in (1, 2, 3, 6, 12)),
    *(_DAY * many for many in (1, 2, 7, 14, 28, 56, 91, 182, 364)),
)
_DURATIONS: Final = {
    1: "1 s",
    10: "10 s",
    _MINUTE: "1 min",
    10 * _MINUTE: "10 min",
    _HOUR: "1 h",
    6 * _HOUR: "6 h",
    _DAY: "1 d",
    7 * _DAY: "7 d",
    30 * _DAY: "30 d",
    90 * _DAY: "90 d",
    365 * _DAY: "1 y",
    5 * 365 * _DAY: "5 y",
}


def over_time(axes: Axes, since: float, until: float, *, most: int) -> None:
    """The x axis: seconds since the epoch, with at most so many marks, in UTC."""
    until = max(until, since + 1)
    step = next((one for one in _STEPS if (until - since) / one <= most), _STEPS[-1])
    places = [place * step for place in range(ceil(since / step), int(until // step) + 1)] or [int(since)]
    axes.set_xlim(since, until)
    axes.set_xticks(places, _times(places, step))


def over_durations(axes: Axes, least: float, most: float, *, vertical: bool = False, sparse: bool = False) -> None:
    """An axis of seconds, logarithmic, from about `least` to about `most`."""
    low, high = max(least, 1.0) / 1.6, max(most, 1.0) * 1.6
    (axes.set_yscale if vertical else axes.set_xscale)("log")
    marks = {seconds: name for seconds, name in _DURATIONS.items() if low <= seconds <= high}
    if not marks:
        low, high = 0.8, 12.0
        marks = {1: "1 s", 10: "10 s"}
    if sparse:
        marks = dict(list(marks.items())[:: 1 + len(marks) // 5])
    (axes.set_ylim if vertical else axes.set_xlim)(low, high)
    axis = axes.yaxis if vertical else axes.xaxis
    axis.set_ticks([*marks], [*marks.values()])
    axis.set_ticks([], minor=True)


def over_counts(axes: Axes, highest: int, *, marks: int = 4) -> None:
    """The y axis: whole numbers from 0 to the highest, with a faint line at some of them."""
    axes.set_ylim(0, max(highest, 1) * 1.04)
    axes.yaxis.set_major_locator(MaxNLocator(marks, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="y")


def _times(places: list[int], step: int) -> list[str]:
    names, day = [], ""
    for place in places:
        at = datetime.fromtimestamp(place, UTC)
        if step >= _DAY:
            names.append(at.strftime("%d %b\n%Y") if at.strftime("%Y") != day else at.strftime("%d %b"))
            day = at.strftime("%Y")
            continue
        time = at.strftime("%H:%M:%S" if step < _MINUTE else "%H:%M")
        names.append(f"{time}\n{at:%d %b %Y}" if at.strftime("%F") != day else time)
        day = at.strftime("%F")
    return names
