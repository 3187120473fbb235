"""Entry point of the landing ingest's Lambda: wire, call, report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from consumers.landing_ingest.batch import LandingConsumer
from consumers.landing_ingest.ingest import Tally
from consumers.landing_ingest.report import report_batch
from consumers.landing_ingest.wiring import wire
from shared.aws.audited import audited
from shared.runtime.batch import BatchResponse, Context, partial_batch_response, seconds_left, whole_batch
from shared.runtime.settings import LandingIngestSettings


@cache
def _wired() -> LandingConsumer:
    return wire(LandingIngestSettings.from_environment(os.environ))


@audited
def handler(event: Mapping[str, Any], context: Context) -> BatchResponse:
    """Put the lines of the objects that the messages of one SQS event name into the stream."""
    return whole_batch(lambda: _process(event["Records"], lambda: seconds_left(context)))


def _process(messages: Sequence[Mapping[str, Any]], left: Callable[[], float]) -> BatchResponse:
    started = time.time()
    tally = Tally()
    results = _wired().process(messages, seconds_left=left, tally=tally)
    retried = sum(not result.done for result in results)
    report_batch(tally, retried=retried, started=started, ended=time.time())
    return partial_batch_response(result.message_id for result in results if not result.done)
