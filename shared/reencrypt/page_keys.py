"""What is known of data keys while one page of candidates is mended, and what could not be had."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from shared.errors import SealstreamError, StoreUnavailable
from shared.keys.data_key import DataKey
from shared.keys.keyring import Keyring
from shared.keys.single_flight import SingleFlight
from shared.model import KeyState, KeyStatus
from shared.reencrypt.ports import KeyStatuses, Reopen

_LOOKS: Final = 2
"""At an active key that the key store says is none: the one at hand may have been replaced, the next one not."""


class PageKeys:
    """States of keys, read after the page; active keys whose state is known; retired keys reopened, each once.

    States are kept here for one page: one that is older than an item could call a key active that has been replaced,
    and the item clean. (A sweep keeps them longer: keys that are replaced after it began are the next run's.) Safe to
    share between threads.
    """

    def __init__(self, keyring: Keyring, statuses: KeyStatuses, reopen: Reopen) -> None:
        self._keyring = keyring
        self._statuses = statuses
        self._reopen = reopen
        self._states: dict[tuple[str, int], KeyStatus | None] = {}
        self._unknown: dict[str, SealstreamError] = {}
        self._not_active: dict[tuple[str, str], SealstreamError] = {}
        self._reopenings: dict[tuple[str, int], SealstreamError | None] = {}
        self._flights: SingleFlight[tuple[str, int], SealstreamError | None] = SingleFlight()

    def states(self, tenant_id: str, key_ids: Collection[int]) -> Mapping[int, KeyStatus]:
        """The states of these keys; an id without a row is absent.

        Raises:
            StoreUnavailable: the key store does not answer; asked no more for this tenant.
        """
        if missing := [key_id for key_id in key_ids if (tenant_id, key_id) not in self._states]:
            self._read_states(tenant_id, missing)
        known = ((key_id, self._states[tenant_id, key_id]) for key_id in key_ids)
        return {key_id: status for key_id, status in known if status is not None}

    def prefetch_states(self, key_ids: Mapping[str, Collection[int]]) -> None:
        """Have the states of these keys of several tenants at hand; what fails here is met by each of its items."""
        try:
            found = self._statuses.statuses_of(key_ids)
        except SealstreamError:
            return
        for tenant_id, wanted in key_ids.items():
            self._states |= {(tenant_id, key_id): found[tenant_id].get(key_id) for key_id in wanted}

    def _read_states(self, tenant_id: str, key_ids: Collection[int]) -> None:
        if error := self._unknown.get(tenant_id):
            raise error
        try:
            found = self._statuses.statuses(tenant_id, key_ids)
        except SealstreamError as error:
            self._unknown[tenant_id] = error
            raise
        self._states |= {(tenant_id, key_id): found.get(key_id) for key_id in key_ids}

    def prefetch_active(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Have the active keys of these (tenant, class) pairs at hand, or know why they cannot be had."""
        self._not_active |= self._keyring.prefetch_active(pairs)

    def active(self, tenant_id: str, data_class: str) -> DataKey:
        """The key to seal under, whose row says that it is active.

        Raises:
            RetryLater, KeyStoreCorrupt: as `Keyring.active`; or its state is not what it must be, or not to be had.
        """
        if error := self._not_active.get((tenant_id, data_class)):
            raise error
        for _ in range(_LOOKS):
            key = self._keyring.active(tenant_id, data_class)
            status = self.states(tenant_id, [key.key_id]).get(key.key_id)
            if status is not None and status.state is KeyState.ACTIVE:
                return key
            self._keyring.forget_active(tenant_id, data_class)
        raise StoreUnavailable(f"the active key of {tenant_id}/{data_class} is being replaced")

    def reopen(self, tenant_id: str, key_id: int) -> None:
        """Have a retired key reopened.

        Raises:
            SealstreamError: it is not; asked for once, whoever asks again.
        """
        asked = (tenant_id, key_id)

        def reopen_once() -> SealstreamError | None:
            if asked not in self._reopenings:
                try:
                    self._reopen(tenant_id, key_id)
                    self._reopenings[asked] = None
                except SealstreamError as error:
                    self._reopenings[asked] = error
            return self._reopenings[asked]

        if error := self._flights.run(asked, reopen_once):
            raise error
