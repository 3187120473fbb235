"""Entry point of the encrypting Lambda: wire, call, report."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from consumers.encryptor.report import report_batch
from consumers.encryptor.wiring import Wired, wire
from shared.runtime.batch import BatchResponse, partial_batch_response
from shared.runtime.settings import EncryptorSettings


@cache
def _wired() -> Wired:
    return wire(EncryptorSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], _context: object) -> BatchResponse:
    """Seal and write the records of one Kinesis event."""
    started = time.time()
    wired = _wired()
    records = event["Records"]
    result = wired.encryptor.process(records, stream_arn=records[0]["eventSourceARN"])
    report_batch(result, wired.keyring.take_counts(), wired.audit_log, started=started, ended=time.time())
    return partial_batch_response(result.failed_sequence_numbers)
