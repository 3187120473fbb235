"""Mends items in place: seals anew what is stale and seals what stands in clear, under the tenants' active keys."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from shared.keys.keyring import Keyring
from shared.policy.compiled import Policy
from shared.reencrypt.model import Candidate, Fate, Mended
from shared.reencrypt.ports import ItemUpdates, KeyStatuses, Reopen

__all__ = ["Candidate", "Fate", "Mended", "Reencryptor"]


@dataclass(frozen=True, slots=True)
class Reencryptor:
    """Mends items of one dataset; safe to share between threads.

    Attributes:
        keyring: opens retired keys, too (`opens_retired`).
        pool: items are mended on it side by side; `mend` is not to be called on it.
    """

    policy: Policy
    keyring: Keyring
    statuses: KeyStatuses
    updates: ItemUpdates
    reopen: Reopen
    pool: Executor

    def mend(self, candidates: Sequence[Candidate], *, adopting: bool = False) -> list[Mended]:
        """What became of each candidate, in their order; no item's trouble raises or keeps another from its turn.

        Args:
            candidates: items as they were read.
            adopting: items with neither `_src` nor `_policy` are raw data of a table that sealstream takes over.
        """
        raise NotImplementedError
