"""Entry point of the encrypting Lambda: wire, call, report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from consumers.encryptor.report import report_batch
from consumers.encryptor.wiring import Wired, wire
from shared.aws.audited import audited
from shared.runtime.batch import BatchResponse, Context, partial_batch_response, seconds_left, whole_batch
from shared.runtime.settings import EncryptorSettings


@cache
def _wired() -> Wired:
    return wire(EncryptorSettings.from_environment(os.environ))


@audited
def handler(event: Mapping[str, Any], context: Context) -> BatchResponse:
    """Seal and write the records of one Kinesis event."""
    return whole_batch(lambda: _process(event["Records"], lambda: seconds_left(context)))


def _process(records: Sequence[Mapping[str, Any]], left: Callable[[], float]) -> BatchResponse:
    started = time.time()
    wired = _wired()
    result = wired.encryptor.process(records, stream_arn=records[0]["eventSourceARN"], seconds_left=left)
    report_batch(result, wired.keyring.take_counts(), wired.audit_log, started=started, ended=time.time())
    return partial_batch_response(result.failed_sequence_numbers)
