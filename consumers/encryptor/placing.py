"""Whether the place that a record claims can be believed.

A record without an order of its own is ordered by its sequence number, which compares along one line of shards only:
those that its hash key falls into. One that came by another shard is misplaced; one with an order of its own is not,
but its position says that its sequence number compares with nothing
(docs/decisions/0022-order-across-shards-and-policies.md). A line of a file says where it stands among all lines, and
may come by any shard. An order time must not lie ahead of its time, or it would
keep every later record of the item out of the table. Nor so far back that a deletion after it may be forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from consumers.encryptor.deaggregate import partition_key_hash
from consumers.encryptor.identify import IdentifiedRecord
from shared.errors import Reason, RecordRejected
from shared.model import InboundRecord
from shared.order import ORDER_AHEAD_SECONDS

TOO_FAR_BACK: Final = "a deletion after its order time may be forgotten"
"""The detail of a rejection: nobody knows whether its item was deleted after it."""
_NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms the places of records are believed.

    Attributes:
        order_reference: seconds since the epoch, of which an order time may be `ORDER_AHEAD_SECONDS` ahead; None: each
            record's own arrival.
        order_not_before: seconds since the epoch, before which no order time may lie; None: however old.
        only_if_absent: a record without an order of its own is taken whatever shard it came by, and written only where
            no item stands: for one that was misplaced.
    """

    order_reference: float | None = None
    order_not_before: float | None = None
    only_if_absent: bool = False


STREAMED: Final = Terms()
"""Those of a record that comes from the stream."""


def place(identified: IdentifiedRecord, terms: Terms, hash_keys: range | None) -> IdentifiedRecord:
    """The record as it may be written.

    Args:
        identified: what it claims.
        terms: on which it is believed.
        hash_keys: those that fall into the shard that it was read from; None where nobody knows any more.

    Raises:
        RecordRejected: misplaced, order_ahead, or order_unknown with the detail TOO_FAR_BACK.
    """
    _check_time(identified, terms)
    if identified.source is not None:
        return identified
    is_placed = hash_keys is not None and _hash_key(identified.record) in hash_keys
    if identified.position.lane[:1] != b"k":
        return identified if is_placed else replace(identified, position=identified.position.of_another_shard())
    if terms.only_if_absent:
        return replace(identified, only_if_absent=True)
    if not is_placed:
        raise RecordRejected(Reason.MISPLACED, "its hash key falls into another shard, or nobody knows any more")
    return identified


def _check_time(identified: IdentifiedRecord, terms: Terms) -> None:
    """A file's time must not lie ahead where an attribute orders, either: the policy may order otherwise one day."""
    at, arrived = identified.position.order_time, identified.position.by_arrival
    times = [time for time in (at, arrived.order_time if arrived else None) if time is not None]
    reference = identified.record.arrived_at if terms.order_reference is None else terms.order_reference
    if any(time > (reference + ORDER_AHEAD_SECONDS) * _NANOSECONDS for time in times):
        raise RecordRejected(Reason.ORDER_AHEAD, f"its order time lies over {ORDER_AHEAD_SECONDS} s ahead")
    if terms.order_not_before is not None and at is not None and at < terms.order_not_before * _NANOSECONDS:
        raise RecordRejected(Reason.ORDER_UNKNOWN, TOO_FAR_BACK)


def _hash_key(record: InboundRecord) -> int:
    """The number that decides which shard takes a record."""
    if record.explicit_hash_key is not None:
        return record.explicit_hash_key
    return partition_key_hash(record.partition_key)
