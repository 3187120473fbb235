"""Whose record it is, which item it concerns, and where it stands in that item's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.errors import Reason, RecordRejected
from shared.identity import check_item_id, check_tenant_id, is_tenant_id
from shared.model import AttributeValue, InboundRecord
from shared.order import ordered_position
from shared.policy.compiled import Policy
from shared.sealing import Operation
from shared.source_position import ARRIVAL, SourcePosition, kinesis_position, time_position

_OPERATION: Final = "_op"


@dataclass(frozen=True, slots=True)
class IdentifiedRecord:
    """A decoded record with its place.

    Attributes:
        attributes: the record's own, without tenant, id and operation.
        only_if_absent: its position says nothing: it may be written only where no item stands.
    """

    record: InboundRecord
    operation: Operation
    tenant_id: str
    item_id: str
    position: SourcePosition
    attributes: dict[str, AttributeValue] = field(repr=False)
    only_if_absent: bool = False


def known_tenant(attributes: Mapping[str, AttributeValue], policy: Policy) -> str:
    """The record's tenant, or "" where it names none that can be."""
    value = attributes.get(policy.item.tenant, {}).get("S")
    return value if is_tenant_id(value) else ""


def identify(record: InboundRecord, attributes: dict[str, AttributeValue], policy: Policy) -> IdentifiedRecord:
    """Read tenant, id, order and operation as the policy's `[item]` table says.

    Raises:
        RecordRejected: one of them is missing or ill-formed.
    """
    item = policy.item
    rest = {name: value for name, value in attributes.items() if name not in (item.tenant, item.id, _OPERATION)}
    return IdentifiedRecord(
        record=record,
        operation=_operation(attributes),
        tenant_id=check_tenant_id(_required(attributes, item.tenant, Reason.TENANT_MISSING)),
        item_id=check_item_id(_required(attributes, item.id, Reason.ID_MISSING)),
        position=_position(record, attributes, policy),
        attributes=rest,
    )


def _operation(attributes: dict[str, AttributeValue]) -> Operation:
    value = attributes.get(_OPERATION, {"S": Operation.PUT})
    try:
        return Operation(value.get("S", ""))
    except ValueError:
        raise RecordRejected(Reason.OPERATION_UNKNOWN, '_op must be "put" or "delete"') from None


def _required(attributes: Mapping[str, AttributeValue], name: str, missing: Reason) -> object:
    """The text of an attribute that a record must have, or None where it is of another type."""
    value = attributes.get(name)
    if value is None:
        raise RecordRejected(missing, f"the record has no attribute {name}")
    return value.get("S")


def _position(record: InboundRecord, attributes: dict[str, AttributeValue], policy: Policy) -> SourcePosition:
    arrived = kinesis_position(
        record.partition_key,
        record.sequence_number,
        record.sub_sequence,
        explicit_hash_key=record.explicit_hash_key,
    )
    if policy.item.order is not None:
        return ordered_position(attributes.get(policy.item.order), arrived, policy.item.order)
    if policy.item.unknown_order == "arrival":
        return time_position(round(record.arrived_at * 1_000) * 1_000_000, arrived, ordered_by=ARRIVAL)
    return arrived
