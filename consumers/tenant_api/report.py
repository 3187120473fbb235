"""What the tenant API counts of a request, for metrics."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.keys.keyring import Keyring
from shared.runtime.metrics import Metric, emit


@dataclass(slots=True)
class Tally:
    """What one invocation did.

    Attributes:
        denied: events `access.denied` that it wrote.
        keyrings: those of the sessions that it used, one more where a session had to be made anew.
    """

    denied: int = 0
    keyrings: list[Keyring] = field(default_factory=list, repr=False)


def report_request(tally: Tally, *, at: float) -> None:
    """Write the invocation's metrics to standard output; `at` in seconds since the epoch."""
    counts = [keyring.take_counts() for keyring in tally.keyrings]
    values = {
        Metric.ACCESS_DENIED: tally.denied,
        Metric.KMS_CALLS: sum(one.kms_generate + one.kms_decrypt for one in counts),
        # a class that a limited session does not open is denied by KMS, as it should be
        Metric.KMS_FAILURES: sum(one.kms_failed - one.kms_denied for one in counts),
    }
    emit(values, at=at)
