"""Sealed items into the table: each only where nothing newer stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from consumers.encryptor.sealing import PlannedRecord
from shared.errors import KeyServiceUnavailable, Reason, RecordRejected, StoreUnavailable
from shared.model import AttributeValue, Outcome, PutResult, SealedItem
from shared.sealing import SealedWithKeys
from shared.source_position import FOUND, SourcePosition

_ATTEMPTS: Final = 4
"""Puts of one record while others keep writing the same item; an unanswered put is repeated by the client below."""


class Sealer(Protocol):
    """Seals planned records; see `RecordSealer`."""

    def seal(self, planned: PlannedRecord) -> SealedWithKeys:
        """Seal under the active data keys of the moment."""

    def is_fresh(self, sealed: SealedWithKeys) -> bool:
        """Whether it may still be sent."""


class ItemTable(Protocol):
    """The items table, seen from the encryptor: conditional puts, nothing else."""

    def put_if_newer(self, item: SealedItem) -> PutResult:
        """Store where no item stands, or one without `_src`, or at `FOUND`, or lower in the same lane.

        Raises:
            StoreUnavailable: no answer, or throttled.
            RecordRejected: the table refuses the item itself.
        """

    def put_if_source_is(self, item: SealedItem, found_source: AttributeValue) -> PutResult:
        """Store where the item's `_src` still is exactly this value; raises as `put_if_newer`."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes planned records; holds what that takes.

    Attributes:
        sealer: seals a planned record under the keys of the moment.
    """

    table: ItemTable
    sealer: Sealer

    def write(self, planned: PlannedRecord) -> tuple[Outcome, int]:
        """Write one record.

        Returns:
            The outcome (written, duplicate or superseded), and how many attributes were sealed.

        Raises:
            RecordRejected: it can never be written.
            RetryLater: the table or KMS is not available now.
        """
        sealed = self.sealer.seal(planned)
        replaces: AttributeValue | None = None
        for _ in range(_ATTEMPTS):
            if not self.sealer.is_fresh(sealed):
                sealed = self._seal_anew(planned)
            result = self._put(sealed.item, replaces)
            if result.stored:
                return Outcome.WRITTEN, sealed.item.sealed_count
            answer = standing_item(sealed.item.position, result.found_source)
            if isinstance(answer, Outcome):
                return answer, 0
            replaces = answer.source
        raise StoreUnavailable(f"an item was rewritten by others between {_ATTEMPTS} attempts to replace it")

    def _seal_anew(self, planned: PlannedRecord) -> SealedWithKeys:
        sealed = self.sealer.seal(planned)
        if not self.sealer.is_fresh(sealed):
            raise KeyServiceUnavailable("a data key took longer to get than it may be used")
        return sealed

    def _put(self, item: SealedItem, replaces: AttributeValue | None) -> PutResult:
        if replaces is None:
            return self.table.put_if_newer(item)
        return self.table.put_if_source_is(item, replaces)


@dataclass(frozen=True, slots=True)
class Replace:
    """The item may be replaced if its `_src` still is this; None: by the ordinary put."""

    source: AttributeValue | None


def standing_item(position: SourcePosition, found_source: AttributeValue | None) -> Outcome | Replace:
    """What an item that stands in the way says of a record at `position`.

    Raises:
        RecordRejected: order_unknown, where both positions are sound and of different lanes.
    """
    found = SourcePosition.from_bytes(found_source.get("B")) if found_source else None
    if found is None:
        # not ours, or not readable: replaced, but only as exactly what was seen; never taken for a duplicate,
        # or every later record of the item would be lost without a sound
        return Replace(found_source)
    if found == FOUND:
        return Replace(None)
    if found.lane != position.lane:
        raise RecordRejected(Reason.ORDER_UNKNOWN, "the item was last written from another lane")
    if found.place == position.place:
        return Outcome.DUPLICATE
    if found.place > position.place:
        return Outcome.SUPERSEDED
    return Replace(None)
