"""The key store in DynamoDB; every read is strongly consistent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from time import sleep as real_sleep
from typing import TYPE_CHECKING, Any, Final

from shared.aws.batch_get import batch_get
from shared.aws.errors import AWS_ERRORS, cancellation_codes, error_code, store_error
from shared.aws.key_rows import (
    POLICY_ATTRIBUTES,
    POLICY_PREFIX,
    STATUS_ATTRIBUTES,
    data_key_item,
    data_key_key,
    pointer_item,
    pointer_key,
    policy_item,
    read_data_key,
    read_pointer,
    read_policy,
    read_status,
    time_value,
)
from shared.errors import KeyStoreCorrupt
from shared.keys.ports import DataKeyRow, PolicyRow
from shared.model import SYSTEM_TENANT, Attributes, KeyState, KeyStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CONDITION_FAILED: Final = "ConditionalCheckFailed"
_ROW_IS_ABSENT: Final = "attribute_not_exists(tenant_id)"
_HARMLESS: Final = frozenset({"None", _CONDITION_FAILED})


class DynamoKeyStore:
    """The key store behind the keyring's port `KeyStore`, for those who may read encrypted data keys."""

    def __init__(self, client: DynamoDBClient, table: str, *, sleep: Callable[[float], None] = real_sleep) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def active_key_id(self, tenant_id: str, data_class: str) -> int | None:
        """The id that the class's pointer row names, or None before the first key."""
        try:
            answer = self._client.get_item(
                TableName=self._table, Key=pointer_key(tenant_id, data_class), ConsistentRead=True
            )
        except AWS_ERRORS as error:
            raise store_error(error, "reading a pointer of the key store") from None
        item = answer.get("Item")
        return None if item is None else read_pointer(tenant_id, item)

    def rows(self, tenant_id: str, key_ids: Collection[int]) -> Mapping[int, DataKeyRow]:
        """The rows of these ids; an id without a row is absent."""
        keys = [data_key_key(tenant_id, key_id) for key_id in sorted(set(key_ids))]
        items = batch_get(self._client, self._table, keys, doing="reading data keys", sleep=self._sleep)
        rows = [read_data_key(tenant_id, item) for item in items]
        return {row.key_id: row for row in rows}

    def create(self, row: DataKeyRow, *, replaces: int | None) -> bool:
        """Write an active key and its pointer in one transaction, and the replaced key's state `decrypt_only`.

        The replaced key's `closed_at` is the new one's `created_at`.

        Returns:
            False, with nothing written, where the pointer no longer is `replaces` or the id is taken.

        Raises:
            StoreUnavailable: throttled, down, or another transaction is at the same rows.
            KeyStoreCorrupt: the pointer is `replaces`, but that key is not active.
        """
        try:
            self._client.transact_write_items(TransactItems=self._creation(row, replaces))
        except AWS_ERRORS as error:
            codes = cancellation_codes(error)
            if _CONDITION_FAILED not in codes or not _HARMLESS.issuperset(codes):
                raise store_error(error, "writing a data key") from None
            if _CONDITION_FAILED in codes[:2]:
                return False
            raise KeyStoreCorrupt(f"the active key {replaces:08x} of tenant {row.tenant_id} is not active") from None
        return True

    def publish_policy(self, digest: bytes, source: str, now: float) -> None:
        """Keep the text of a policy under its digest, for the auditor; a policy that is there already stays."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=policy_item(digest, source, now),
                ConditionExpression=_ROW_IS_ABSENT,
            )
        except AWS_ERRORS as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise store_error(error, "publishing the policy") from None

    def published_policies(self) -> Sequence[PolicyRow | KeyStoreCorrupt]:
        """Every policy that something may have been sealed under, and what is wrong with rows that are not readable."""
        return _published_policies(self._client, self._table)

    def _creation(self, row: DataKeyRow, replaces: int | None) -> list[Any]:
        put_key = {"TableName": self._table, "Item": data_key_item(row), "ConditionExpression": _ROW_IS_ABSENT}
        put_pointer: dict[str, Any] = {
            "TableName": self._table,
            "Item": pointer_item(row.tenant_id, row.data_class, row.key_id),
            "ConditionExpression": _ROW_IS_ABSENT,
        }
        if replaces is None:
            return [{"Put": put_key}, {"Put": put_pointer}]
        put_pointer["ConditionExpression"] = "active_key_id = :replaces"
        put_pointer["ExpressionAttributeValues"] = {":replaces": {"S": f"{replaces:08x}"}}
        close_replaced = {
            "TableName": self._table,
            "Key": data_key_key(row.tenant_id, replaces),
            "UpdateExpression": "SET #state = :decrypt_only, closed_at = :closed_at",
            "ConditionExpression": "#state = :active",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {
                ":active": {"S": KeyState.ACTIVE.value},
                ":decrypt_only": {"S": KeyState.DECRYPT_ONLY.value},
                ":closed_at": time_value(row.created_at),
            },
        }
        return [{"Put": put_key}, {"Put": put_pointer}, {"Update": close_replaced}]


class DynamoKeyStatusReader:
    """What an auditor reads of the key store: no encrypted data key is ever asked for."""

    def __init__(self, client: DynamoDBClient, table: str, *, sleep: Callable[[float], None] = real_sleep) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def statuses(self, tenant_id: str, key_ids: Collection[int]) -> Mapping[int, KeyStatus]:
        """Class and state of these keys, without where the row is not readable; an id without a row is absent."""
        return self.statuses_of({tenant_id: key_ids})[tenant_id]

    def statuses_of(self, key_ids: Mapping[str, Collection[int]]) -> Mapping[str, Mapping[int, KeyStatus]]:
        """The same by tenant, for any number of tenants in as few requests as for one."""
        items = batch_get(
            self._client,
            self._table,
            [
                data_key_key(tenant_id, key_id)
                for tenant_id, wanted in key_ids.items()
                for key_id in sorted(set(wanted))
            ],
            doing="reading the states of data keys",
            attributes=STATUS_ATTRIBUTES,
            sleep=self._sleep,
        )
        found: dict[str, dict[int, KeyStatus]] = {tenant_id: {} for tenant_id in key_ids}
        for item in items:
            status = read_status(item)
            found[item["tenant_id"]["S"]][status.key_id] = status
        return found

    def published_policies(self) -> Sequence[PolicyRow | KeyStoreCorrupt]:
        """Every policy that something may have been sealed under, and what is wrong with rows that are not readable."""
        return _published_policies(self._client, self._table)


def _published_policies(client: DynamoDBClient, table: str) -> list[PolicyRow | KeyStoreCorrupt]:
    pages = client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="tenant_id = :system AND begins_with(#row, :policy)",
        Select="SPECIFIC_ATTRIBUTES",  # said out loud: the auditor's rights hang on it
        ProjectionExpression=", ".join(f"#{name}" for name in POLICY_ATTRIBUTES),
        ExpressionAttributeNames={f"#{name}": name for name in POLICY_ATTRIBUTES},
        ExpressionAttributeValues={":system": {"S": SYSTEM_TENANT}, ":policy": {"S": POLICY_PREFIX}},
        ConsistentRead=True,
    )
    try:
        return [_policy(item) for page in pages for item in page["Items"]]
    except AWS_ERRORS as error:
        raise store_error(error, "reading the published policies") from None


def _policy(item: Attributes) -> PolicyRow | KeyStoreCorrupt:
    try:
        return read_policy(item)
    except KeyStoreCorrupt as corrupt:
        return corrupt
