"""One sweeper over all segments of a run's phase, in a process of its own: seconds, calls of AWS, memory, as JSON.

Started as `python -m bench.worker RUN_ID`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections import Counter
from typing import Any, Final

from consumers.sweeper.wiring import wire
from shared.aws.clients import client
from shared.runtime.settings import SweeperSettings

_KIBIBYTES_PER_UNIT: Final = 1 / 1024 if sys.platform == "darwin" else 1
"""What getrusage counts memory in: bytes on macOS, KiB elsewhere."""


def main(run_id: str) -> None:
    """Work until every segment is done."""
    calls: Counter[str] = Counter()
    for service in ("dynamodb", "kms", "s3", "lambda"):
        client(service).meta.events.register("before-send", _counting(calls, service))
    sweeper = wire(SweeperSettings.from_environment(os.environ))
    run = sweeper.runs.load(run_id)
    if run is None:
        sys.exit(f"there is no run {run_id}")
    calls.clear()
    began = time.monotonic()
    counts: Counter[str] = Counter()
    for segment in range(run.segments + 1):
        counts += Counter(dict(sweeper.work(run_id, segment, is_over=lambda: False).progress.counts))
    figures = {
        "phase": run.phase,
        "seconds": round(time.monotonic() - began, 2),
        "counts": counts,
        "calls": calls,
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTES_PER_UNIT / 1024),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _counting(calls: Counter[str], service: str) -> Any:
    """Counts what really goes out, repetitions included."""

    def count(event_name: str, **_: object) -> None:
        calls[f"{service}.{event_name.rpartition('.')[2]}"] += 1

    return count


if __name__ == "__main__":
    main(*sys.argv[1:])
