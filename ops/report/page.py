"""The whole page: head, what comes first, the sections, the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Final

from ops.report.blocks import band, code, facts, paragraph
from ops.report.colophon import colophon
from ops.report.coverage_section import coverage_section
from ops.report.exposure_section import exposure_section
from ops.report.headlines import headlines
from ops.report.html import Html, joined, tag
from ops.report.key_section import key_section
from ops.report.quarantine_section import quarantine_section
from ops.report.report import Part, Remark, Report
from ops.report.run_section import run_section
from ops.report.trail_section import trail_section
from ops.report.words import time

_PARTS: Final = {
    Part.COVERAGE: "Coverage",
    Part.EXPOSURES: "Exposures",
    Part.KEYS: "Data keys",
    Part.RUNS: "Rotations",
    Part.QUARANTINE: "Quarantine",
    Part.TRAIL: "Audit trail",
}
_NOTHING_FROM_ELSEWHERE: Final = "default-src 'none'; style-src 'unsafe-inline'"


def page(report: Report) -> str:
    """The document; it needs nothing but itself."""
    style = files("ops.report").joinpath("style.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_NOTHING_FROM_ELSEWHERE),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
        tag("title", "sealstream: audit report"),
        tag("style", Html(style)),
    )
    sections = (coverage_section, exposure_section, key_section, run_section, quarantine_section, trail_section)
    main = tag("main", *_first(report), *(one(report) for one in sections))
    body = tag("body", _header(report), main, colophon(report))
    return "<!DOCTYPE html>\n" + tag("html", head, body, lang="en") + "\n"


def _header(report: Report) -> Html:
    period = report.period
    names = {what: code(name) for what, name in report.names.items()}
    when = joined(time(period.since), " to ", time(period.until))
    return tag(
        "header",
        tag("p", "sealstream", class_="eyebrow"),
        tag("h1", "Audit report"),
        facts({"period (UTC)": when, **names}),
        tag("nav", *_links(), aria_label="Sections"),
    )


def _links() -> Iterator[Html]:
    for number, (name, title) in enumerate(_PARTS.items(), start=1):
        yield joined(tag("a", tag("span", str(number), class_="no"), " ", title, href=f"#{name}"), " ")


def _first(report: Report) -> Iterator[Html]:
    asks, unknown = _listed(report.attention()), _listed(report.not_known())
    said = [tag("p", tag("b", "This asks for somebody's attention:")), asks]
    if not asks:
        what = "known" if unknown else "reported"
        said = [paragraph(f"Nothing of what is {what} here asks for anybody's attention.")]
    if unknown:
        said += [tag("p", tag("b", "Not known here:")), unknown]
    yield tag(
        "section", tag("h2", "In short", class_="hidden"), tag("div", *said, class_="said"), band(headlines(report))
    )


def _listed(remarks: Iterable[Remark]) -> Html:
    """Nothing where there are none."""
    items = [tag("li", one.sentence) for one in remarks]
    return tag("ul", *items) if items else joined()
