"""Whose record it is, which item it concerns, and where it stands in that item's order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.errors import Reason, RecordRejected
from shared.model import AttributeValue, InboundRecord
from shared.policy.compiled import Policy
from shared.source_position import SourcePosition, integer_position, kinesis_position, time_position

_OPERATION: Final = "_op"
_TENANT_FORM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MAX_ID_BYTES: Final = 1_024
_TIME_FORM: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_INTEGER_FORM: Final = re.compile(r"-?\d+", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Operation(StrEnum):
    """What a record asks for; `put` where it says nothing."""

    PUT = "put"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class IdentifiedRecord:
    """A decoded record with its place.

    Attributes:
        attributes: the record's own, without tenant, id and operation.
    """

    record: InboundRecord
    operation: Operation
    tenant_id: str
    item_id: str
    position: SourcePosition
    attributes: dict[str, AttributeValue] = field(repr=False)


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
        tenant_id=_tenant(attributes.get(item.tenant)),
        item_id=_item_id(attributes.get(item.id)),
        position=_position(record, attributes, policy),
        attributes=rest,
    )


def _operation(attributes: dict[str, AttributeValue]) -> Operation:
    value = attributes.get(_OPERATION, {"S": Operation.PUT})
    try:
        return Operation(value.get("S", ""))
    except ValueError:
        raise RecordRejected(Reason.OPERATION_UNKNOWN, '_op must be "put" or "delete"') from None


def _tenant(value: AttributeValue | None) -> str:
    if value is None:
        raise RecordRejected(Reason.TENANT_MISSING, "the record has no tenant attribute")
    tenant = value.get("S")
    if not isinstance(tenant, str) or not _TENANT_FORM.fullmatch(tenant):
        raise RecordRejected(Reason.TENANT_INVALID, f"the tenant is no string of the form {_TENANT_FORM.pattern}")
    return tenant


def _item_id(value: AttributeValue | None) -> str:
    if value is None:
        raise RecordRejected(Reason.ID_MISSING, "the record has no id attribute")
    item_id = value.get("S")
    if not isinstance(item_id, str) or not 0 < len(item_id.encode("utf-8")) <= _MAX_ID_BYTES:
        raise RecordRejected(Reason.ID_INVALID, f"the id is no string of 1 to {_MAX_ID_BYTES} bytes")
    return item_id


def _position(record: InboundRecord, attributes: dict[str, AttributeValue], policy: Policy) -> SourcePosition:
    arrived = kinesis_position(record.partition_key, record.sequence_number, record.sub_sequence)
    if policy.item.order is not None:
        return _ordered_position(attributes.get(policy.item.order), arrived)
    if policy.item.unknown_order == "arrival":
        return time_position(round(record.arrived_at * 1_000) * 1_000_000, arrived)
    return arrived


def _ordered_position(value: AttributeValue | None, tie_break: SourcePosition) -> SourcePosition:
    if value is None:
        raise RecordRejected(Reason.ORDER_MISSING, "the record has no order attribute")
    if isinstance(text := value.get("S"), str) and (nanoseconds := _nanoseconds(text)) is not None:
        return time_position(nanoseconds, tie_break)
    if isinstance(text := value.get("N"), str) and _INTEGER_FORM.fullmatch(text) and abs(int(text)) < 10**38:
        return integer_position(int(text), tie_break)
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
