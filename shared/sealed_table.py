# ruff: noqa: N803 - the arguments are named as boto3 names those of a Table
"""For application developers: the items table like a boto3 Table, opened as far as the caller's credentials go.

    table = SealedTable.connect("customers", key_store="keys", attribute_key=arn, policy=load_policy("policy.toml"))
    table.get_item(Key={"tenant_id": "acme", "item_id": "c-1"})["Item"]
    {"tenant_id": "acme", "item_id": "c-1", "amount": Decimal("12.5"), "ssn": "123-45-6789", "card": Sealed("pci")}

Values are those of a boto3 Table (numbers are Decimal, binary is boto3's Binary). What is unlike one:

- A value that the credentials may not open is `Sealed`. What nobody can read raises, or with `unreadable="mark"` is
  `Unreadable`, so that one bad value does not hide a page. Neither can be put.
- Only what the policy declares plain is taken in clear. Whatever else stands in clear, or in clear with another type
  than declared, was not written by sealstream, or under an older policy that was looser: `NotSealed`. Declared-plain
  values are as the table holds them; whoever can write the table can change them.
- Deleted items are hidden, and so are the system's own attributes unless asked for.
- Filters, projections and indexes (FilterExpression, ProjectionExpression, IndexName …) are not there. The table sees
  sealed bytes, which differ each time that a value is sealed: no condition on a sealed attribute could hold. Filter
  what comes back. Writes are whole items; there is no update_item. A deletion leaves a tombstone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, Protocol

from shared.aws.item_reader import DynamoItemReader, ItemKey, Page, clients_of
from shared.aws.items import DynamoItemTable
from shared.aws.key_store import DynamoKeyStatusReader, DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.aws.python_values import to_python, to_typed
from shared.errors import ConflictError
from shared.keys.keyring import Keyring
from shared.model import DELETED_AT, ITEM_ID, SYSTEM_ATTRIBUTES, TENANT_ID, Attributes
from shared.policy.compiled import Policy
from shared.policy.plan import plan
from shared.sealed_table_opening import ItemOpener, KeyStatuses, OnUnreadable, Sealed, Unreadable
from shared.sealed_table_positions import Follows, delete_position, follows, position_of, put_position
from shared.sealed_table_writing import ItemWriter, ItemWrites, Standing, check_asked_for
from shared.sealing import tombstone
from shared.source_position import SourcePosition

if TYPE_CHECKING:
    from boto3.dynamodb.conditions import ConditionBase
    from boto3.session import Session

__all__ = ["Sealed", "SealedTable", "Unreadable"]

_NANOSECONDS: Final = 1_000_000_000


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


class SealedTable:
    """Reads and writes items of one dataset; safe to share between threads.

    What reading raises, beside StoreUnavailable and KeyServiceUnavailable (try again): NotSealed where something stands
    in clear that the policy seals, or a binary is no sealed value; DoesNotOpen where a value was changed or moved, or
    the table gives an item that was not asked for; KeyRetired, KeyDestroyed and KeyUnknown where a data key may not or
    cannot open a value, and KeyStoreCorrupt where its row is not sound. Each names tenant and item, and the path where
    it is about one.

    Args:
        unreadable: "mark" puts an `Unreadable` in the place of a value that would raise one of these.
        now_ns: nanoseconds since the epoch.

    Attributes:
        writer: what it writes with, for those who decide themselves what a write hangs on.
    """

    def __init__(
        self,
        *,
        reads: ItemReads,
        writes: ItemWrites,
        keyring: Keyring,
        statuses: KeyStatuses,
        policy: Policy,
        unreadable: OnUnreadable = "raise",
        now_ns: Callable[[], int] = time_ns,
    ) -> None:
        self._reads = reads
        self._policy = policy
        self._now_ns = now_ns
        self.writer = ItemWriter(reads, writes, keyring, policy, now_ns)
        self._opener = ItemOpener(keyring=keyring, statuses=statuses, policy=policy, unreadable=unreadable)

    @classmethod
    def connect(
        cls,
        table_name: str,
        *,
        key_store: str,
        attribute_key: str,
        former_attribute_keys: Collection[str] = (),
        policy: Policy,
        session: Session | None = None,
        unreadable: OnUnreadable = "raise",
    ) -> SealedTable:
        """A table by the names of its stack's outputs.

        Args:
            table_name: of the items table.
            key_store: name of the key store table.
            attribute_key: ARN of the KMS key that data keys lie under; rows that name another are refused.
            former_attribute_keys: ARNs of those that data keys may still lie under, from before a move to another.
            policy: the one that is deployed; what is put is sealed by it, and what is read is held against it.
            session: whose credentials decide what opens; without one the process's own.
            unreadable: whether a value that nobody can read raises or is marked.
        """
        dynamodb, kms = clients_of(session)
        keyring = Keyring(
            store=DynamoKeyStore(dynamodb, key_store),
            service=KmsKeyService(kms, attribute_key),
            dataset=policy.dataset,
            trusted_kms_key_arns=frozenset({attribute_key, *former_attribute_keys}),
        )
        return cls(
            reads=DynamoItemReader(dynamodb, table_name),
            writes=DynamoItemTable(dynamodb, table_name),
            keyring=keyring,
            statuses=DynamoKeyStatusReader(dynamodb, key_store),
            policy=policy,
            unreadable=unreadable,
        )

    def get_item(
        self, *, Key: Mapping[str, str], ConsistentRead: bool = False, system_attributes: bool = False
    ) -> dict[str, Any]:
        """`{"Item": …}`, or `{}` where there is none."""
        item = self._get(_item_key(Key), consistent=ConsistentRead)
        opened = self.open_items([] if item is None else [item], system_attributes=system_attributes)
        return {"Item": opened[0]} if opened else {}

    def batch_get(self, *, Keys: Iterable[Mapping[str, str]], system_attributes: bool = False) -> dict[str, Any]:
        """`{"Items": […]}`: those that exist, in no particular order, always read consistently."""
        keys = [_item_key(key) for key in Keys]
        items = self._reads.batch_get(keys)
        check_asked_for(items, keys)
        return {"Items": self.open_items(items, system_attributes=system_attributes)}

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

        Without a position the write stands where the policy says: by the item's own order attribute, by the present
        time, or by a count of its writes (lane `a`); and hangs on nobody else having written since the item was read
        just before. Without an order, an item that came through Kinesis and is then put so no longer compares with its
        records.

        With a position the write hangs on the item being older in the same lane; one that is there at this very
        position already is this one, put before; so each write has a position of its own.

        Raises:
            ConflictError: someone else wrote the item meanwhile, or it is newer; nothing was written.
            RecordRejected: the policy refuses an attribute or the item's order, or DynamoDB the item.
            TypeError, ValueError: not an item that DynamoDB could hold, or one with a `Sealed` or `Unreadable` value.
            RetryLater: table, key store or KMS are not available, or the credentials may not seal.
        """
        attributes = {name: to_typed(value) for name, value in Item.items()}
        key = _item_key({name: Item.get(name) for name in (TENANT_ID, ITEM_ID)})
        own = {name: value for name, value in attributes.items() if name not in {TENANT_ID, ITEM_ID}}
        planned = plan(self._policy, own)
        if position is not None:
            self.writer.write(key, planned, position)
            return {}
        standing = self.writer.standing(key)
        position = put_position(self._policy.item, own, standing=standing.item, now_ns=self._now_ns())
        _check_follows(position, standing)
        self.writer.write(key, planned, position, replaces=standing)
        return {}

    def delete_item(self, *, Key: Mapping[str, str]) -> dict[str, Any]:
        """Leave a tombstone in an item's place, which older records do not bring back; returns `{}`.

        Where there is none, or it was deleted, nothing is written. By an order attribute that is a time the deletion is
        of the present; by one that is an integer, just after the item; else as `put_item`.

        Raises:
            ConflictError: someone else wrote the item meanwhile; nothing was written.
            RetryLater: the table is not available.
        """
        key = _item_key(Key)
        standing, now_ns = self.writer.standing(key), self._now_ns()
        if standing.item is None or not standing.is_live:
            return {}
        position = delete_position(self._policy.item, standing=standing.item, now_ns=now_ns)
        _check_follows(position, standing)
        planned, system = plan(self._policy, {}), tombstone(now_ns // _NANOSECONDS)
        self.writer.write(key, planned, position, replaces=standing, system=system)
        return {}

    def _get(self, key: ItemKey, *, consistent: bool) -> Attributes | None:
        item = self._reads.get(key, consistent=consistent)
        check_asked_for([] if item is None else [item], [key])
        return item

    def _page(self, page: Page, *, system_attributes: bool) -> dict[str, Any]:
        items = self.open_items(page.items, system_attributes=system_attributes)
        answer = {"Items": items, "Count": len(items), "ScannedCount": len(page.items)}
        if page.last_key is not None:
            answer["LastEvaluatedKey"] = {name: to_python(value) for name, value in page.last_key.items()}
        return answer

    def open_items(self, items: Iterable[Attributes], *, system_attributes: bool = False) -> list[dict[str, Any]]:
        """Items as they are stored, opened, without the deleted ones; the data keys of all are fetched together."""
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


def _check_follows(position: SourcePosition, standing: Standing) -> None:
    if follows(position, position_of(standing.item)) is not Follows.NEWER:
        raise ConflictError("what stands there is newer by the policy's order, or does not compare with it")
