"""Identified records: what is to be sealed of them, and the items that they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from consumers.encryptor.identify import IdentifiedRecord, Operation
from shared.item_size import MAX_ITEM_BYTES
from shared.keys.keyring import Keyring
from shared.model import DELETED_AT, EXPIRES_AT, TOMBSTONE_SECONDS, AttributeValue
from shared.policy.compiled import Policy
from shared.policy.plan import SealingPlan, plan
from shared.sealing import ItemAddress, SealedWithKeys, check_sealed_size, data_classes, seal_item
from shared.source_position import FOUND

_MOST_GROWTH: Final = 32
"""How many times larger than its JSON a sealed item can be: `0,` in a list becomes some 60 bytes."""


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
        return frozenset((self.identified.tenant_id, data_class) for data_class in data_classes(self.plan))


def plan_record(identified: IdentifiedRecord, policy: Policy) -> PlannedRecord:
    """Decide what is to be sealed; a delete carries nothing over, but must be as sound as any record.

    Raises:
        RecordRejected: the policy refuses an attribute, or the item would be too large once sealed.
    """
    planned = plan(policy, identified.attributes)
    if identified.operation is Operation.DELETE:
        return PlannedRecord(identified, plan(policy, {}))
    if _MOST_GROWTH * len(identified.record.payload) > MAX_ITEM_BYTES:
        check_sealed_size(_address(identified), planned, policy=policy)
    return PlannedRecord(identified, planned)


@dataclass(frozen=True, slots=True)
class RecordSealer:
    """Seals planned records under the tenants' active data keys."""

    policy: Policy
    keyring: Keyring

    def seal(self, planned: PlannedRecord) -> SealedWithKeys:
        """Raises as `shared.sealing.seal_item`."""
        address, system = _address(planned.identified), _tombstone(planned.identified)
        return seal_item(address, planned.plan, policy=self.policy, keyring=self.keyring, system=system)

    def is_fresh(self, sealed: SealedWithKeys) -> bool:
        """Whether all its keys may still be used."""
        return sealed.is_fresh(self.keyring)


def _address(identified: IdentifiedRecord) -> ItemAddress:
    position = FOUND if identified.only_if_absent else identified.position
    return ItemAddress(identified.tenant_id, identified.item_id, position)


def _tombstone(identified: IdentifiedRecord) -> Mapping[str, AttributeValue]:
    if identified.operation is not Operation.DELETE:
        return {}
    # from the record's own arrival, so that a replay writes the same tombstone
    deleted_at = int(identified.record.arrived_at)
    return {DELETED_AT: {"N": str(deleted_at)}, EXPIRES_AT: {"N": str(deleted_at + TOMBSTONE_SECONDS)}}
