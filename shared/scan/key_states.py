"""States of data keys for a scan: read when the scan first meets a key, so never older than the scan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.model import KeyStatus
from shared.reencrypt.ports import KeyStatuses, Reopen

MAX_STATES: Final = 20_000


@dataclass(frozen=True, slots=True)
class KeyStatesSince:
    """States of data keys as they were at some time since this was made; one for each invocation.

    That a key is unknown is not kept: it may be made, and something sealed under it, before the next page is read.
    """

    reader: KeyStatuses
    _known: dict[tuple[str, int], KeyStatus] = field(default_factory=dict)

    def reopening(self, reopen: Reopen) -> Reopen:
        """The same, after which the key's state is read again: reopened once, it need not be with each page."""

        def reopen_and_forget(tenant_id: str, key_id: int) -> None:
            reopen(tenant_id, key_id)
            self._known.pop((tenant_id, key_id), None)

        return reopen_and_forget

    def statuses(self, tenant_id: str, key_ids: Collection[int]) -> Mapping[int, KeyStatus]:
        """The states of these keys of one tenant; an id that it has no key of is absent.

        Raises:
            StoreUnavailable: the key store does not answer.
        """
        return self.statuses_of({tenant_id: key_ids})[tenant_id]

    def statuses_of(self, key_ids: Mapping[str, Collection[int]]) -> Mapping[str, Mapping[int, KeyStatus]]:
        """The same by tenant; raises as `statuses`."""
        found: dict[str, dict[int, KeyStatus]] = {tenant_id: {} for tenant_id in key_ids}
        missing: dict[str, list[int]] = {}
        for tenant_id, wanted in key_ids.items():
            for key_id in wanted:
                status = self._known.get((tenant_id, key_id))
                if status is None:
                    missing.setdefault(tenant_id, []).append(key_id)
                else:
                    found[tenant_id][key_id] = status
        for tenant_id, answer in (self.reader.statuses_of(missing) if missing else {}).items():
            found[tenant_id].update(answer)
            if len(self._known) >= MAX_STATES:
                self._known.clear()
            self._known.update({(tenant_id, key_id): status for key_id, status in answer.items()})
        return found
