"""Entry point of the auditing Lambda: wire, call, report."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from consumers.auditor.audit import Auditor
from consumers.auditor.report import report_batch
from consumers.auditor.wiring import wire
from shared.aws.audited import audited
from shared.runtime.batch import BatchResponse, Context, partial_batch_response, whole_batch
from shared.runtime.settings import AuditorSettings


@cache
def _auditor() -> Auditor:
    return wire(AuditorSettings.from_environment(os.environ))


@audited
def handler(event: Mapping[str, Any], _context: Context) -> BatchResponse:
    """Audit the changes of one DynamoDB Streams event."""
    return whole_batch(lambda: _audit(event["Records"]))


def _audit(records: Sequence[Mapping[str, Any]]) -> BatchResponse:
    started = time.time()
    result = _auditor().audit(records)
    report_batch(result, started=started, ended=time.time())
    return partial_batch_response(result.failed_sequence_numbers)
