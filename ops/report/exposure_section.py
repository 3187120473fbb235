"""Section 2: what stood in clear."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Final

from ops.audit.exposure import Exposure
from ops.audit.exposures import NEVER_KNOWN
from ops.audit.holders import holders
from ops.report import lasting
from ops.report.blocks import NUMBER, WIDE, Column, code, figure, paragraph, section, table
from ops.report.caveat import caveat
from ops.report.html import Html, joined, tag
from ops.report.plots import exposure_plot
from ops.report.report import Report
from ops.report.words import count, time

_ENDINGS: Final = {
    "item.remediated": "sealed in its place",
    "item.reencrypted": "sealed in its place",
    "item.adopted": "sealed in its place",
    "item.removed": "removed",
}
_REMOVED_BY: Final = {"expiry": "removed by its own expiry", "principal": "removed by somebody"}
_OTHERWISE: Final = "written anew"
_SHOWN_ALIKE: Final = ", if it was this item: others are shown alike"
_MOST_HOLDERS: Final = 6


def exposure_section(report: Report) -> Html:
    """The section."""
    intro = paragraph(
        "An exposure is an item in which something that the policy seals stood in clear. It lasts from the change that "
        "put it there to the one that sealed or removed it, to the second, as the table's stream gives the times. What "
        "only looks sensitive where the policy keeps it plain is none: section 1 counts it."
    )
    if not report.exposures:
        none = paragraph(count(0, "exposures.total"), " exposures: no event of the period tells of one.")
        return section(2, "exposures", "Exposures", intro, caveat(report), none, *_unknown(report))
    total, still = count(len(report.exposures), "exposures.total"), count(len(report.open_exposures), "exposures.open")
    summary = paragraph(
        total, " in all; ", still, " that no event says to have ended. Where a copy may still lie, and until when, "
        "is as of now; ", code("sealstream audit exposures"), " tells it for each.",
    )  # fmt: skip
    content = (caveat(report), summary, _plotted(report), _listed(report), *_unknown(report))
    return section(2, "exposures", "Exposures", intro, *content)


def _plotted(report: Report) -> Html:
    lasted = lasting.known(report.exposures, report.period.made_at)
    if not lasted:
        return joined()
    found = [one.found_at for one in lasted]
    since, until = min(report.tally.first_at or inf, *found), max(report.tally.last_at or 0.0, *found)
    signs = {"dot": "ended"}
    if report.open_exposures:
        signs["triangle"] = "not ended: how long so far"
    caption = "How long each item stood in clear, by when it was found. The upright axis is logarithmic."
    return figure(exposure_plot(lasted, since, until), caption, signs)


def _listed(report: Report) -> Html:
    now = report.period.made_at
    worst_first = sorted(lasting.longest_first(report.exposures, now), key=lambda one: not one.is_open)
    rows = [
        (
            joined(code(one.tenant_id), " ", code(one.item_id), tag("span", *_places(one), class_="under")),
            joined(time(one.found_at), tag("span", _ending(one), class_="under")),
            lasting.told(one, now),
            joined(*_holders(one, report)),
        )
        for one in worst_first
    ]
    heads = (Column("tenant, item", WIDE), Column("found (UTC), ended by"), Column("lasted", NUMBER))
    columns = (*heads, Column("may still lie in", WIDE))
    return table("exposed", "Exposures: those not ended first, then the longest", columns, rows)


def _ending(exposure: Exposure) -> Html:
    if exposure.perhaps_ended_at is not None and exposure.is_open:
        return joined(tag("b", "not surely ended"), ": perhaps at ", time(exposure.perhaps_ended_at), _SHOWN_ALIKE)
    if exposure.is_open:
        return tag("b", "not ended")
    removed = _REMOVED_BY.get(exposure.removed_by)
    return joined(removed or _ENDINGS.get(exposure.ended_by, _OTHERWISE))


def _holders(exposure: Exposure, report: Report) -> Iterator[Html]:
    found = holders(exposure, report.copies, report.period.made_at)
    for one in found[:_MOST_HOLDERS]:
        until = joined("until ", time(one.until)) if one.until is not None else one.rule
        yield tag("span", one.what, ", ", until, class_="line")
    if len(found) > _MOST_HOLDERS:
        yield tag("span", f"and {len(found) - _MOST_HOLDERS:,} more", class_="line")
    if not found:
        yield joined("nothing that is known here")


def _unknown(report: Report) -> Iterator[Html]:
    listed = [tag("li", one) for one in (*NEVER_KNOWN, *report.copies.unknown)]
    yield tag("div", "Not known here:", tag("ul", *listed), class_="aside")


def _places(exposure: Exposure) -> Iterator[str]:
    yield "in clear: "
    for number, place in enumerate(exposure.places):
        if number:
            yield ", "
        yield code(place) if place else "the whole item"
