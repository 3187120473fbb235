"""How long an item stood in clear, also where it still does, or where nobody saw the beginning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ops.audit.exposure import Exposure
from ops.report.html import Html, joined, tag
from ops.report.words import NOT_KNOWN, duration


def seconds(exposure: Exposure, now: float) -> float | None:
    """From when it was written, or at least found, to its end, or to now; None where nobody knows when that was."""
    if exposure.open_seconds is not None:
        return exposure.open_seconds
    until = now if exposure.is_open else exposure.ended_at
    return None if until is None or exposure.found_at is None else max(until - exposure.found_at, 0.0)


@dataclass(frozen=True, slots=True)
class Lasted:
    """An exposure of which is known when it was found and how long it lasted at least, in seconds."""

    found_at: float
    seconds: float
    is_open: bool


def known(exposures: Iterable[Exposure], now: float) -> list[Lasted]:
    """Those that can be drawn, the longest first."""
    return [
        Lasted(one.found_at, lasted, one.is_open)
        for one in longest_first(exposures, now)
        if (lasted := seconds(one, now)) is not None and one.found_at is not None
    ]


def longest_first(exposures: Iterable[Exposure], now: float) -> list[Exposure]:
    """Sorted; those of which nobody knows it come last."""
    return sorted(exposures, key=lambda one: seconds(one, now) or 0.0, reverse=True)


def is_known(exposure: Exposure) -> bool:
    """Whether these are all the seconds, not only some: its beginning and its end are known."""
    return exposure.open_seconds is not None


def told(exposure: Exposure, now: float) -> Html:
    """In words."""
    lasted = seconds(exposure, now)
    if lasted is None:
        return NOT_KNOWN
    at_least = joined() if is_known(exposure) else tag("span", "at least ", class_="soft")
    return joined(at_least, duration(lasted))
