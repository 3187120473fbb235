"""A run told to people."""

from __future__ import annotations

from collections.abc import Iterator

from ops.clock import iso
from ops.runs.options import scope_text
from ops.runs.verdict import meaning, what_to_do
from ops.runs.view import RunView
from ops.text import counted, table
from shared.model import VerdictKind
from shared.printable import printable
from shared.runs.model import Phase, RunKind


def lines(view: RunView, now: float) -> Iterator[str]:
    """All that is known of a run, harmless on a terminal."""
    run = view.run
    yield f"{run.kind} {run.run_id}: {printable(scope_text(run))}"
    yield f"  begun    {iso(run.started_at)}"
    if run.counts:
        yield f"  keys     {counted(run.counts)}"
    for phase, scan in view.scans.items():
        rate = view.average_rate(phase, now)
        average = "" if rate is None else f", {rate:,.0f} items/s on average"
        yield f"  {phase:<8} {scan.segments_done} of {scan.segments} segments{average}"
        yield f"           {counted(scan.counts)}"
    if run.phase is Phase.BARRIER:
        yield f"  barrier  until {iso(run.barrier_until)}"
    if run.phase is not Phase.DONE:
        yield f"  phase    {run.phase}" + (f", since {iso(run.census_at)}" if run.phase is Phase.CENSUS else "")
        return
    yield f"  ended    {iso(run.ended_at)}"
    yield from _places(view)
    yield from _judged(view)
    yield f"verdict: {printable(meaning(run.verdict))}"
    if not view.is_good:
        yield from _obstacles(view)
        yield what_to_do(run.verdict)


def _places(view: RunView) -> Iterator[str]:
    if view.run.kind is RunKind.SURVEY and view.would_seal:
        rows = [(path, data_class, f"{number:,}") for (path, data_class), number in sorted(view.would_seal.items())]
        yield "would be sealed:"
        yield from table(("path", "class", "values"), rows, indent=2)


def _judged(view: RunView) -> Iterator[str]:
    if view.run.kind is RunKind.RECONCILIATION and Phase.CENSUS in view.scans:
        counts = view.scans[Phase.CENSUS].counts
        names = [*(kind.value for kind in reversed(VerdictKind) if kind is not VerdictKind.REMOVED), "unjudged"]
        yield "items by verdict:"
        yield from table(("verdict", "items"), [(name, f"{counts.get(name, 0):,}") for name in names], indent=2)


def _obstacles(view: RunView) -> Iterator[str]:
    keys, examples = view.keys_in_use, view.examples
    if keys:
        yield "values under data keys that are not active:"
        yield from table(
            ("tenant/key", "values"), [(key, f"{number:,}") for key, number in sorted(keys.items())], indent=2
        )
    if examples:
        what = "found" if view.run.kind is RunKind.RECONCILIATION else "left as it is"
        yield f"{what} (some, where there are many):"
        left = [(one.tenant_id, one.item_id, one.where, one.why) for one in examples]
        yield from table(("tenant", "item, object or key", "path", "why"), left, indent=2)
