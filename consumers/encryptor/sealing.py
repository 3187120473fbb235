"""Identified records to sealed items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from consumers.encryptor.identify import IdentifiedRecord, Operation
from consumers.encryptor.item_size import MAX_ITEM_BYTES, item_size_bytes
from shared.envelope.associated_data import record_prefix
from shared.envelope.seal import seal_value
from shared.errors import Reason, RecordRejected
from shared.keys.keyring import DataKey, Keyring
from shared.model import DELETED_AT, EXPIRES_AT, ITEM_ID, POLICY, SOURCE, TENANT_ID, AttributeValue, SealedItem
from shared.policy.compiled import Policy
from shared.policy.plan import SealingPlan, plan

TOMBSTONE_SECONDS: Final = 400 * 24 * 3600
"""How long a tombstone outlives the record that asked for it; a stream keeps records for 365 days at most."""


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """An identified record and what is to be sealed of it."""

    identified: IdentifiedRecord
    plan: SealingPlan

    @property
    def item_key(self) -> tuple[str, str]:
        """Tenant and item: what writes are ordered by."""
        return self.identified.tenant_id, self.identified.item_id

    @property
    def data_keys(self) -> frozenset[tuple[str, str]]:
        """The (tenant, data class) pairs whose active data keys sealing needs."""
        return frozenset((self.identified.tenant_id, slot.data_class) for slot in self.plan.slots)


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A sealed item and the data keys that it lies under."""

    item: SealedItem
    keys: tuple[DataKey, ...]


def plan_record(identified: IdentifiedRecord, policy: Policy) -> PlannedRecord:
    """Decide what is to be sealed; a delete carries nothing over.

    Raises:
        RecordRejected: the policy refuses an attribute.
    """
    carried = {} if identified.operation is Operation.DELETE else identified.attributes
    return PlannedRecord(identified, plan(policy, carried))


def seal_record(planned: PlannedRecord, policy: Policy, keyring: Keyring) -> SealedRecord:
    """Seal under the tenant's active data keys; called again, it seals anew under those of that time.

    Raises:
        RecordRejected: the sealed item is over DynamoDB's limit.
        RetryLater, CannotOpen: a data key is not to be had now.
    """
    identified = planned.identified
    keys = {data_class: keyring.active(tenant_id, data_class) for tenant_id, data_class in planned.data_keys}
    prefix = record_prefix(dataset=policy.dataset, tenant_id=identified.tenant_id, item_id=identified.item_id)
    sealed = [seal_value(keys[slot.data_class].cipher, prefix, slot.path, slot.value) for slot in planned.plan.slots]
    attributes = {**planned.plan.fill(sealed), **_system_attributes(identified, policy)}
    if item_size_bytes(attributes) > MAX_ITEM_BYTES:
        raise RecordRejected(Reason.ITEM_TOO_LARGE, f"over {MAX_ITEM_BYTES} bytes once sealed")
    item = SealedItem(
        tenant_id=identified.tenant_id,
        item_id=identified.item_id,
        position=identified.position,
        attributes=attributes,
        sealed_count=len(sealed),
    )
    return SealedRecord(item, tuple(keys.values()))


def _system_attributes(identified: IdentifiedRecord, policy: Policy) -> Mapping[str, AttributeValue]:
    system: dict[str, AttributeValue] = {
        TENANT_ID: {"S": identified.tenant_id},
        ITEM_ID: {"S": identified.item_id},
        SOURCE: {"B": identified.position.to_bytes()},
        POLICY: {"B": policy.digest},
    }
    if identified.operation is Operation.DELETE:
        # from the record's own arrival, so that a replay writes the same tombstone
        deleted_at = int(identified.record.arrived_at)
        system[DELETED_AT] = {"N": str(deleted_at)}
        system[EXPIRES_AT] = {"N": str(deleted_at + TOMBSTONE_SECONDS)}
    return system
