"""Entry point of the ensure-keys Lambda: wire, call, answer."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from consumers.rotation.ensure.ensurer import KeyEnsurer
from consumers.rotation.ensure.report import count_failure
from consumers.rotation.ensure.wiring import wire
from shared.aws.audited import audited
from shared.errors import KeyServiceUnavailable
from shared.runtime.batch import Context, answered
from shared.runtime.settings import EnsureKeysSettings


@cache
def _ensurer() -> KeyEnsurer:
    return wire(EnsureKeysSettings.from_environment(os.environ))


@audited
def handler(event: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    """See to it that the tenant has an active data key of each class that the event names.

    Raises:
        RequestRefused: it names no tenant, or other classes than the policy's.
        RetryLater: the same call may succeed later.
    """
    return answered(lambda: _ensure(event))


def _ensure(event: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _ensurer().ensure(event)
    except KeyServiceUnavailable:  # nothing more was asked after that
        count_failure(time.time())
        raise
