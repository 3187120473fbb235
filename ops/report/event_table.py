"""Tables of how often each event of a kind was told."""

from __future__ import annotations

from collections.abc import Mapping

from ops.report.blocks import NAME, NUMBER, Column, code, table
from ops.report.html import Html
from ops.report.report import Report
from ops.report.words import count


def event_table(report: Report, name: str, caption: str, meanings: Mapping[str, str]) -> Html:
    """Each of these events, with its meaning.

    Args:
        report: what counted them.
        name: of the table, for its ids.
        caption: of the table; it also says where not all of them are counted.
        meanings: by event.
    """
    rows = [
        (code(event), count(report.tally.by_name.get(event, 0), f"events.{event}"), words)
        for event, words in meanings.items()
    ]
    caption += "" if report.is_complete else ", as far as they could be counted"
    return table(name, caption, (Column("event", NAME), Column("times", NUMBER), Column("means")), rows)
