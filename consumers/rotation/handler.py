"""Entry point of the rotation Lambda: wire, call, answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from consumers.rotation.wiring import Rotation, wire
from shared.aws.audited import audited
from shared.runtime.batch import Context, answered, seconds_left
from shared.runtime.settings import RotationSettings


@cache
def _rotation() -> Rotation:
    return wire(RotationSettings.from_environment(os.environ), os.environ)


@audited
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Begin a run, advance it, call it off, or look how far runs are, as the event's `operation` says.

    Raises:
        RetryLater: the same call may succeed later. Lambda tells who called it no more than the name of the class, so
            this one stands for all that it has underneath; any other error does not pass by itself.
    """
    return answered(lambda: _rotation().run(event, lambda: seconds_left(context)))
