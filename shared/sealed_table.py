# ruff: noqa: N803 - the arguments are named as boto3 names those of a Table
"""For application developers: the items table like a boto3 Table, opened as far as the caller's credentials go.

    table = SealedTable.connect("customers", key_store="keys", attribute_key=arn, policy=load_policy("policy.toml"))
    table.get_item(Key={"tenant_id": "acme", "item_id": "c-1"})["Item"]
    {"tenant_id": "acme", "item_id": "c-1", "amount": Decimal("12.5"), "ssn": "123-45-6789", "card": Sealed("pci")}

Values are those of a boto3 Table (numbers are Decimal, binary is boto3's Binary). Three things differ: a value that the
credentials may not open is `Sealed`, deleted items are hidden, and so are the system's own attributes unless asked for.
Conditions and filters see what is stored, so only the keys and attributes that the policy leaves in clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from shared.aws.item_reader import DynamoItemReader, ItemKey, Page, clients_of
from shared.aws.items import DynamoItemTable
from shared.aws.key_store import DynamoKeyStatusReader, DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.aws.python_values import to_python, to_typed
from shared.errors import ConflictError
from shared.identity import check_item_id, check_tenant_id
from shared.keys.keyring import Keyring
from shared.model import (
    DELETED_AT,
    ITEM_ID,
    SOURCE,
    SYSTEM_ATTRIBUTES,
    TENANT_ID,
    Attributes,
    AttributeValue,
    PutResult,
    SealedItem,
)
from shared.policy.compiled import Policy
from shared.policy.plan import plan
from shared.sealed_table_opening import ItemOpener, KeyStatuses, Sealed
from shared.sealing import ItemAddress, seal_item
from shared.source_position import SourcePosition, counter_after

if TYPE_CHECKING:
    from boto3.dynamodb.conditions import ConditionBase
    from boto3.session import Session

__all__ = ["Sealed", "SealedTable"]


class ItemReads(Protocol):
    """Items as they are stored; see `shared.aws.item_reader`."""

    def get(self, key: ItemKey, *, consistent: bool) -> Attributes | None:
        """One item, or None."""

    def batch_get(self, keys: Sequence[ItemKey]) -> list[Attributes]:
        """Those of the items that exist."""

    def query(
        self, condition: ConditionBase, *, consistent: bool, limit: int | None, after: Attributes | None, forward: bool
    ) -> Page:
        """One page of a tenant's items."""

    def scan(self, *, consistent: bool, limit: int | None, after: Attributes | None) -> Page:
        """One page of all items."""


class ItemWrites(Protocol):
    """Conditional puts; see `shared.aws.items`."""

    def put_if_newer(self, item: SealedItem) -> PutResult:
        """Store where nothing stands, or something lower in the same lane."""

    def put_if_source_is(self, item: SealedItem, found_source: AttributeValue) -> PutResult:
        """Store where `_src` still is this value."""


