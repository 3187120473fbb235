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

    def statuses(self, tenant_id: str, key_ids: Collection[int]) -> Mapping[int, KeyStatus]:
        """The states of these keys of one tenant; an id that it has no key of is absent.

        Raises:
            StoreUnavailable: the key store does not answer.
        """
        known = {key_id: status for key_id in key_ids if (status := self._known.get((tenant_id, key_id))) is not None}
        missing = [key_id for key_id in key_ids if key_id not in known]
        if not missing:
            return known
        answer = self.reader.statuses(tenant_id, missing)
        if len(self._known) >= MAX_STATES:
            self._known.clear()
        self._known.update({(tenant_id, key_id): status for key_id, status in answer.items()})
        return known | dict(answer)

    def of(self, key_ids: Mapping[str, Collection[int]]) -> Mapping[str, Mapping[int, KeyStatus]]:
        """By tenant, the same for several at a time; raises as `statuses`. Not to be called on the pool."""
        tenants = list(key_ids)
        answers = self.pool.map(lambda tenant_id: self.statuses(tenant_id, key_ids[tenant_id]), tenants)
        return dict(zip(tenants, answers, strict=True))
