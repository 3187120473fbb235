"""Data keys at hand: the active one of a tenant and class for sealing, any of the tenant's for opening.

keyring
├── loader.py         key store and KMS: find, make, check, unwrap
├── age.py            at most A seconds old, by two clocks
├── cache.py          bounded, the least recently used go
├── single_flight.py  one call for all threads that ask meanwhile
└── counts.py         what it did, for metrics
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic as monotonic_clock
from time import time
from typing import Final, TypeVar

from shared.errors import DoesNotOpen, KeyDenied, KeyStoreCorrupt, RetryLater, SealstreamError
from shared.keys.age import MAX_AGE_SECONDS, AgeLimit
from shared.keys.cache import AgingCache
from shared.keys.counts import KeyringCounts, Tally
from shared.keys.data_key import DataKey
from shared.keys.key_id import random_key_id
from shared.keys.loader import KeyLoader
from shared.keys.ports import DataKeyRow, KeyService, KeyStore
from shared.keys.single_flight import SingleFlight

__all__ = ["DataKey", "Keyring", "KeyringCounts"]

MAX_KEYS: Final = 50_000
"""Some 150 MB, a twelfth of what a function with a keyring has; `python -m bench limits` says what fewer cost."""
PARALLEL_LOADS: Final = 16

Asked = TypeVar("Asked")


class Keyring:
    """Gives data keys of one dataset and caches them; one per process, safe to share between threads.

    What it gives is at most `max_age_seconds` old, counted from before the key store was asked. A failure is given to
    all who wait for the same key and is not cached, but for a denial where it is said for how long.

    Args:
        trusted_kms_key_arns: the attribute keys; a row that names another one never gets to KMS.
        max_keys: how many active keys, and how many keys by id, are kept.
        new_key_id: gives a random id from 1 to 2**32 - 1.
        wall: seconds since the epoch.
        monotonic: seconds that never go back.
        on_created: told of each key that this keyring made and stored; and of one whose maker may not have told.
        opens_retired: for the re-encryptor, which must be able to take back what a late write left under such a key.
        denied_seconds: how long it is remembered that KMS denied a key; 0: it is asked anew each time.
    """

    def __init__(
        self,
        *,
        store: KeyStore,
        service: KeyService,
        dataset: str,
        trusted_kms_key_arns: frozenset[str],
        max_age_seconds: float = MAX_AGE_SECONDS,
        max_keys: int = MAX_KEYS,
        new_key_id: Callable[[], int] = random_key_id,
        wall: Callable[[], float] = time,
        monotonic: Callable[[], float] = monotonic_clock,
        on_created: Callable[[DataKeyRow], None] = lambda _: None,
        opens_retired: bool = False,
        denied_seconds: float = 0,
    ) -> None:
        self._store = store
        self._age = AgeLimit(max_age_seconds, wall, monotonic)
        self._tally = Tally()
        self._loader = KeyLoader(
            store=store,
            service=service,
            dataset=dataset,
            trusted_kms_key_arns=trusted_kms_key_arns,
            new_key_id=new_key_id,
            age=self._age,
            tally=self._tally,
            on_created=on_created,
            opens_retired=opens_retired,
        )
        self._active: AgingCache[tuple[str, str], DataKey] = AgingCache(self._age, max_keys)
        self._by_id: AgingCache[tuple[str, int], DataKey] = AgingCache(self._age, max_keys)
        self._denied_age = AgeLimit(denied_seconds, wall, monotonic)
        self._denied: AgingCache[tuple[str, int], KeyDenied] = AgingCache(self._denied_age, max_keys)
        self._active_flights: SingleFlight[tuple[str, str], DataKey] = SingleFlight()
        self._by_id_flights: SingleFlight[tuple[str, int], DataKey] = SingleFlight()

    def active(self, tenant_id: str, data_class: str) -> DataKey:
        """The key to seal under; made and stored first where the tenant has none of this class yet.

        Raises:
            RetryLater: the key store or KMS does not answer, or KMS refuses the attribute key.
            KeyStoreCorrupt: the pointer leads to no active key of the class, or to one that does not open.
            SettingsError: KMS makes data keys under another key than the trusted ones.
        """
        asked = (tenant_id, data_class)
        key = self._active.get(asked)
        if key is not None:
            self._tally.add(cache_hits=1)
            return key
        self._tally.add(cache_misses=1)

        def load() -> DataKey:
            loaded = self._active.get(asked) or self._loader.active(tenant_id, data_class)
            self._active.put(asked, loaded, loaded.usable_until)
            self._by_id.put((tenant_id, loaded.key_id), loaded, loaded.usable_until)
            return loaded

        return self._active_flights.run(asked, load)

    def opener(self, tenant_id: str, key_id: int, *, expected_class: str | None = None) -> DataKey:
        """The key that opens what carries this id.

        Raises:
            KeyUnknown: the tenant has no such key.
            KeyRetired: a census found nothing under it.
            KeyDestroyed: it is gone for good.
            KeyDenied: the caller's credentials may not open it.
            DoesNotOpen: it is of another class than expected, or KMS says that it was wrapped for another use.
            RetryLater: the key store or KMS does not answer.
            KeyStoreCorrupt: the row contradicts what wrote it.
        """
        key = self._by_id.get((tenant_id, key_id))
        if key is not None:
            self._tally.add(cache_hits=1)
        else:
            self._tally.add(cache_misses=1)
            key = self._load_by_id(tenant_id, key_id, lambda: self._loader.by_id(tenant_id, key_id))
        if expected_class is not None and key.data_class != expected_class:
            raise DoesNotOpen(f"data key {key_id:08x} of tenant {tenant_id} is not of class {expected_class}")
        return key

    def forget_active(self, tenant_id: str, data_class: str) -> None:
        """Ask the key store anew for this class's active key: the one at hand is known to have been replaced."""
        self._active.drop((tenant_id, data_class))

    def prefetch_active(
        self, pairs: Iterable[tuple[str, str]], *, gives_up: Callable[[int], bool] = lambda _: False
    ) -> Mapping[tuple[str, str], SealstreamError]:
        """Have the active keys of these (tenant, class) pairs at hand; the missing ones are loaded some at a time.

        Args:
            pairs: those that a batch needs.
            gives_up: asked where some of those could not be had for now, with how many could; True: no more are asked
                for, and what kept those away keeps the rest away. What is at hand already is no part of it.

        Returns:
            What could not be had and why, so that one tenant's trouble does not become the batch's.
        """
        left = [pair for pair in dict.fromkeys(pairs) if self._active.get(pair) is None]
        missing: dict[tuple[str, str], SealstreamError] = {}
        while left:
            asked, left = left[:PARALLEL_LOADS], left[PARALLEL_LOADS:]
            failed = _in_parallel(asked, lambda pair: self.active(*pair))
            missing |= failed
            outage = next((error for error in failed.values() if isinstance(error, RetryLater)), None)
            if outage and gives_up(len(asked) - len(failed)):
                return missing | dict.fromkeys(left, outage)
        return missing

    def prefetch(self, tenant_id: str, key_ids: Iterable[int]) -> Mapping[int, SealstreamError]:
        """Have these keys of one tenant at hand; rows are read together, the missing keys unwrapped in parallel.

        Returns:
            What could not be had and why; where no row can be read, that for each.
        """
        asked = [key_id for key_id in dict.fromkeys(key_ids) if self._by_id.get((tenant_id, key_id)) is None]
        denied = {key_id: error for key_id in asked if (error := self._denied.get((tenant_id, key_id)))}
        missing = [key_id for key_id in asked if key_id not in denied]
        if not missing:
            return denied
        self._tally.add(cache_misses=len(missing))
        deadline = self._age.deadline()
        try:
            rows = self._store.rows(tenant_id, missing)
        except KeyStoreCorrupt:  # one of them; by itself each of the others can be had
            load: Callable[[int], DataKey] = partial(self._loader.by_id, tenant_id)
        except SealstreamError as error:
            return denied | dict.fromkeys(missing, error)
        else:

            def load(key_id: int) -> DataKey:
                return self._loader.unwrap(tenant_id, key_id, rows.get(key_id), deadline)

        return denied | _in_parallel(missing, lambda key_id: self._load_by_id(tenant_id, key_id, lambda: load(key_id)))

    def is_fresh(self, data_key: DataKey) -> bool:
        """Whether what was sealed under the key may still be sent; if not, seal it anew under `active`."""
        return self._age.allows(data_key.usable_until)

    def counts(self) -> KeyringCounts:
        """What was done since the start or the last `take_counts`."""
        return self._tally.counts()

    def take_counts(self) -> KeyringCounts:
        """The counts, which then start again from zero."""
        return self._tally.take()

    def _load_by_id(self, tenant_id: str, key_id: int, load: Callable[[], DataKey]) -> DataKey:
        asked = (tenant_id, key_id)

        def load_and_keep() -> DataKey:
            denied, deadline = self._denied.get(asked), self._denied_age.deadline()
            if denied is not None:
                raise KeyDenied(str(denied))
            try:
                loaded = self._by_id.get(asked) or load()
            except KeyDenied as error:
                self._denied.put(asked, KeyDenied(str(error)), deadline)
                raise
            self._by_id.put(asked, loaded, loaded.usable_until)
            return loaded

        return self._by_id_flights.run(asked, load_and_keep)


def _in_parallel(asked: Collection[Asked], load: Callable[[Asked], object]) -> dict[Asked, SealstreamError]:
    """Load each on a few threads; returns what failed and why."""

    def attempt(one: Asked) -> SealstreamError | None:
        try:
            load(one)
        except SealstreamError as error:
            return error
        return None

    if len(asked) <= 1:
        errors = [attempt(one) for one in asked]
    else:
        with ThreadPoolExecutor(min(len(asked), PARALLEL_LOADS), thread_name_prefix="keyring") as pool:
            errors = list(pool.map(attempt, asked))
    return {one: error for one, error in zip(asked, errors, strict=True) if error is not None}
