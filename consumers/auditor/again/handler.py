"""Entry point of the reauditor: wire, call, answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from consumers.auditor.again.operations import OperatorCalls
from consumers.auditor.wiring import wire
from shared.aws.audited import audited
from shared.aws.clients import client
from shared.aws.table_stream import TableStream
from shared.runtime.batch import NamedContext, answered, seconds_left
from shared.runtime.settings import ReauditorSettings


@cache
def _settings() -> ReauditorSettings:
    return ReauditorSettings.from_environment(os.environ)


@cache
def _calls() -> OperatorCalls:
    settings = _settings()
    return OperatorCalls(wire(settings.auditor), TableStream(client("dynamodbstreams"), settings.table_stream))


@audited
def handler(event: Mapping[str, Any], context: NamedContext) -> dict[str, Any]:
    """Do what the event's `operation` says.

    Raises:
        RequestRefused: it has to be asked for otherwise.
        RetryLater: the same call may succeed later; it stands for all that it has underneath, since Lambda tells a
            caller no more than the name of the class.
    """
    return answered(
        lambda: _calls().answer(event, request_id=context.aws_request_id, seconds_left=lambda: seconds_left(context))
    )
