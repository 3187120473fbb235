"""Whose record it is, which item it concerns, and where it stands in that item's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.errors import Reason, RecordRejected
from shared.file_source import ATTRIBUTE, FileSource, rejection
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
        attributes: the record's own, without tenant, id, operation and source.
        only_if_absent: its position says nothing: it may be written only where no item stands.
        source: the line of a file that it is.
    """

    record: InboundRecord
    operation: Operation
    tenant_id: str
    item_id: str
    position: SourcePosition
    attributes: dict[str, AttributeValue] = field(repr=False)
    only_if_absent: bool = False
    source: FileSource | None = None


def known_tenant(attributes: Mapping[str, AttributeValue], policy: Policy) -> str:
    """The record's tenant, or "" where it names none that can be."""
    value = attributes.get(policy.item.tenant, {}).get("S")
    return value if is_tenant_id(value) else ""


def file_source(attributes: Mapping[str, AttributeValue]) -> FileSource | None:
    """The line of a file that a record is, if it says that it is one.

    Raises:
        RecordRejected: source_invalid.
    """
    value = attributes.get(ATTRIBUTE)
    return None if value is None else FileSource.of(value)


def identify(
    record: InboundRecord,
    attributes: dict[str, AttributeValue],
    policy: Policy,
    *,
    source: FileSource | None = None,
) -> IdentifiedRecord:
    """Read tenant, id, order and operation as the policy's `[item]` table says.

    Args:
        record: as it came in.
        attributes: decoded.
        policy: the present one.
        source: what `file_source` says of it.

    Raises:
        RecordRejected: one of them is missing or ill-formed, or the landing ingest says that the line is no record.
    """
    if source is not None and (rejected := rejection(attributes[ATTRIBUTE])):
        raise rejected
    item = policy.item
    taken_out = (item.tenant, item.id, _OPERATION, ATTRIBUTE)
    rest = {name: value for name, value in attributes.items() if name not in taken_out}
    return IdentifiedRecord(
        record=record,
        operation=_operation(attributes),
        tenant_id=check_tenant_id(_required(attributes, item.tenant, Reason.TENANT_MISSING)),
        item_id=check_item_id(_required(attributes, item.id, Reason.ID_MISSING)),
        position=_position(record, attributes, policy, source),
        attributes=rest,
        source=source,
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


def _position(
    record: InboundRecord, attributes: dict[str, AttributeValue], policy: Policy, source: FileSource | None
) -> SourcePosition:
    if source is None:
        arrived, arrived_ms = _in_kinesis(record), round(record.arrived_at * 1_000)
    else:
        arrived, arrived_ms = source.position, source.modified * 1_000
    if policy.item.order is not None:
        return ordered_position(attributes.get(policy.item.order), arrived, policy.item.order)
    if policy.item.unknown_order == "arrival":
        return time_position(arrived_ms * 1_000_000, arrived, ordered_by=ARRIVAL)
    return arrived


def _in_kinesis(record: InboundRecord) -> SourcePosition:
    return kinesis_position(
        record.partition_key,
        record.sequence_number,
        record.sub_sequence,
        explicit_hash_key=record.explicit_hash_key,
    )
