"""Sweep of the quarantine: what is sealed under a replaced data key is sealed anew, so that nothing is lost by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

from shared.envelope.associated_data import record_prefix
from shared.envelope.layout import key_id_of
from shared.envelope.seal import open_value, seal_value
from shared.errors import CannotOpen, DoesNotOpen, NeedsAttention, RetryLater, StoreUnavailable
from shared.keys.keyring import DataKey, Keyring
from shared.model import QUARANTINE_CLASS, QUARANTINE_PATH, SYSTEM_TENANT, KeyState
from shared.reencrypt.model import Fate
from shared.reencrypt.ports import KeyStatuses, Reopen
from shared.runs.model import Example, Tally
from shared.runtime.batch import attempt
from shared.scan.held_census import named_key
from shared.scan.ports import HeldObject, HeldObjects
from shared.scan.tally import merged

ATTEMPTS: Final = 3
"""At one object that others write at the same time; nobody does but another sweep, or the encryptor's replays."""


@dataclass(frozen=True, slots=True)
class HeldSweep:
    """Mends pages of objects.

    Attributes:
        keyring: opens retired keys, too.
        dataset: what is bound into each object.
        on_reencrypted: told the quarantine id and the new key's id of each object that was sealed anew.
        pool: objects are mended on it side by side.
    """

    held: HeldObjects
    keyring: Keyring
    statuses: KeyStatuses
    reopen: Reopen
    dataset: str
    on_reencrypted: Callable[[str, int], None]
    pool: Executor

    def visit(self, elements: Sequence[HeldObject]) -> Tally:
        """Mend the objects of a page; what cannot be mended now is counted as `retry`."""
        return merged(self.pool.map(self._settle, elements))

    def _settle(self, held: HeldObject) -> Tally:
        settled: list[Tally] = []
        if not attempt(held.quarantine_id, lambda: settled.append(self._tally(held)), named="quarantine_id"):
            return _counted(held, Fate.RETRY, "an unforeseen error; see the log")
        return settled[0]

    def _tally(self, held: HeldObject) -> Tally:
        try:
            return _counted(held, self._mend(held))
        except RetryLater as later:
            return _counted(held, Fate.RETRY, type(later).__name__)
        except (CannotOpen, NeedsAttention) as closed:
            return _counted(held, Fate.LEFT, type(closed).__name__)

    def _mend(self, held: HeldObject) -> Fate:
        head = self.held.head(held)
        if head is None or named_key(held, head) == self._active().key_id:
            return Fate.CLEAN
        for _ in range(ATTEMPTS):
            found = self.held.read(held)
            if found is None:
                return Fate.CLEAN
            key_id = key_id_of(found.content)
            if key_id == self._active().key_id:
                return Fate.CLEAN
            new, sealed = self._sealed_anew(held, key_id, found.content)
            self._reopen_if_retired(key_id)  # as late as here: content that only names it opens nothing
            if self.keyring.is_fresh(new) and self.held.replace(held, sealed, etag=found.etag):
                self.on_reencrypted(held.quarantine_id, new.key_id)
                return Fate.MENDED
        raise StoreUnavailable(f"object {held.quarantine_id} of the quarantine: lost {ATTEMPTS} races")

    def _active(self) -> DataKey:
        return self.keyring.active(SYSTEM_TENANT, QUARANTINE_CLASS)

    def _reopen_if_retired(self, key_id: int) -> None:
        status = self.statuses.statuses(SYSTEM_TENANT, [key_id]).get(key_id)
        if status is not None and status.state is KeyState.RETIRED:
            self.reopen(SYSTEM_TENANT, key_id)

    def _sealed_anew(self, held: HeldObject, key_id: int, content: bytes) -> tuple[DataKey, bytes]:
        """The same under the active key, opened once to see that it opens."""
        prefix = record_prefix(dataset=self.dataset, tenant_id=SYSTEM_TENANT, item_id=held.quarantine_id)
        old = self.keyring.opener(SYSTEM_TENANT, key_id, expected_class=QUARANTINE_CLASS)
        value = open_value(old.cipher, prefix, QUARANTINE_PATH, content)
        new = self._active()
        sealed = seal_value(new.cipher, prefix, QUARANTINE_PATH, value)
        if open_value(new.cipher, prefix, QUARANTINE_PATH, sealed) != value:
            raise DoesNotOpen(f"sealed anew under data key {new.key_id:08x}, it does not open to the same")
        return new, sealed


def _counted(held: HeldObject, fate: Fate, why: str = "") -> Tally:
    counts = {"visited": 1} | ({fate.value: 1} if fate is not Fate.CLEAN else {})
    if fate is Fate.MENDED:
        counts["reencrypted_values"] = 1
    examples = (Example(SYSTEM_TENANT, held.quarantine_id, "", why),) if why else ()
    return Tally(counts, examples=examples)
