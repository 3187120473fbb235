"""An application's item to a sealed one, as the policy says."""

from __future__ import annotations

from shared.aws.item_reader import ItemKey
from shared.envelope.associated_data import record_prefix
from shared.envelope.seal import seal_value
from shared.keys.keyring import Keyring
from shared.model import ITEM_ID, POLICY, SOURCE, SYSTEM_TENANT, TENANT_ID, Attributes, SealedItem
from shared.policy.compiled import Policy
from shared.policy.plan import plan
from shared.source_position import SourcePosition


def seal_item(
    key: ItemKey, attributes: Attributes, position: SourcePosition, *, policy: Policy, keyring: Keyring
) -> SealedItem:
    """Seal the attributes (without tenant_id and item_id) under the tenant's active data keys.

    Raises:
        RecordRejected: the policy refuses an attribute.
        ValueError: the tenant is the system's own.
        RetryLater: a data key is not to be had now.
    """
    tenant_id, item_id = key
    if tenant_id == SYSTEM_TENANT:
        raise ValueError(f"tenant {SYSTEM_TENANT} is the system's own")
    planned = plan(policy, attributes)
    classes = {slot.data_class for slot in planned.slots}
    for error in keyring.prefetch_active((tenant_id, data_class) for data_class in classes).values():
        raise error
    keys = {data_class: keyring.active(tenant_id, data_class) for data_class in classes}
    prefix = record_prefix(dataset=policy.dataset, tenant_id=tenant_id, item_id=item_id)
    sealed = [seal_value(keys[slot.data_class].cipher, prefix, slot.path, slot.value) for slot in planned.slots]
    return SealedItem(
        tenant_id=tenant_id,
        item_id=item_id,
        position=position,
        attributes={
            **planned.fill(sealed),
            TENANT_ID: {"S": tenant_id},
            ITEM_ID: {"S": item_id},
            SOURCE: {"B": position.to_bytes()},
            POLICY: {"B": policy.digest},
        },
        sealed_count=len(sealed),
    )
