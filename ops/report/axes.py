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
    *(_DAY * many for many in (1, 2, 7, 14)),
)
_MONTHS: Final = (1, 2, 3, 6, 12, 24, 60)
_MONTH: Final = 30 * _DAY
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
    step = next((one for one in _STEPS if (until - since) / one <= most), 0)
    if step:
        places = [place * step for place in range(ceil(since / step), int(until // step) + 1)]
    else:
        step, places = _MONTH, _firsts_of_months(since, until, most)
    axes.set_xlim(since, until)
    axes.set_xticks(places, _times(places, step))


def over_durations(axes: Axes, least: float, most: float, *, vertical: bool = False, sparse: bool = False) -> None:
    """An axis of seconds, logarithmic, from about `least` to about `most`."""
    low, high = max(least, 1.0) / 1.6, max(most, 1.0) * 1.6
    (axes.set_yscale if vertical else axes.set_xscale)("log")
    marks = {seconds: name for seconds, name in _DURATIONS.items() if low <= seconds <= high}
    if not marks:  # all of it lies between two
        below = max(seconds for seconds in _DURATIONS if seconds <= max(least, 1.0))
        above = min((seconds for seconds in _DURATIONS if seconds >= most), default=below)
        low, high = below / 1.25, max(above, most) * 1.25
        marks = {seconds: _DURATIONS[seconds] for seconds in (below, above)}
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


def _firsts_of_months(since: float, until: float, most: int) -> list[int]:
    many = next((one for one in _MONTHS if (until - since) / (one * _MONTH) <= most), _MONTHS[-1])
    begin, end = (datetime.fromtimestamp(at, UTC) for at in (since, until))
    months = range(begin.year * 12 // many * many, end.year * 12 + end.month, many)
    firsts = (int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()) for month in months)
    return [first for first in firsts if since <= first <= until]


def _times(places: list[int], step: int) -> list[str]:
    names, day = [], ""
    for place in places:
        at = datetime.fromtimestamp(place, UTC)
        if step >= _DAY:
            name = at.strftime("%b" if step == _MONTH else "%d %b")
            names.append(f"{name}\n{at:%Y}" if at.strftime("%Y") != day else name)
            day = at.strftime("%Y")
            continue
        time = at.strftime("%H:%M:%S" if step < _MINUTE else "%H:%M")
        names.append(f"{time}\n{at:%d %b %Y}" if at.strftime("%F") != day else time)
        day = at.strftime("%F")
    return names
