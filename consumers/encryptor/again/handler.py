"""Entry point of the redriver: wire, call, answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from consumers.encryptor.again.operations import Redriver
from consumers.encryptor.again.wiring import wire
from shared.aws.audited import audited
from shared.runtime.batch import NamedContext, answered, seconds_left
from shared.runtime.settings import RedriverSettings


@cache
def _redriver() -> Redriver:
    return wire(RedriverSettings.from_environment(os.environ))


@audited
def handler(event: Mapping[str, Any], context: NamedContext) -> dict[str, Any]:
    """Do what the event's `operation` says.

    Raises:
        RequestRefused: it has to be asked for otherwise.
        RetryLater: the same call may succeed later.
    """
    return answered(lambda: _answer(event, context))


def _answer(event: Mapping[str, Any], context: NamedContext) -> dict[str, Any]:
    return _redriver().answer(event, request_id=context.aws_request_id, seconds_left=lambda: seconds_left(context))
