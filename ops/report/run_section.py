"""Section 4: rotations and the other runs, each with what it counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ops.report.blocks import NUMBER, WIDE, Column, code, paragraph, section, table
from ops.report.caveat import caveat
from ops.report.html import Html, joined, tag
from ops.report.report import Report
from ops.report.runs import ToldRun
from ops.report.words import NOTHING, count, duration, time
from ops.runs.verdict import is_good, meaning
from ops.text import counted
from shared.model import VerdictKind
from shared.runs.model import RunKind

_CENSUS: Final[Mapping[str, str]] = {
    "visited": "visited",
    "sealed_values": "sealed values",
    "stale_values": "under old keys",
    "clear_values": "in clear",
    "unknown_values": "key unknown",
}
_JUDGED: Final[Mapping[str, str]] = {
    "visited": "visited",
    **{kind.value: kind.value for kind in reversed(VerdictKind) if kind is not VerdictKind.REMOVED},
    "unjudged": "unjudged",
}


def run_section(report: Report) -> Html:
    """The section."""
    intro = paragraph(
        "A rotation replaces data keys, seals everything under the new ones, and then counts: its census reads the key "
        "id of every sealed value in table and quarantine. A key is retired only after a census found nothing under it."
    )
    runs = [run for run in report.tally.runs if run.kind != RunKind.RECONCILIATION]
    reconciliations = [run for run in report.tally.runs if run.kind == RunKind.RECONCILIATION]
    content = []
    if runs:
        content.append(_table("runs", "Runs, with the census of each", _CENSUS, runs))
    if reconciliations:
        caption = "Reconciliations: every item that stands in the table, judged as a change is"
        content.append(_table("reconciliations", caption, _JUDGED, reconciliations))
    if not content:
        content.append(paragraph("No run was begun or ended in the period."))
    return section(4, "runs", "Rotations and other runs", intro, caveat(report), *content)


def _table(name: str, caption: str, figures: Mapping[str, str], runs: Sequence[ToldRun]) -> Html:
    columns = [Column("run", WIDE), *(Column(head, NUMBER) for head in figures.values())]
    rows = [[joined(*_told(run)), *_figures(run, figures)] for run in runs]
    return table(name, caption, columns, rows)


def _figures(run: ToldRun, names: Mapping[str, str]) -> Iterator[str]:
    for name in names:
        known = run.census.get(name)
        yield NOTHING if known is None else count(known, f"runs.{run.run_id}.{name}")


def _told(run: ToldRun) -> Iterator[str]:
    yield joined(tag("b", run.kind), " ", code(run.run_id[:8]))
    if run.scope:
        yield tag("span", run.scope, class_="under")
    took = ""
    if run.started_at is not None and run.ended_at is not None:
        took = f", took {duration(run.ended_at - run.started_at)}"
    yield tag("span", "begun ", time(run.started_at), took, class_="under")
    yield tag("span", _ending(run), class_="under")


def _ending(run: ToldRun) -> Html:
    did = {name: number for name, number in run.did.items() if number}
    done = f": {counted(did)}" if did else ""
    if not run.verdict:
        return joined(tag("b", f"not ended{f', {run.phase}' if run.phase else ''}"), done)
    words = meaning(run.verdict)
    return joined(words if is_good(run.verdict) else tag("b", words), done)
