"""Entry point of the reconciling Lambda: one worker's time at one segment of a reconciliation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from consumers.auditor.standing.report import figures
from consumers.auditor.standing.wiring import wire
from shared.aws.audited import audited
from shared.runtime.batch import Context, whole_batch
from shared.runtime.settings import ReconcilerSettings
from shared.scan.invocation import work_for
from shared.scan.work import ScanWorker


@cache
def _reconciler() -> ScanWorker:
    return wire(ReconcilerSettings.from_environment(os.environ))


@audited
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Go on with the segment that the event names, for so many `seconds` where it says so."""
    return whole_batch(lambda: work_for(event, context, _reconciler(), figures))
