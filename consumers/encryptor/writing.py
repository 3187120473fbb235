"""Sealed items into the table: each only where nothing newer stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from consumers.encryptor.sealing import PlannedRecord
from shared.errors import KeyServiceUnavailable, Reason, RecordRejected, StoreUnavailable
from shared.model import Attributes, AttributeValue, Outcome, PutResult, SealedItem
from shared.sealing import SealedWithKeys
from shared.source_position import FOUND, SourcePosition

_ATTEMPTS: Final = 4
"""Puts of one record while others keep writing the same item; an unanswered put is repeated by the client below."""
_IN_DOUBT: Final = "an item stands there, and nobody knows which is newer: discard this, or have it sent again"


class Sealer(Protocol):
    """Seals planned records; see `RecordSealer`."""

    def seal(self, planned: PlannedRecord) -> SealedWithKeys:
        """Seal under the active data keys of the moment."""

    def is_fresh(self, sealed: SealedWithKeys) -> bool:
        """Whether it may still be sent."""

    def holds_the_same(self, item: SealedItem, found: Attributes) -> bool:
        """Whether an item that was found opens to what this one does; may raise RetryLater."""


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

    def put_if_absent(self, item: SealedItem) -> PutResult:
        """Store where no item stands, not even one without `_src`; raises as `put_if_newer`."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a record that could be written.

    Attributes:
        outcome: written, duplicate or superseded.
        settles_lane: whether every older record of its lane is superseded too; not where a record of another lane
            stands in the way, for those that arrived after that one are not.
    """

    outcome: Outcome
    sealed_count: int = 0
    settles_lane: bool = True


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes planned records; holds what that takes.

    Attributes:
        sealer: seals a planned record under the keys of the moment.
    """

    table: ItemTable
    sealer: Sealer

    def write(self, planned: PlannedRecord) -> Written:
        """Write one record.

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
                return Written(Outcome.WRITTEN, sealed.item.sealed_count)
            answer = self._found_by(sealed.item, result)
            if isinstance(answer, Written):
                return answer
            replaces = answer.source
        raise StoreUnavailable(f"an item was rewritten by others between {_ATTEMPTS} attempts to replace it")

    def _seal_anew(self, planned: PlannedRecord) -> SealedWithKeys:
        sealed = self.sealer.seal(planned)
        if not self.sealer.is_fresh(sealed):
            raise KeyServiceUnavailable("a data key took longer to get than it may be used")
        return sealed

    def _put(self, item: SealedItem, replaces: AttributeValue | None) -> PutResult:
        if item.position == FOUND:
            return self.table.put_if_absent(item)
        if replaces is None:
            return self.table.put_if_newer(item)
        return self.table.put_if_source_is(item, replaces)

    def _found_by(self, item: SealedItem, result: PutResult) -> Written | Replace:
        if item.position == FOUND and result.found is not None and self.sealer.holds_the_same(item, result.found):
            return Written(Outcome.DUPLICATE)  # an unanswered put had been stored, or an earlier call was cut off
        return standing_item(item.position, result.found_source)


@dataclass(frozen=True, slots=True)
class Replace:
    """The item may be replaced if its `_src` still is this; None: by the ordinary put."""

    source: AttributeValue | None


def standing_item(position: SourcePosition, found_source: AttributeValue | None) -> Written | Replace:
    """What an item that stands in the way says of a record at `position`.

    Raises:
        RecordRejected: order_unknown, where both positions are sound and do not compare; misplaced, where the record's
            own says nothing.
    """
    found = SourcePosition.from_bytes(found_source.get("B")) if found_source else None
    if position == FOUND:
        raise RecordRejected(Reason.MISPLACED, _IN_DOUBT)
    if found is None:
        # not ours, or not readable: replaced, but only as exactly what was seen; never taken for a duplicate,
        # or every later record of the item would be lost without a sound
        return Replace(found_source)
    if found == FOUND:
        return Replace(None)
    if found.lane != position.lane:
        return _of_another_lane(position, found)
    if found.place == position.place:
        return Written(Outcome.DUPLICATE)
    if found.place > position.place:
        return Written(Outcome.SUPERSEDED)
    return Replace(None)


def _of_another_lane(position: SourcePosition, found: SourcePosition) -> Written | Replace:
    """By arrival, where both came by one lane of the stream while the policy ordered differently.

    The very record that stands there is written again: so a replay brings the item under the present order.
    """
    if position.is_of_same_record(found):
        return Replace({"B": found.to_bytes()})
    if position.is_of_same_order(found):
        raise RecordRejected(
            Reason.ORDER_UNKNOWN, "the item's order is a time and the record's an integer, or reversed"
        )
    arrived, found_arrived = position.by_arrival, found.by_arrival
    if arrived is None or found_arrived is None or arrived.lane != found_arrived.lane:
        raise RecordRejected(Reason.ORDER_UNKNOWN, "the item was last written from another lane")
    if arrived.place < found_arrived.place:
        return Written(Outcome.SUPERSEDED, settles_lane=False)
    return Replace({"B": found.to_bytes()})
