"""How long an item stood in clear, also where it still does, or where nobody saw the beginning."""

from __future__ import annotations

from ops.audit.exposure import Exposure
from ops.report.html import Html, joined, tag
from ops.report.words import duration


def seconds(exposure: Exposure, now: float) -> float:
    """From when it was written, or at least found, to its end, or to now."""
    known = exposure.open_seconds
    return known if known is not None else max((exposure.ended_at or now) - exposure.found_at, 0.0)


def is_known(exposure: Exposure) -> bool:
    """Whether these are all the seconds, not only some: its beginning and its end are known."""
    return exposure.open_seconds is not None


def told(exposure: Exposure, now: float) -> Html:
    """In words."""
    lasted = duration(seconds(exposure, now))
    return joined(lasted) if is_known(exposure) else joined(tag("span", "at least ", class_="soft"), lasted)
