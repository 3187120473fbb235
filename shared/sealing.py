"""A planned item to a sealed one, under the tenant's active data keys: the one way in which items are sealed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.envelope.associated_data import record_prefix
from shared.envelope.layout import OVERHEAD_BYTES
from shared.envelope.seal import seal_value
from shared.envelope.typed_value import encode
from shared.errors import Reason, RecordRejected
from shared.item_size import MAX_ITEM_BYTES, item_size_bytes
from shared.keys.data_key import DataKey
from shared.keys.keyring import Keyring
from shared.model import (
    ARRIVED,
    DELETED_AT,
    EXPIRES_AT,
    ITEM_ID,
    POLICY,
    SOURCE,
    TENANT_ID,
    TOMBSTONE_SECONDS,
    Attributes,
    SealedItem,
)
from shared.policy.compiled import Policy
from shared.policy.plan import SealingPlan
from shared.source_position import SourcePosition


class Operation(StrEnum):
    """What is asked for; of a record `put` where it says nothing."""

    PUT = "put"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class ItemAddress:
    """Which item, and where and when its content came from.

    Attributes:
        arrived_at: seconds since the epoch: a record's arrival in Kinesis, or the write itself by another door.
    """

    tenant_id: str
    item_id: str
    position: SourcePosition
    arrived_at: float


@dataclass(frozen=True, slots=True)
class SealedWithKeys:
    """A sealed item and the data keys that it lies under; not to be sent once one of them is too old."""

    item: SealedItem
    keys: tuple[DataKey, ...]

    def is_fresh(self, keyring: Keyring) -> bool:
        """Whether it may still be sent; if not, seal it anew."""
        return all(keyring.is_fresh(key) for key in self.keys)


def data_classes(plan: SealingPlan) -> frozenset[str]:
    """The classes whose active data keys sealing needs."""
    return frozenset(slot.data_class for slot in plan.slots)


def tombstone(deleted_at: float) -> Attributes:
    """The system attributes of an item that was deleted; seconds since the epoch."""
    at = int(deleted_at)
    return {DELETED_AT: {"N": str(at)}, EXPIRES_AT: {"N": str(at + TOMBSTONE_SECONDS)}}


def seal_item(
    address: ItemAddress, plan: SealingPlan, *, policy: Policy, keyring: Keyring, system: Attributes | None = None
) -> SealedWithKeys:
    """Seal what the plan says under the active data keys of this moment; called again, under those of that one.

    Args:
        address: tenant, item, source position and time of arrival.
        plan: of the item's own attributes.
        policy: whose dataset is bound and whose digest is stored.
        keyring: gives the tenant's data keys.
        system: system attributes beside those that every item has.

    Raises:
        RecordRejected: item_too_large, over DynamoDB's limit once sealed.
        RetryLater: a data key is not to be had now.
    """
    keys = _active_keys(keyring, address.tenant_id, data_classes(plan))
    prefix = record_prefix(dataset=policy.dataset, tenant_id=address.tenant_id, item_id=address.item_id)
    sealed = [seal_value(keys[slot.data_class].cipher, prefix, slot.path, slot.value) for slot in plan.slots]
    attributes = _attributes(address, plan, sealed, policy=policy, system=system)
    _check_size(attributes)
    item = SealedItem(address.tenant_id, address.item_id, address.position, attributes, sealed_count=len(sealed))
    return SealedWithKeys(item, tuple(keys.values()))


def check_sealed_size(
    address: ItemAddress, plan: SealingPlan, *, policy: Policy, system: Attributes | None = None
) -> None:
    """Know before any key is asked for whether the item fits: sealing adds the same number of bytes to every value.

    Raises:
        RecordRejected: item_too_large.
    """
    sealed = [bytes(OVERHEAD_BYTES + len(encode(slot.value))) for slot in plan.slots]
    _check_size(_attributes(address, plan, sealed, policy=policy, system=system))


def _attributes(
    address: ItemAddress, plan: SealingPlan, sealed: Sequence[bytes], *, policy: Policy, system: Attributes | None
) -> Attributes:
    return {
        **plan.fill(sealed),
        **(system or {}),
        TENANT_ID: {"S": address.tenant_id},
        ITEM_ID: {"S": address.item_id},
        SOURCE: {"B": address.position.to_bytes()},
        POLICY: {"B": policy.digest},
        ARRIVED: {"N": str(round(address.arrived_at * 1_000))},
    }


def _check_size(attributes: Attributes) -> None:
    if item_size_bytes(attributes) > MAX_ITEM_BYTES:
        raise RecordRejected(Reason.ITEM_TOO_LARGE, f"over {MAX_ITEM_BYTES} bytes once sealed")


def _active_keys(keyring: Keyring, tenant_id: str, classes: Iterable[str]) -> dict[str, DataKey]:
    return {data_class: keyring.active(tenant_id, data_class) for data_class in classes}
