"""One sweeper over all segments of a run's phase, in a process of its own: seconds, calls of AWS, memory, as JSON.

Started as `python -m bench.worker RUN_ID`.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections import Counter
from typing import Any

from bench import prices
from bench.memory import peak_kib
from consumers.sweeper.wiring import wire
from shared.aws.clients import client
from shared.item_size import item_size_bytes
from shared.runtime.settings import SweeperSettings


def main(run_id: str) -> None:
    """Work until every segment is done."""
    calls: Counter[str] = Counter()
    for service in ("dynamodb", "kms", "s3", "lambda"):
        client(service).meta.events.register("before-send", _counting(calls, service))
    units: Counter[str] = Counter()
    client("dynamodb").meta.events.register("provide-client-params", _counting_units(units))
    os.environ.setdefault("SEALSTREAM_STAGE", "sweeper")  # as the deployed one, whose segments these might be
    sweeper = wire(SweeperSettings.from_environment(os.environ))
    run = sweeper.runs.load(run_id)
    if run is None:
        sys.exit(f"there is no run {run_id}")
    calls.clear()
    units.clear()
    began = time.monotonic()
    counts: Counter[str] = Counter()
    for segment in range(run.segments + 1):
        counts += Counter(dict(sweeper.work(run_id, segment, is_over=lambda: False).progress.counts))
    figures = {
        "phase": run.phase,
        "seconds": round(time.monotonic() - began, 2),
        "counts": counts,
        "calls": calls,
        "units": units,
        "peak_memory_mib": round(peak_kib() / 1024),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _counting(calls: Counter[str], service: str) -> Any:
    """Counts what really goes out, repetitions included."""

    def count(event_name: str, **_: object) -> None:
        calls[f"{service}.{event_name.rpartition('.')[2]}"] += 1

    return count


def _counting_units(units: Counter[str]) -> Any:
    """Counts what DynamoDB bills beside the items' own scan and updates, which depend on the items' size."""

    def count(params: dict[str, Any], event_name: str, **_: object) -> None:
        match event_name.rpartition(".")[2]:
            case "GetItem" | "Query":
                units["read"] += 1
            case "BatchGetItem":
                units["read"] += sum(len(asked["Keys"]) for asked in params["RequestItems"].values())
            case "PutItem":
                units["write"] += math.ceil(item_size_bytes(params["Item"]) / prices.WRITE_UNIT_BYTES)

    return count


if __name__ == "__main__":
    main(*sys.argv[1:])
