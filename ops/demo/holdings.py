"""What table and key store hold at a moment: to be compared with what they hold later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ops.demo.leaks import table_items
from shared.aws.clients import client
from shared.aws.key_rows import KEY_PREFIX, read_data_key
from shared.keys.ports import DataKeyRow
from shared.model import ITEM_ID, TENANT_ID
from shared.policy.load import load_policy
from shared.policy.verify import key_ids
from shared.runtime.settings import POLICY_FILE, AttributeKeys
from shared.sealed_table import SealedTable

Item = tuple[str, str]
"""tenant_id and item_id."""
DataKey = tuple[str, int]
"""tenant_id and id of the data key."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """Items and data keys.

    Attributes:
        opened: every item as one reads it who may open all.
        sealed_under: the data keys that each item's sealed values lie under; none for an item without any.
        keys: all of the key store, those of the quarantine too.
    """

    opened: Mapping[Item, Mapping[str, Any]] = field(repr=False)
    sealed_under: Mapping[Item, frozenset[int]]
    keys: Mapping[DataKey, DataKeyRow]

    @property
    def keys_in_use(self) -> frozenset[DataKey]:
        """Data keys that a value in the table lies under."""
        return frozenset((tenant_id, key_id) for (tenant_id, _), ids in self.sealed_under.items() for key_id in ids)

    def differing(self, other: Holdings) -> int:
        """How many items do not open to the same, or are missing on one side."""
        items = self.opened.keys() | other.opened.keys()
        return sum(self.opened.get(item) != other.opened.get(item) for item in items)


def read_holdings(environment: Mapping[str, str]) -> Holdings:
    """Read all of it, with no data key at hand from before."""
    stored = {_item(item): key_ids(item) for _, item in table_items(environment["SEALSTREAM_TABLE"])}
    rows = [row for _, row in table_items(environment["SEALSTREAM_KEY_STORE"]) if _is_data_key(row)]
    keys = [read_data_key(row["tenant_id"]["S"], row) for row in rows]
    return Holdings(
        opened={(item[TENANT_ID], item[ITEM_ID]): item for item in _opened(environment)},
        sealed_under=stored,
        keys={(key.tenant_id, key.key_id): key for key in keys},
    )


def sealed_table(environment: Mapping[str, str]) -> SealedTable:
    """The deployment's, with no data key at hand yet."""
    attribute_keys = AttributeKeys.from_environment(environment)
    return SealedTable.connect(
        environment["SEALSTREAM_TABLE"],
        key_store=environment["SEALSTREAM_KEY_STORE"],
        attribute_key=attribute_keys.present,
        former_attribute_keys=attribute_keys.trusted,
        policy=load_policy(POLICY_FILE),
    )


def _opened(environment: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    table = sealed_table(environment)
    after: dict[str, Any] = {}
    while True:
        page = table.scan(ConsistentRead=True, **after)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        after = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _is_data_key(row: Mapping[str, Any]) -> bool:
    return str(row["row"]["S"]).startswith(KEY_PREFIX)


def _item(stored: Mapping[str, Any]) -> Item:
    return stored[TENANT_ID]["S"], stored[ITEM_ID]["S"]


def present_material(environment: Mapping[str, str]) -> str:
    """The id of the key material with which the attribute key wraps now."""
    described = client("kms").describe_key(KeyId=environment["SEALSTREAM_ATTRIBUTE_KEY"])
    return described["KeyMetadata"]["CurrentKeyMaterialId"]
