"""Section 1: what became of the changes of the items table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ops.report.blocks import NAME, NUMBER, PLACE, Column, code, figure, paragraph, section, table
from ops.report.caveat import caveat
from ops.report.coverage import MENDINGS, Coverage
from ops.report.html import Html, joined, tag
from ops.report.plots import coverage_plot
from ops.report.report import Report
from ops.report.words import NOTHING, count, duration, share
from shared.model import VerdictKind

VERDICTS: Final = {
    VerdictKind.VERIFIED: "nothing sensitive in clear; all sealed under active keys and the present policy",
    VerdictKind.STALE: "nothing in clear; something sealed under a data key or policy that has been replaced",
    VerdictKind.UNDECLARED: "something that the policy keeps plain, or does not declare, looks sensitive",
    VerdictKind.MALFORMED: "not of the form that sealstream writes",
    VerdictKind.PLAINTEXT: "something that the policy seals stood in clear",
    VerdictKind.REMOVED: "the item is gone: nothing is left to be verified",
}
_DONE: Final = {
    "item.reencrypted": "sealed anew, under the active data key or the present policy",
    "item.remediated": "sealed in its place after it had stood in clear",
    "item.adopted": "sealed in its place when sealstream took the table over",
}


def coverage_section(report: Report) -> Html:
    """Section 1."""
    coverage = report.tally.coverage
    intro = paragraph(
        "The auditor, a function that holds no key, looks at every change of the items table, and tells of each. A "
        "share is of the changes that left something to be verified; that of the verified is never rounded up, "
        "those of faults never down."
    )
    if not coverage.changes:
        none = paragraph("No change of the items table was told of.")
        return section(1, "coverage", "Coverage", intro, caveat(report), none)
    return section(
        1,
        "coverage",
        "Coverage",
        intro,
        caveat(report),
        *_over_time(coverage),
        _verdicts(coverage),
        *_told_otherwise(coverage),
        _policies(coverage),
        *_more(coverage),
    )


def _over_time(coverage: Coverage) -> Iterator[Html]:
    if not coverage.steps.starts:
        return
    shown = {kind: kind for kind in VERDICTS if coverage.by_verdict.get(kind)}
    undated = f" {coverage.undated:,} whose time nobody knows are not in it." if coverage.undated else ""
    caption = (
        f"Changes in steps of {duration(coverage.steps.width_seconds)}, from the first to the last of the period. "
        f"Those with a finding, if any, are drawn above once more, on a scale of their own.{undated}"
    )
    yield figure(coverage_plot(coverage), caption, {str(kind): str(kind) for kind in shown})


def _verdicts(coverage: Coverage) -> Html:
    rows: list[Sequence[str]] = [
        (
            kind,
            count(coverage.by_verdict.get(kind, 0), f"changes.{kind}"),
            _share(coverage, kind),
            meaning,
        )
        for kind, meaning in VERDICTS.items()
    ]
    rows.append((tag("b", "all changes"), count(coverage.changes, "changes.total"), "", ""))
    columns = (Column("verdict"), Column("changes", NUMBER), Column("share", NUMBER), Column("means"))
    return table("verdicts", "Changes by verdict", columns, rows)


def _share(coverage: Coverage, kind: VerdictKind) -> str:
    if kind is VerdictKind.REMOVED:
        return ""
    of_faults = kind is not VerdictKind.VERIFIED
    return share(coverage.by_verdict.get(kind, 0), coverage.verifiable, of_faults=of_faults)


def _told_otherwise(coverage: Coverage) -> Iterator[Html]:
    if coverage.told_otherwise:
        times = count(coverage.told_otherwise, "changes.told_otherwise")
        yield paragraph(
            times, " further tellings say something else of a change that is counted already: it was judged twice, as "
            "a key or the policy changed in between, or somebody else told of it. The first counts; section 6 names "
            "the segments.",
        )  # fmt: skip


def _policies(coverage: Coverage) -> Html:
    """Under which policies the items are sealed that the changes left."""
    named = sorted(coverage.policies.items(), key=lambda one: -one[1])
    told = [joined(", " if place else "", code(digest), f" ({many:,})") for place, (digest, many) in enumerate(named)]
    return paragraph("Policies that these changes name, by their digest: ", *told, ".", soft=True) if told else joined()


def _more(coverage: Coverage) -> Iterator[Html]:
    done = [(code(name), count(coverage.mendings.get(name, 0), f"events.{name}"), _DONE[name]) for name in MENDINGS]
    columns = (Column("event", NAME), Column("changes", NUMBER), Column("what it did"))
    yield table("mendings", "Of these, changes by which sealstream itself put something in order", columns, done)
    places = sorted(coverage.findings.items(), key=lambda one: (-one[1], one[0]))
    if places:
        found = [
            (code(where) if where else "the whole item", data_class or NOTHING, kind, why, f"{number:,}")
            for (kind, where, why, data_class), number in places
        ]
        heads = (Column("place", PLACE), Column("class"), Column("finding"), Column("why"), Column("times", NUMBER))
        yield table(
            "findings", "What was found, by place; a name that the policy does not declare reads ?", heads, found
        )
