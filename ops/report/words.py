"""Numbers, shares, times and durations, as people read them; each also says exactly what it is, for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from ops.clock import iso
from ops.report.html import Html, tag

NOTHING: Final = "—"
"""Where there is nothing to say."""
NOT_KNOWN: Final = tag("span", "not known", class_="soft")

_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
_YEAR: Final = 365 * _DAY
_IN_DAYS: Final = 3 * _DAY
_SHORT: Final = 10
_HUNDREDTHS: Final = 10_000


def share(part: int, whole: int, *, of_faults: bool = False) -> str:
    """A share in percent, never better than it is: what is good is rounded down, what is not is rounded up.

    100 % is all of it, and 0 % none.
    """
    if not whole:
        return NOTHING
    if part in {0, whole}:
        return "100 %" if part else "0 %"
    hundredths = -(-part * _HUNDREDTHS // whole) if of_faults else part * _HUNDREDTHS // whole
    if hundredths in {0, _HUNDREDTHS}:
        return "> 99.99 %" if hundredths else "< 0.01 %"
    return f"{hundredths // 100}.{hundredths % 100:02} %"


def duration(seconds: float) -> str:
    """About how long: `2.4 s`, `3 min 12 s`, `2 h 5 min`, `2 d 4 h`, `97 d`, `1.2 years`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if seconds < _SHORT and seconds % 1 else f"{seconds:.0f} s"
    if seconds < _HOUR:
        return _two(seconds, _MINUTE, "min", 1, "s")
    if seconds < _DAY:
        return _two(seconds, _HOUR, "h", _MINUTE, "min")
    if seconds < _IN_DAYS:
        return _two(seconds, _DAY, "d", _HOUR, "h")
    return f"{seconds // _DAY:.0f} d" if seconds < 2 * _YEAR else f"{seconds / _YEAR:.1f} years"


def _two(seconds: float, unit: int, name: str, part: int, part_name: str) -> str:
    whole, rest = divmod(int(seconds), unit)
    return f"{whole} {name} {rest // part} {part_name}" if rest // part else f"{whole} {name}"


def count(number: int, name: str) -> Html:
    """A figure of the page, with a name by which programs find it."""
    return tag("data", f"{number:,}", value=number, data_figure=name)


def time(seconds: float | None) -> Html:
    """A time in UTC, to the second."""
    if seconds is None:
        return NOT_KNOWN
    shown = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return tag("time", shown, datetime=iso(seconds))
