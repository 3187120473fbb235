"""Entry point of the ensure-keys Lambda: wire, call, answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from consumers.rotation.ensure.ensurer import KeyEnsurer
from consumers.rotation.ensure.wiring import wire
from shared.aws.audited import audited
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
    return answered(lambda: _ensurer().ensure(event))
