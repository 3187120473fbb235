"""What stands beside figures of the period that are not of all of it, or that nothing vouches for."""

from __future__ import annotations

from ops.report.blocks import unread
from ops.report.html import Html, joined, tag
from ops.report.report import Report


def caveat(report: Report) -> Html:
    """Nothing where the report is complete."""
    if report.is_complete:
        return joined()
    section = tag("a", "section 6", href="#trail")
    return unread("Not all of the trail is counted here, or it was not verified", joined(section, " says what of it."))
