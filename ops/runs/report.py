"""A run told to people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ops.clock import iso
from ops.runs.options import scope_text
from ops.runs.verdict import meaning, what_to_do
from ops.runs.view import RunView
from shared.printable import printable
from shared.runs.model import Phase, RunKind


def lines(view: RunView, now: float) -> Iterator[str]:
    """All that is known of a run, harmless on a terminal."""
    run = view.run
    yield f"{run.kind} {run.run_id}: {printable(scope_text(run))}"
    yield f"  begun    {iso(run.started_at)}"
    if run.counts:
        yield f"  keys     {_counted(run.counts)}"
    for phase, scan in view.scans.items():
        rate = view.average_rate(phase, now)
        average = "" if rate is None else f", {rate:,.0f} items/s on average"
        yield f"  {phase:<8} {scan.segments_done} of {scan.segments} segments{average}"
        yield f"           {_counted(scan.counts)}"
    if run.phase is Phase.BARRIER:
        yield f"  barrier  until {iso(run.barrier_until)}"
    if run.phase is not Phase.DONE:
        yield f"  phase    {run.phase}" + (f", since {iso(run.census_at)}" if run.phase is Phase.CENSUS else "")
        return
    yield f"  ended    {iso(run.ended_at)}"
    yield from _places(view)
    yield f"verdict: {printable(meaning(run.verdict))}"
    if not view.is_good:
        yield from _obstacles(view)
        yield what_to_do(run.verdict)


def _places(view: RunView) -> Iterator[str]:
    if view.run.kind is RunKind.SURVEY and view.would_seal:
        rows = [(path, data_class, f"{number:,}") for (path, data_class), number in sorted(view.would_seal.items())]
        yield "would be sealed:"
        yield from _table(("path", "class", "values"), rows)


def _obstacles(view: RunView) -> Iterator[str]:
    keys, examples = view.keys_in_use, view.examples
    if keys:
        yield "values under data keys that are not active:"
        yield from _table(("tenant/key", "values"), [(key, f"{number:,}") for key, number in sorted(keys.items())])
    if examples:
        yield "left as it is (some, where there are many):"
        rows = [(one.tenant_id, one.item_id, one.where, one.why) for one in examples]
        yield from _table(("tenant", "item, object or key", "path", "why"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    safe = [list(head), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in safe) for column in range(len(head))]
    for row in safe:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{printable(name).replace('_', ' ')} {number:,}" for name, number in counts.items()) or "nothing"
