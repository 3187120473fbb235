"""Entry point of the notary's Lambda: wire, call, report."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from consumers.notary.notary import Notary, Tally
from consumers.notary.report import report
from consumers.notary.wiring import wire
from shared.aws.audited import audit_log, audited
from shared.errors import KeyDenied, KeyServiceUnavailable
from shared.runtime.batch import NamedContext, answered, seconds_left
from shared.runtime.settings import NotarySettings


@cache
def _notary() -> Notary:
    return wire(NotarySettings.from_environment(os.environ))


@audited
def handler(_event: Mapping[str, Any], context: NamedContext) -> dict[str, int]:
    """Attest what was written since the last manifest.

    Raises:
        TrailBroken: nothing was, since the trail is not as it was written.
        RetryLater: the next call may succeed.
    """
    return answered(lambda: _attest(context))


def _attest(context: NamedContext) -> dict[str, int]:
    started = time.time()
    tally = Tally()
    try:
        _notary().write(tally, seconds_left=lambda: seconds_left(context))
    except (KeyDenied, KeyServiceUnavailable):
        tally.kms_failures = 1
        raise
    finally:
        report(tally, started=started, ended=time.time(), audit_log=audit_log())
    return {"manifests": tally.manifests, "segments": tally.segments, "findings": len(tally.findings)}
