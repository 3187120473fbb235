"""One command that begins a run: shown while it goes on, reported at its end, judged by its exit status."""

from __future__ import annotations

import json
import sys

from ops.clock import Clock
from ops.runs.display import display_for
from ops.runs.driver import Ports, drive
from ops.runs.options import Options
from ops.runs.report import lines
from ops.runs.wiring import ports_from_environment
from shared.errors import SettingsError
from shared.runs.model import Phase, RunKind


def operate(
    kind: RunKind, options: Options, *, wait: bool = True, as_json: bool = False, ports: Ports | None = None
) -> int:
    """Drive a run and print what it came to; 0 where that is good, or where it was only to be started.

    Raises:
        SealstreamError: as `drive`; SettingsError too where nobody would drive a run that is not waited for.
    """
    ports = ports or ports_from_environment()
    if ports.machine is None and not wait:
        raise SettingsError("against the local AWS this command itself drives the run: --no-wait would leave it undone")
    as_json = as_json or not sys.stdout.isatty()
    with display_for(as_json=as_json) as display:
        view = drive(kind, options, ports=ports, display=display, wait=wait)
    now = Clock().wall()
    ended = view.run.phase is Phase.DONE
    if as_json:
        print(json.dumps({"event": "finished" if ended else "started", **view.document(now)}), flush=True)
    elif ended:
        print("\n".join(lines(view, now)))
    else:
        print(f"{view.run.run_id}: AWS goes on with it; `sealstream rotation status` shows how far it is")
    return 0 if view.is_good or not (ended or wait) else 1
