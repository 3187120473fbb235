"""Identified records: what is to be sealed of them, and the items that they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from consumers.encryptor.identify import IdentifiedRecord
from shared.envelope.associated_data import record_prefix
from shared.envelope.layout import is_sealed, key_id_of
from shared.envelope.seal import open_attributes, open_value
from shared.errors import CannotOpen, NotSealed
from shared.item_size import MAX_ITEM_BYTES
from shared.keys.keyring import Keyring
from shared.model import ARRIVED, OPEN_SINCE, POLICY, Attributes, AttributeValue, Path, SealedItem
from shared.policy.compiled import Policy
from shared.policy.plan import SealingPlan, plan
from shared.sealing import (
    ItemAddress,
    Operation,
    SealedWithKeys,
    check_sealed_size,
    data_classes,
    seal_item,
    tombstone,
)
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
        address, system = _address(planned.identified), _system(planned.identified)
        return seal_item(address, planned.plan, policy=self.policy, keyring=self.keyring, system=system)

    def holds_the_same(self, item: SealedItem, found: Attributes) -> bool:
        """Whether an item that was found opens to what this one does, whatever key and policy it lies under.

        Raises:
            RetryLater: a data key is not to be had now.
        """
        try:
            return self._opened(item, item.attributes) == self._opened(item, found)
        except CannotOpen:
            return False

    def _opened(self, item: SealedItem, attributes: Attributes) -> Attributes:
        prefix = record_prefix(dataset=self.policy.dataset, tenant_id=item.tenant_id, item_id=item.item_id)

        def opener(path: Path, sealed: bytes) -> AttributeValue:
            if not is_sealed(sealed):
                raise NotSealed("a binary value in clear")
            return open_value(self.keyring.opener(item.tenant_id, key_id_of(sealed)).cipher, prefix, path, sealed)

        opened = open_attributes(attributes, opener)
        return {name: value for name, value in opened.items() if name not in {POLICY, OPEN_SINCE, ARRIVED}}

    def is_fresh(self, sealed: SealedWithKeys) -> bool:
        """Whether all its keys may still be used."""
        return sealed.is_fresh(self.keyring)


def _address(identified: IdentifiedRecord) -> ItemAddress:
    position = FOUND if identified.only_if_absent else identified.position
    return ItemAddress(identified.tenant_id, identified.item_id, position, identified.record.arrived_at)


def _system(identified: IdentifiedRecord) -> Attributes:
    # from the record's own arrival, so that a replay writes the same tombstone
    return tombstone(identified.record.arrived_at) if identified.operation is Operation.DELETE else {}
