"""What stands on a page, as a program reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from ops.audit.exposure_events import exposures
from ops.report.report import Report


class Shown(HTMLParser):
    """Reads a page.

    Attributes:
        figures: by their names; each name has one value, however often it is shown.
        text: all of it, without the style.
        elements: their names, in order.
        ids: of all elements.
        named_by: ids that elements say they are named or described by.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.figures: dict[str, int] = {}
        self.text = ""
        self.elements: list[str] = []
        self.ids: list[str] = []
        self.named_by: list[str] = []
        self._in_style = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append(tag)
        self._in_style = tag == "style"
        if "id" in found:
            self.ids.append(found["id"] or "")
        for name in ("aria-labelledby", "aria-describedby"):
            self.named_by.extend((found.get(name) or "").split())
        if figure := found.get("data-figure"):
            value = int(found["value"] or "")
            assert self.figures.setdefault(figure, value) == value, f"{figure} is shown as {value} too"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.text += data


def said(report: Report) -> list[str]:
    """What asks for attention."""
    return [one.sentence for one in report.attention()]


def figures_of(events: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What the page must say of these events, counted by other means than its own."""
    changes = [one for one in events if one["event"].startswith("item.") and one["change"] != "standing"]
    verdicts = Counter(one["verdict"] for one in changes)
    open_ones = exposures(events)
    quarantined: Counter[str] = Counter()
    for one in events:
        if one["event"] == "record.quarantined":
            quarantined[one["reason"]] += one["record_count"]
    return {
        **{f"quarantined.{reason}": number for reason, number in quarantined.items()},
        **{f"events.{name}": number for name, number in Counter(one["event"] for one in events).items()},
        **{f"changes.{verdict}": number for verdict, number in verdicts.items()},
        **{
            f"runs.{one['run_id']}.{name}": one[name]
            for one in events
            if one["event"] in {"census.completed", "reconciliation.completed"}
            for name in ("visited", "sealed_values", "stale_values", "verified", "stale", "unjudged")
            if name in one
        },
        "events.total": len(events),
        "changes.total": len(changes),
        "exposures.total": len(open_ones),
        "exposures.open": sum(one.is_open for one in open_ones),
    }
