"""Whose record it is, which item it concerns, and where it stands in that item's order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.errors import Reason, RecordRejected
from shared.identity import check_item_id, check_tenant_id, is_tenant_id
from shared.model import AttributeValue, InboundRecord
from shared.policy.compiled import Policy
from shared.sealing import Operation
from shared.source_position import ARRIVAL, SourcePosition, integer_position, kinesis_position, time_position

_OPERATION: Final = "_op"
_TIME_FORM: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_INTEGER_FORM: Final = re.compile(r"-?\d+", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
        return _ordered_position(attributes.get(policy.item.order), arrived, policy.item.order)
    if policy.item.unknown_order == "arrival":
        return time_position(round(record.arrived_at * 1_000) * 1_000_000, arrived, ordered_by=ARRIVAL)
    return arrived


def _ordered_position(value: AttributeValue | None, tie_break: SourcePosition, order: str) -> SourcePosition:
    if value is None:
        raise RecordRejected(Reason.ORDER_MISSING, "the record has no order attribute")
    if isinstance(text := value.get("S"), str) and (nanoseconds := _nanoseconds(text)) is not None:
        return time_position(nanoseconds, tie_break, ordered_by=order)
    if isinstance(text := value.get("N"), str) and _INTEGER_FORM.fullmatch(text) and abs(int(text)) < 10**38:
        return integer_position(int(text), tie_break, ordered_by=order)
    raise RecordRejected(
        Reason.ORDER_INVALID, "the order attribute is neither an RFC 3339 time with offset nor an integer of 38 digits"
    )


def _nanoseconds(text: str) -> int | None:
    """Nanoseconds since the epoch of an RFC 3339 time, or None; `datetime` alone stops at microseconds."""
    found = _TIME_FORM.fullmatch(text)
    if not found:
        return None
    day, clock, fraction, offset = found.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in 'Zz' else offset}")
    except ValueError:
        return None
    return (at - _EPOCH) // timedelta(seconds=1) * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))
