"""What must stand in table and quarantine once everything was delivered, whatever happened on the way.

Worked out from what was sent and docs/producers.md alone; nothing here is the encryptor's code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from shared.errors import Reason
from shared.policy.compiled import Policy
from shared.policy.load import parse_policy
from tests.chaos.records import (
    KNOWN_AFTER_THE_PLACE,
    ONLY_UNDER_ORDER,
    POISONS,
    REFUSED_ITEM,
    SPOILED_TENANT,
    Record,
)
from tests.chaos.stream import Sent

ItemKey = tuple[str, str]
Place = tuple[int, int]
"""Sequence number and sub-sequence."""

_SOURCE = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
ORDER
[defaults]
undeclared = "reject"
data_class = "pii"
[classes.pii]
[classes.pci]
[attributes]
"ssn" = { seal = "pii" }
"contacts[].card" = { seal = "pci" }
"contacts[].kind" = { plain = "string" }
"amount" = { plain = "number" }
"rev" = { plain = "number" }
"""


class Order(StrEnum):
    """What makes one record newer than another: the three that a policy can say."""

    SEQUENCE = 'unknown_order = "quarantine"'
    ARRIVAL = 'unknown_order = "arrival"'
    ATTRIBUTE = 'order = "rev"'

    @property
    def source(self) -> str:
        """A policy file that says so."""
        return _SOURCE.replace("ORDER", self.value)

    @property
    def policy(self) -> Policy:
        """That policy."""
        return _POLICIES[self]

    @property
    def poisons(self) -> tuple[Reason, ...]:
        """What a payload can be that is never written."""
        return tuple(one for one in POISONS if self is Order.ATTRIBUTE or one not in ONLY_UNDER_ORDER)


_POLICIES = {order: parse_policy(order.source, "policy.toml") for order in Order}


@dataclass(frozen=True)
class Expected:
    """What is expected of all that was sent so far.

    Attributes:
        rejected: why those are in quarantine that can never be written.
        candidates: by item, the newest of each lane; more than one only where nobody can say which of them is newer:
            then the first that was written stands, and all records of the other lanes are in quarantine.
        lanes: by item and lane, all that could be written.
    """

    rejected: dict[Place, Reason]
    candidates: dict[ItemKey, list[Sent]]
    lanes: dict[ItemKey, dict[Any, list[Sent]]]


def expected(sent: Iterable[Sent], order: Order) -> Expected:
    """What must come of these records under one policy."""
    rejected: dict[Place, Reason] = {}
    lanes: dict[ItemKey, dict[Any, list[Sent]]] = defaultdict(lambda: defaultdict(list))
    for one in sent:
        reason = why_never_written(one, order)
        if reason is not None:
            rejected[one.place] = reason
        elif one.record is not None:
            lanes[key_of(one.record)][lane(one, order)].append(one)
    candidates = {
        key: [max(records, key=lambda one: newness(one, order)) for records in by_lane.values()]
        for key, by_lane in lanes.items()
    }
    return Expected(rejected, candidates, {key: dict(by_lane) for key, by_lane in lanes.items()})


def why_never_written(sent: Sent, order: Order) -> Reason | None:
    """Why a record goes to quarantine whatever stands in the table."""
    record = sent.record
    if record is None:
        return Reason.AGGREGATE_CORRUPT
    if record.poison is not None and record.poison not in KNOWN_AFTER_THE_PLACE:
        return record.poison
    if order is Order.SEQUENCE and sent.is_misplaced:
        return Reason.MISPLACED
    if record.poison is not None:
        return record.poison
    if record.tenant_id == SPOILED_TENANT and not record.is_delete:
        return Reason.KEY_UNUSABLE
    return Reason.STORE_REFUSED if record.item_id == REFUSED_ITEM else None


def is_writable(record: Record) -> bool:
    """Whether nothing but its place could keep it out of the table."""
    has_key = record.tenant_id != SPOILED_TENANT or record.is_delete
    return record.poison is None and has_key and record.item_id != REFUSED_ITEM


def lane(sent: Sent, order: Order) -> Any:
    """Within which records compare."""
    return sent.line if order is Order.SEQUENCE else None


def newness(sent: Sent, order: Order) -> tuple[Any, ...]:
    """Compares the records of one lane."""
    tie_break = (not sent.is_misplaced, _digest(sent.line), *sent.place)
    match order:
        case Order.SEQUENCE:
            return sent.place
        case Order.ARRIVAL:
            return round(sent.arrived_at * 1_000), *tie_break
        case Order.ATTRIBUTE:
            assert sent.record is not None
            return sent.record.order, *tie_break


def key_of(record: Record) -> ItemKey:
    """Its item."""
    return record.tenant_id, record.item_id


def _digest(line: tuple[str, int | None]) -> bytes:
    """What orders records that the policy's order leaves equal: fixed, if without meaning."""
    partition_key, hash_key = line
    digest = sha256(partition_key.encode()).digest()
    if hash_key is not None:
        digest = sha256(digest + hash_key.to_bytes(16, "big")).digest()
    return digest[:7]
