"""One invocation of a worker: a segment's name in, how far it is out, and two lines that tell what was done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.runtime.batch import Context, seconds_left
from shared.runtime.log import json_lines
from shared.runtime.metrics import Metric, emit
from shared.scan.tally import WOULD_SEAL
from shared.scan.work import ScanWorker, Worked

RESERVE_SECONDS: Final = 60
"""With less time left no page is begun: visiting and storing one are some calls of AWS, of 27 s at most each."""

Figures = Callable[[Worked], Mapping[str, float]]


def work_for(event: Mapping[str, Any], context: Context, worker: ScanWorker, figures: Figures) -> dict[str, Any]:
    """Go on with the segment that the event names, for so many `seconds` where it says so.

    Args:
        event: `run_id`, `segment`, and perhaps `seconds`.
        context: Lambda's.
        worker: who works.
        figures: the metrics of what it did, but for how long that took.

    Raises:
        RunRefused, RetryLater: as the worker's `work`.
    """
    started, begun = time.time(), time.monotonic()
    seconds = float(event.get("seconds", "inf"))
    worked = worker.work(
        event["run_id"],
        event["segment"],
        is_over=lambda: seconds_left(context) < RESERVE_SECONDS or time.monotonic() - begun >= seconds,
    )
    _tell(worked)
    ended = time.time()
    values = {**figures(worked), Metric.BATCH_DURATION_MS: round((ended - started) * 1_000, 1)}
    emit(values, at=ended)
    return {
        "run_id": worked.run.run_id,
        "segment": worked.segment,
        "done": worked.progress.done,
        "overtaken": worked.progress.overtaken,
    }


def _tell(worked: Worked) -> None:
    counts = {name: count for name, count in worked.progress.counts.items() if not name.startswith(WOULD_SEAL)}
    json_lines().msg(
        "segment",
        run_id=worked.run.run_id,
        kind=worked.run.kind,
        phase=worked.run.phase,
        segment=worked.segment,
        done=worked.progress.done,
        overtaken=worked.progress.overtaken,
        **counts,
    )