class SealedTable:
    """Reads and writes items of one dataset; safe to share between threads.

    What reading raises, beside StoreUnavailable and KeyServiceUnavailable (try again): DoesNotOpen where a value was
    changed or moved, NotSealed where a binary is no sealed value, KeyRetired, KeyDestroyed and KeyUnknown where its
    data key may not or cannot open it. Each names tenant, item and path.
    """

    def __init__(
        self, *, reads: ItemReads, writes: ItemWrites, keyring: Keyring, statuses: KeyStatuses, policy: Policy
    ) -> None:
        self._reads = reads
        self._writes = writes
        self._keyring = keyring
        self._policy = policy
        self._opener = ItemOpener(keyring=keyring, statuses=statuses, policy=policy)

    @classmethod
    def connect(
        cls, table_name: str, *, key_store: str, attribute_key: str, policy: Policy, session: Session | None = None
    ) -> SealedTable:
        """A table by the names of its stack's outputs.

        Args:
            table_name: of the items table.
            key_store: name of the key store table.
            attribute_key: ARN of the KMS key that data keys lie under; rows that name another are refused.
            policy: the one that is deployed; what is put is sealed by it.
            session: whose credentials decide what opens; without one the process's own.
        """
        dynamodb, kms = clients_of(session)
        keyring = Keyring(
            store=DynamoKeyStore(dynamodb, key_store),
            service=KmsKeyService(kms, attribute_key),
            dataset=policy.dataset,
            trusted_kms_key_arns=frozenset({attribute_key}),
        )
        return cls(
            reads=DynamoItemReader(dynamodb, table_name),
            writes=DynamoItemTable(dynamodb, table_name),
            keyring=keyring,
            statuses=DynamoKeyStatusReader(dynamodb, key_store),
            policy=policy,
        )

    def get_item(
        self, *, Key: Mapping[str, str], ConsistentRead: bool = False, system_attributes: bool = False
    ) -> dict[str, Any]:
        """`{"Item": …}`, or `{}` where there is none."""
        item = self._reads.get(_item_key(Key), consistent=ConsistentRead)
        opened = self._open([] if item is None else [item], system_attributes=system_attributes)
        return {"Item": opened[0]} if opened else {}

    def batch_get(self, *, Keys: Iterable[Mapping[str, str]], system_attributes: bool = False) -> dict[str, Any]:
        """`{"Items": […]}`: those that exist, in no particular order, always read consistently."""
        items = self._reads.batch_get([_item_key(key) for key in Keys])
        return {"Items": self._open(items, system_attributes=system_attributes)}

    def query(
        self,
        *,
        KeyConditionExpression: ConditionBase,
        ConsistentRead: bool = False,
        Limit: int | None = None,
        ExclusiveStartKey: Mapping[str, Any] | None = None,
        ScanIndexForward: bool = True,
        system_attributes: bool = False,
    ) -> dict[str, Any]:
        """One page of a tenant's items: `Items`, `Count`, and `LastEvaluatedKey` where there may be more.

        The condition is one of `boto3.dynamodb.conditions`. Deleted items count for `Limit`, as filtered ones do.
        """
        page = self._reads.query(
            KeyConditionExpression,
            consistent=ConsistentRead,
            limit=Limit,
            after=_start_key(ExclusiveStartKey),
            forward=ScanIndexForward,
        )
        return self._page(page, system_attributes=system_attributes)

    def scan(
        self,
        *,
        ConsistentRead: bool = False,
        Limit: int | None = None,
        ExclusiveStartKey: Mapping[str, Any] | None = None,
        system_attributes: bool = False,
    ) -> dict[str, Any]:
        """One page of all items, as `query` gives it; no tenant session may scan."""
        page = self._reads.scan(consistent=ConsistentRead, limit=Limit, after=_start_key(ExclusiveStartKey))
        return self._page(page, system_attributes=system_attributes)

    def put_item(self, *, Item: Mapping[str, Any], position: SourcePosition | None = None) -> dict[str, Any]:
        """Seal an item as the policy says and put it in the place of the one that is there; returns `{}`.

        Without a position the write counts on from the item's last one (lane `a`) and hangs on it being the last
        still. With one it hangs on the item being older in the same lane. An item that came through Kinesis and is
        then put here no longer compares with its records: name an `order` in the policy, and give positions.

        Raises:
            ConflictError: someone else wrote the item meanwhile, or it is newer; nothing was written.
            RecordRejected: the policy refuses an attribute, or DynamoDB the item.
            TypeError, ValueError: not an item that DynamoDB could hold, or one with a `Sealed` value.
            RetryLater: table, key store or KMS are not available, or the credentials may not seal.
        """
        attributes = {name: to_typed(value) for name, value in Item.items()}
        key = _item_key({name: Item.get(name) for name in (TENANT_ID, ITEM_ID)})
        if position is not None:
            result = self._writes.put_if_newer(self._seal(key, attributes, position))
        else:
            result = self._put_counted(key, attributes)
        if not result.stored:
            raise ConflictError(f"item {key[1]} of tenant {key[0]} was written meanwhile, or is newer: read it again")
        return {}

    def _put_counted(self, key: ItemKey, attributes: Attributes) -> PutResult:
        if self._policy.item.order is not None:
            raise ValueError(f"the policy orders items by {self._policy.item.order}: give a position made from it")
        standing = (self._reads.get(key, consistent=True) or {}).get(SOURCE)
        found = None if standing is None else SourcePosition.from_bytes(standing.get("B"))
        item = self._seal(key, attributes, counter_after(found))
        if standing is None:
            return self._writes.put_if_newer(item)
        return self._writes.put_if_source_is(item, standing)

    def _seal(self, key: ItemKey, attributes: Attributes, position: SourcePosition) -> SealedItem:
        own = {name: value for name, value in attributes.items() if name not in {TENANT_ID, ITEM_ID}}
        address = ItemAddress(check_tenant_id(key[0]), check_item_id(key[1]), position)
        return seal_item(address, plan(self._policy, own), policy=self._policy, keyring=self._keyring).item

    def _page(self, page: Page, *, system_attributes: bool) -> dict[str, Any]:
        items = self._open(page.items, system_attributes=system_attributes)
        answer = {"Items": items, "Count": len(items), "ScannedCount": len(page.items)}
        if page.last_key is not None:
            answer["LastEvaluatedKey"] = {name: to_python(value) for name, value in page.last_key.items()}
        return answer

    def _open(self, items: Iterable[Attributes], *, system_attributes: bool) -> list[dict[str, Any]]:
        hidden = frozenset() if system_attributes else SYSTEM_ATTRIBUTES - {TENANT_ID, ITEM_ID}
        live = [item for item in items if DELETED_AT not in item]
        return [
            {name: to_python(value) for name, value in item.items() if name not in hidden}
            for item in self._opener.open(live)
        ]


def _item_key(key: Mapping[str, Any]) -> ItemKey:
    tenant_id, item_id = key.get(TENANT_ID), key.get(ITEM_ID)
    if key.keys() != {TENANT_ID, ITEM_ID} or not isinstance(tenant_id, str) or not isinstance(item_id, str):
        raise ValueError(f"a key is {TENANT_ID} and {ITEM_ID}, both text")
    return tenant_id, item_id


def _start_key(key: Mapping[str, Any] | None) -> Attributes | None:
    return None if key is None else {name: to_typed(value) for name, value in key.items()}
