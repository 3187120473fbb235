"""Whole items into the table, sealed, by those who write single items by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.aws.item_reader import ItemKey
from shared.envelope.typed_value import encode
from shared.errors import ConflictError, DoesNotOpen, KeyServiceUnavailable
from shared.identity import check_item_id, check_tenant_id
from shared.keys.keyring import Keyring
from shared.model import DELETED_AT, ITEM_ID, SOURCE, TENANT_ID, Attributes, AttributeValue, PutResult, SealedItem
from shared.policy.compiled import Policy
from shared.policy.plan import SealingPlan
from shared.printable import printable
from shared.sealing import ItemAddress, seal_item
from shared.source_position import SourcePosition

_NANOSECONDS: Final = 1_000_000_000
_SEALINGS: Final = 3
"""How often an item is sealed whose data keys are too old by then: each time anew under the active ones."""


class ItemWrites(Protocol):
    """Conditional puts; see `shared.aws.items`."""

    def put_if_newer(self, item: SealedItem) -> PutResult:
        """Store where nothing stands, or something lower in the same lane."""

    def put_if_source_is(self, item: SealedItem, found_source: AttributeValue) -> PutResult:
        """Store where `_src` still is this value."""

    def put_if_unsourced(self, item: SealedItem) -> PutResult:
        """Store where an item without `_src` stands."""

    def put_if_absent(self, item: SealedItem) -> PutResult:
        """Store where no item stands."""


class ItemRead(Protocol):
    """Items as they are stored; see `shared.aws.item_reader`."""

    def get(self, key: ItemKey, *, consistent: bool) -> Attributes | None:
        """One item, or None."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in an item's place, as it is stored; a write can hang on it.

    Attributes:
        item: None for nothing; a tombstone is something.
    """

    item: Attributes | None = field(repr=False)

    @property
    def is_live(self) -> bool:
        """Whether there is an item that was not deleted."""
        return self.item is not None and DELETED_AT not in self.item


@dataclass(frozen=True, slots=True)
class ItemWriter:
    """Seals items and puts them; fields as those of `shared.sealed_table.SealedTable`."""

    reads: ItemRead
    writes: ItemWrites
    keyring: Keyring
    policy: Policy
    now_ns: Callable[[], int]

    def standing(self, key: ItemKey) -> Standing:
        """What stands there now, read strongly consistently; raises StoreUnavailable."""
        item = self.reads.get(key, consistent=True)
        check_asked_for([] if item is None else [item], [key])
        return Standing(item)

    def write(
        self,
        key: ItemKey,
        planned: SealingPlan,
        position: SourcePosition,
        *,
        replaces: Standing | None = None,
        system: Attributes | None = None,
    ) -> None:
        """Seal and put one item.

        Args:
            key: which.
            planned: of its own attributes.
            position: where it stands in the item's order.
            replaces: nothing is written unless just this still stands there; without, unless it is older in its lane.
            system: system attributes beside those that every item has.

        Raises:
            ConflictError: someone else wrote the item meanwhile, or it is newer; nothing was written.
            RecordRejected: the item would be too large, or DynamoDB refuses it.
            RetryLater: table, key store or KMS are not available, or the credentials may not seal.
        """
        item = self._seal(key, planned, position, system)
        result = self._put(item, replaces)
        if not (result.stored or _stands_already(item, result)):
            where = printable(f"item {key[1]} of tenant {key[0]}")
            raise ConflictError(f"{where} was written meanwhile, or is newer: read it again")

    def _seal(
        self, key: ItemKey, planned: SealingPlan, position: SourcePosition, system: Attributes | None
    ) -> SealedItem:
        """The item, fresh enough to be sent at once."""
        written_at = self.now_ns() / _NANOSECONDS
        address = ItemAddress(check_tenant_id(key[0]), check_item_id(key[1]), position, written_at)
        for _ in range(_SEALINGS):
            sealed = seal_item(address, planned, policy=self.policy, keyring=self.keyring, system=system)
            if sealed.is_fresh(self.keyring):
                return sealed.item
        raise KeyServiceUnavailable("a data key took longer to get than it may be used")

    def _put(self, item: SealedItem, replaces: Standing | None) -> PutResult:
        if replaces is None:
            return self.writes.put_if_newer(item)
        if replaces.item is None:
            return self.writes.put_if_absent(item)
        source = replaces.item.get(SOURCE)
        # what has no source was written by somebody else, and is replaced whatever else it is by now
        return self.writes.put_if_unsourced(item) if source is None else self.writes.put_if_source_is(item, source)


def check_asked_for(items: Iterable[Attributes], keys: Iterable[ItemKey]) -> None:
    """What is in clear is bound to no key: an item in the place of another would be taken for it.

    Raises:
        DoesNotOpen: there is one.
    """
    asked = set(keys)
    for item in items:
        tenant_id, item_id = item[TENANT_ID]["S"], item[ITEM_ID]["S"]
        if (tenant_id, item_id) not in asked:
            where = printable(f"tenant {tenant_id}, item {item_id}")
            raise DoesNotOpen(f"{where}: the table gave this item, which was not asked for")


def _stands_already(item: SealedItem, result: PutResult) -> bool:
    """Whether what stands in the way is the item itself: the answer to a put was lost, and the put repeated.

    Two writers may count to the same place, but no two sealed values are equal: where nothing is sealed nobody can say
    whose it is. Every other place is of one write.
    """
    if result.found is None or result.found_source != item.attributes[SOURCE]:
        return False
    if item.position.counter is None:
        return True
    return item.sealed_count > 0 and encode({"M": dict(result.found)}) == encode({"M": dict(item.attributes)})
