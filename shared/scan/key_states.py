"""States of data keys for a scan: read once, when the scan first meets a key, so never older than the scan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from shared.model import KeyStatus
from shared.reencrypt.ports import KeyStatuses

MAX_STATES: Final = 20_000


@dataclass(frozen=True, slots=True)
class KeyStatesSince:
    """States of data keys as they were at some time since this was made; one for each invocation.

    That a key is unknown is not kept: it may be made, and something sealed under it, before the next page is read.

    Attributes:
        pool: reads those of several tenants at a time.
    """

    reader: KeyStatuses
    pool: Executor
    _known: dict[tuple[str, int], KeyStatus] = field(default_factory=dict)

    def of(self, key_ids: Mapping[str, Collection[int]]) -> Mapping[str, Mapping[int, KeyStatus]]:
        """By tenant, the states of these keys; an id that the tenant has no key of is absent.

        Raises:
            StoreUnavailable: the key store does not answer.
        """
        if len(self._known) > MAX_STATES:
            self._known.clear()
        missing = {
            tenant_id: [key_id for key_id in wanted if (tenant_id, key_id) not in self._known]
            for tenant_id, wanted in key_ids.items()
        }
        asked = [(tenant_id, wanted) for tenant_id, wanted in missing.items() if wanted]
        answers = self.pool.map(lambda one: self.reader.statuses(*one), asked)
        for (tenant_id, _), answer in zip(asked, answers, strict=True):
            self._known.update({(tenant_id, key_id): status for key_id, status in answer.items()})
        return {
            tenant_id: {
                key_id: status for key_id in wanted if (status := self._known.get((tenant_id, key_id))) is not None
            }
            for tenant_id, wanted in key_ids.items()
        }
