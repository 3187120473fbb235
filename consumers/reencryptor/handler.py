"""Entry point of the re-encrypting Lambda: wire, call, report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from consumers.reencryptor.report import report_batch
from consumers.reencryptor.wiring import Wired, wire
from shared.aws.audited import audited
from shared.runtime.batch import BatchResponse, Context, partial_batch_response, seconds_left, whole_batch
from shared.runtime.settings import ReencryptorSettings


@cache
def _wired() -> Wired:
    return wire(ReencryptorSettings.from_environment(os.environ))


@audited
def handler(event: Mapping[str, Any], context: Context) -> BatchResponse:
    """Mend the items that the messages of one SQS event name."""
    return whole_batch(lambda: _process(event["Records"], lambda: seconds_left(context)))


def _process(messages: Sequence[Mapping[str, Any]], left: Callable[[], float]) -> BatchResponse:
    started = time.time()
    wired = _wired()
    results = wired.consumer.process(messages, seconds_left=left)
    report_batch(results, wired.keyring.take_counts(), started=started, ended=time.time())
    return partial_batch_response(result.message_id for result in results if not result.done)
