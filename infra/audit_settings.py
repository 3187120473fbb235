"""What a deployment may choose about its audit trail, read from the CDK context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_s3 as s3

from infra.context import ContextError

DEFAULTS: Final = {
    "audit_lock": "governance",
    "audit_retention_days": "",
    "log_every_event": "",
    "audit_keys": "1",
    "notary_minutes": "5",
}
LOCKS: Final = {"governance": s3.ObjectLockMode.GOVERNANCE, "compliance": s3.ObjectLockMode.COMPLIANCE}

_RETENTION_DAYS: Final = "400"
"""A yearly audit looks back over more than a year."""
_DAYS: Final = re.compile(r"[1-9][0-9]{0,3}")
_GENERATIONS: Final = re.compile(r"[1-9]")
_MINUTES: Final = re.compile(r"[1-5]")
"""No more, since the alarm on a silent notary looks for a manifest in each five minutes."""


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The choices.

    Attributes:
        lock: in governance mode the root user, or whoever is let by a changed policy, may delete before the time is
            over; in compliance mode nobody may, AWS included.
        retention_days: for how long nothing in the trail can be deleted.
        log_every_event: whether CloudWatch Logs gets verified writes too, each a line.
        keys: how many generations of the key that signs manifests there are, 1 to 9; never fewer than once deployed.
        notary_minutes: from one manifest to the next.
    """

    lock: s3.ObjectLockMode
    retention_days: int
    log_every_event: bool
    keys: int
    notary_minutes: int

    @classmethod
    def of(cls, context: Mapping[str, str], *, local: bool) -> AuditSettings:
        """The choices of this synthesis; raises ContextError.

        On the local AWS the shortest retention there is, and every event in the log.
        """
        lock, days, every, keys, minutes = (context[name] for name in DEFAULTS)
        if lock not in LOCKS:
            raise ContextError(f"context audit_lock: {lock!r} is neither {' nor '.join(LOCKS)}")
        days = days or ("1" if local else _RETENTION_DAYS)
        if not _DAYS.fullmatch(days):
            raise ContextError(f"context audit_retention_days: {days!r} is no whole number of 1 to 9,999")
        every = (every or str(local)).lower()
        if every not in {"true", "false"}:
            raise ContextError(f"context log_every_event: {every!r} is neither true nor false")
        if not _GENERATIONS.fullmatch(keys):
            raise ContextError(f"context audit_keys: {keys!r} is no whole number of 1 to 9")
        if not _MINUTES.fullmatch(minutes):
            raise ContextError(f"context notary_minutes: {minutes!r} is no whole number of 1 to 5")
        return cls(LOCKS[lock], int(days), every == "true", int(keys), int(minutes))
