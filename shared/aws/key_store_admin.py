"""The key store in DynamoDB, seen from rotation: read as a whole, rows changed only as they were read."""

from __future__ import annotations

import json
from typing import Any, Final

from shared.aws.errors import AWS_ERRORS, cancellation_codes, error_code, store_error
from shared.aws.key_rows import (
    ADDED_BY_ROTATION,
    KEY_PREFIX,
    data_key_attributes,
    data_key_key,
    pointer_key,
    primary_key,
    read_data_key,
)
from shared.aws.key_store import DynamoKeyStore
from shared.errors import KeyStoreCorrupt
from shared.keys.ports import DataKeyRow
from shared.keys.rotation.ports import KeyStorePage, UnreadableRow
from shared.model import Attributes

_CONDITION_FAILED: Final = "ConditionalCheckFailed"
_HARMLESS: Final = frozenset({"None", _CONDITION_FAILED})
_CHANGEABLE: Final = ("encrypted_data_key", "kms_key_arn", "key_material_id", "state", *ADDED_BY_ROTATION)
_AS_READ: Final = ("encrypted_data_key", "state", "closed_at")
"""What a change hangs on: whatever is done to a key changes one of these."""


class DynamoKeyStoreAdmin(DynamoKeyStore):
    """The key store behind the port `RotatingKeyStore`."""

    def page(self, cursor: str, limit: int, *, tenant_id: str = "") -> KeyStorePage:
        """The data keys among the next `limit` rows after the cursor ("" for the first), of all tenants or of one."""
        asked: dict[str, Any] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "Limit": limit,
            "ExpressionAttributeNames": {"#row": "row"},
            "ExpressionAttributeValues": {":key": {"S": KEY_PREFIX}},
        }
        if cursor:
            asked["ExclusiveStartKey"] = primary_key(*json.loads(cursor))
        try:
            if tenant_id:
                asked["ExpressionAttributeValues"][":tenant"] = {"S": tenant_id}
                named = "tenant_id = :tenant AND begins_with(#row, :key)"
                answer: Any = self._client.query(KeyConditionExpression=named, **asked)
            else:
                answer = self._client.scan(FilterExpression="begins_with(#row, :key)", **asked)
        except AWS_ERRORS as error:
            raise store_error(error, "reading the data keys of the key store") from None
        last = answer.get("LastEvaluatedKey")
        following = json.dumps([last["tenant_id"]["S"], last["row"]["S"]]) if last else ""
        return KeyStorePage([_row(item) for item in answer["Items"]], following)

    def replace_row(self, read: DataKeyRow, changed: DataKeyRow) -> bool:
        """Write what changed of a data key, if state, closing time and encrypted key still are as they were read.

        A change of the state also hangs on the class's pointer: it must not name the key.

        Returns:
            False, with nothing written, where the row is not as it was read.

        Raises:
            KeyStoreCorrupt: the state was to be changed of a key that the pointer names.
            StoreUnavailable: throttled, down, or another transaction is at the same rows.
        """
        update = _update(self._table, read, changed)
        try:
            if changed.state is read.state:
                self._client.update_item(**update)
            else:
                actions: list[Any] = [{"Update": update}, {"ConditionCheck": _check_pointer(self._table, read)}]
                self._client.transact_write_items(TransactItems=actions)
        except AWS_ERRORS as error:
            codes = cancellation_codes(error)
            if error_code(error) == "ConditionalCheckFailedException" or codes[:1] == (_CONDITION_FAILED,):
                return False
            if _CONDITION_FAILED in codes and _HARMLESS.issuperset(codes):
                what = f"pointer {read.tenant_id}/{read.data_class} names {read.key_id:08x}, a {read.state} key"
                raise KeyStoreCorrupt(what) from None
            raise store_error(error, "changing a data key's row") from None
        return True


def _row(item: Attributes) -> DataKeyRow | UnreadableRow:
    tenant_id = item["tenant_id"]["S"]
    try:
        return read_data_key(tenant_id, item)
    except KeyStoreCorrupt:
        return UnreadableRow(tenant_id, item["row"]["S"])


def _update(table: str, read: DataKeyRow, changed: DataKeyRow) -> dict[str, Any]:
    old, new = data_key_attributes(read), data_key_attributes(changed)
    names = [name for name in _CHANGEABLE if old.get(name) != new.get(name)]
    return {
        "TableName": table,
        "Key": data_key_key(read.tenant_id, read.key_id),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in names),
        "ConditionExpression": " AND ".join(
            f"#{name} = :old_{name}" if name in old else f"attribute_not_exists(#{name})" for name in _AS_READ
        ),
        "ExpressionAttributeNames": {f"#{name}": name for name in {*names, *_AS_READ}},
        "ExpressionAttributeValues": {f":{name}": new[name] for name in names}
        | {f":old_{name}": old[name] for name in _AS_READ if name in old},
    }


def _check_pointer(table: str, row: DataKeyRow) -> dict[str, Any]:
    return {
        "TableName": table,
        "Key": pointer_key(row.tenant_id, row.data_class),
        "ConditionExpression": "attribute_not_exists(tenant_id) OR active_key_id <> :key_id",
        "ExpressionAttributeValues": {":key_id": {"S": f"{row.key_id:08x}"}},
    }
