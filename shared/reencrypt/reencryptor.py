"""Mends items in place: seals anew what is stale and seals what stands in clear, under the tenants' active keys.

reencryptor           gather → decide → apply, for a page of items
├── policy/mend.py    what an item needs
├── page_keys.py      what is known of data keys meanwhile
├── sealing.py        open, seal, open again and compare
└── parts.py          the updates of one item
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain

from shared.identity import is_tenant_id
from shared.keys.keyring import Keyring
from shared.model import ITEM_ID, TENANT_ID
from shared.policy.compiled import Policy
from shared.policy.mend import MendPlan, named_keys
from shared.reencrypt.item import ItemMending
from shared.reencrypt.model import Candidate, Fate, Mended, left_without_tenant
from shared.reencrypt.page_keys import PageKeys
from shared.reencrypt.ports import ItemUpdates, KeyStatuses, Reopen
from shared.reencrypt.sealing import Resealer
from shared.runs.model import Example
from shared.runtime.batch import attempt
from shared.sealed_table_keys import ItemKeys

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
        page = _Page(self, PageKeys(self.keyring, self.statuses, self.reopen), adopting=adopting)
        of_tenants = [candidate for candidate in candidates if is_tenant_id(candidate.image[TENANT_ID]["S"])]
        mended = self.pool.map(page.mend, of_tenants, page.gather(of_tenants))
        return [next(mended) if is_tenant_id(one.image[TENANT_ID]["S"]) else _strangers(one) for one in candidates]


def _strangers(candidate: Candidate) -> Mended:
    """An item of nobody is left: for no such name is a data key made."""
    example = left_without_tenant(candidate.image)
    return Mended(example.tenant_id, example.item_id, Fate.LEFT, examples=(example,))


class _Page:
    """One page of candidates."""

    def __init__(self, own: Reencryptor, keys: PageKeys, *, adopting: bool) -> None:
        self._own = own
        self._keys = keys
        self._opening = ItemKeys(own.keyring, own.policy.dataset)
        resealer = Resealer(own.policy.dataset, self._opening, keys)
        self._mending = ItemMending(own.policy, own.keyring, own.updates, keys, resealer, adopting)

    def gather(self, candidates: Sequence[Candidate]) -> list[MendPlan | None]:
        """A first plan of each item, with the keys at hand that the plans need; None where that is not to be had."""
        plans: list[MendPlan | None] = [None] * len(candidates)
        by_tenant: defaultdict[str, list[int]] = defaultdict(list)
        for index, candidate in enumerate(candidates):
            by_tenant[candidate.image[TENANT_ID]["S"]].append(index)

        def named(tenant_id: str) -> frozenset[int]:
            return frozenset[int]().union(*(named_keys(candidates[index].image) for index in by_tenant[tenant_id]))

        attempt("", lambda: self._keys.prefetch_states({tenant_id: named(tenant_id) for tenant_id in by_tenant}))

        def gather_tenant(tenant_id: str) -> set[tuple[str, str]]:
            images = {index: candidates[index].image for index in by_tenant[tenant_id]}
            self._keys.states(tenant_id, named(tenant_id))
            for index, image in images.items():
                plans[index] = self._mending.plan(image)
            mends = [mend for index in images if (plan := plans[index]) for mend in plan.mends]
            self._opening.prefetch(tenant_id, frozenset[int]().union(*(mend.key_ids for mend in mends)))
            return {(tenant_id, mend.data_class) for mend in mends}

        def try_tenant(tenant_id: str) -> set[tuple[str, str]]:
            pairs: set[tuple[str, str]] = set()
            attempt("", lambda: pairs.update(gather_tenant(tenant_id)))  # each of its items meets the trouble by itself
            return pairs

        self._keys.prefetch_active(chain.from_iterable(self._own.pool.map(try_tenant, by_tenant)))
        return plans

    def mend(self, candidate: Candidate, plan: MendPlan | None) -> Mended:
        """Mend one item; an error that nobody foresaw is logged, and the item left for another time."""
        done: list[Mended] = []
        if attempt("", lambda: done.append(self._mending.mend(candidate, plan))):
            return done[0]
        tenant_id, item_id = candidate.image[TENANT_ID]["S"], candidate.image[ITEM_ID]["S"]
        why = Example(tenant_id, item_id, "", "an error that the log tells of")
        return Mended(tenant_id, item_id, Fate.RETRY, examples=(why,))
