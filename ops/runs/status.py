"""`sealstream rotation status`: a run as it is stored."""

from __future__ import annotations

import json

from ops.clock import Clock
from ops.runs.report import lines
from ops.runs.view import RunView
from ops.runs.wiring import run_store
from shared.runs.model import Run, RunKind
from shared.runs.ports import RunStore


def show_status(run_id: str | None = None, *, as_json: bool = False, runs: RunStore | None = None) -> None:
    """Print the run, or the one that began last.

    Raises:
        StoreUnavailable: the runs table does not answer.
        SystemExit: there is none.
    """
    runs = runs or run_store()
    run = latest(runs) if run_id is None else runs.load(run_id)
    if run is None:
        raise SystemExit("sealstream: " + ("no run has begun yet" if run_id is None else f"there is no run {run_id}"))
    view, now = RunView.gather(runs, run), Clock().wall()
    print(json.dumps(view.document(now), indent=2) if as_json else "\n".join(lines(view, now)))


def latest(runs: RunStore) -> Run | None:
    """The run of whatever kind that began last."""
    return max(filter(None, map(runs.latest, RunKind)), key=lambda run: run.started_at, default=None)
