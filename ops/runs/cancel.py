"""`sealstream rotation cancel`: a run of any kind is called off."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Final

from consumers.rotation.verdict import RunVerdict
from ops.patience import Patience
from ops.runs import answers
from ops.runs.driver import Ports, gathered
from ops.runs.options import scope_text
from ops.runs.verdict import meaning
from ops.runs.wiring import ports_from_environment
from shared.printable import printable
from shared.runs.model import Phase, Run, RunKind
from shared.runs.ports import RunStore

_STAYS: Final = (
    "Nothing of what was done is undone: data keys stay wrapped anew, replaced, retired or destroyed, and what was "
    "sealed anew stays so.\n"
    "Who works on it may go on for some minutes; that does no harm. What is left undone, the next run does."
)


def cancel(run_id: str | None = None, *, as_json: bool = False, ports: Ports | None = None) -> int:
    """Call off the run, or the only one that is not done, and say what that means; 1 where it had ended before.

    Raises:
        FunctionRefused: there is no such run.
        NoProgress: nothing answers for `PATIENCE_SECONDS`.
        StoreUnavailable: the runs table does not answer.
        SystemExit: no run was named, and none, or more than one, is not done.
    """
    ports = ports or ports_from_environment()
    run_id = run_id or _only(ports.runs).run_id
    patience = Patience(ports.clock, partial(print, file=sys.stderr))
    patience.insist(partial(answers.cancel, ports.rotation, run_id))
    view = patience.insist(partial(gathered, ports.runs, run_id))
    is_cancelled = view.run.verdict == RunVerdict.CANCELLED
    if as_json:
        print(json.dumps(view.document(ports.clock.wall()), indent=2))
    elif is_cancelled:
        print(f"{_named(view.run)}: called off.\n{_STAYS}")
    else:
        print(f"{_named(view.run)}: had ended before: {printable(meaning(view.run.verdict))}")
    return 0 if is_cancelled else 1


def _only(runs: RunStore) -> Run:
    found = [run for run in map(runs.latest, RunKind) if run is not None and run.phase is not Phase.DONE]
    if not found:
        raise SystemExit("sealstream: every run is done: there is none to be called off")
    if len(found) > 1:
        listed = "".join(f"\n  {_named(run)}" for run in found)
        raise SystemExit(f"sealstream: {len(found)} runs are not done: say which, by its id{listed}")
    return found[0]


def _named(run: Run) -> str:
    return f"{run.kind} {run.run_id} ({printable(scope_text(run))})"
