"""Takes a retirement back: the re-encryptor met a value under a retired key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consumers.rotation.options import read_key
from consumers.rotation.report import Report
from shared.errors import KeyUnknown, RunRefused
from shared.keys.rotation.ending import KeyEnder
from shared.model import KeyState
from shared.runtime.audit_log import AuditEvent


@dataclass(frozen=True, slots=True)
class Reopener:
    """Reopens data keys."""

    ender: KeyEnder
    report: Report

    def reopen(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Make a retired key one that opens again; answers with the state in which the key is after that.

        Raises:
            RunRefused: the tenant has no such key, or none was named.
        """
        tenant_id, key_id = read_key(event)
        try:
            row = self.ender.reopen(tenant_id, key_id)
        except KeyUnknown as unknown:
            raise RunRefused(str(unknown)) from None
        if row.state is KeyState.DECRYPT_ONLY and row.state_set_by:
            # also where it was reopened before: the one who did it may not have come so far as to tell
            self.report.ended(AuditEvent.KEY_REOPENED, row)
        return {"state": row.state.value}
