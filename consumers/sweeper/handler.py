"""Entry point of the sweeping Lambda: one worker's time at one segment of a run's sweep or census."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from consumers.sweeper.report import report
from consumers.sweeper.wiring import wire
from consumers.sweeper.work import Sweeper
from shared.runtime.batch import Context, seconds_left, whole_batch
from shared.runtime.settings import SweeperSettings

RESERVE_SECONDS: Final = 60
"""With less time left no page is begun: mending and storing one are some calls of AWS, of 27 s at most each."""


@cache
def _sweeper() -> Sweeper:
    return wire(SweeperSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Go on with the segment that the event names, for so many `seconds` where it says so."""
    return whole_batch(lambda: _work(event, lambda: seconds_left(context)))


def _work(event: Mapping[str, Any], left: Callable[[], float]) -> dict[str, Any]:
    started, begun = time.time(), time.monotonic()
    seconds = float(event.get("seconds", "inf"))
    worked = _sweeper().work(
        event["run_id"],
        event["segment"],
        is_over=lambda: left() < RESERVE_SECONDS or time.monotonic() - begun >= seconds,
    )
    report(worked, started=started, ended=time.time())
    return {
        "run_id": worked.run.run_id,
        "segment": worked.segment,
        "done": worked.progress.done,
        "overtaken": worked.progress.overtaken,
    }
