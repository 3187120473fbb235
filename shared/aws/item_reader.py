"""The items table, seen from those who read it: single items, batches, and pages of a query or a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder, Key

from shared.aws.batch_get import batch_get
from shared.aws.clients import client, config
from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.aws.python_values import to_typed
from shared.model import ITEM_ID, TENANT_ID, Attributes, AttributeValue

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

ItemKey = tuple[str, str]
"""tenant_id and item_id."""


@dataclass(frozen=True, slots=True)
class Page:
    """Items in the table's order, and the key to go on from; None at the end."""

    items: Sequence[Attributes] = field(repr=False)
    last_key: Attributes | None = field(repr=False)


class DynamoItemReader:
    """Reads items as they are stored.

    Every method raises StoreUnavailable where DynamoDB does not answer, throttles or denies access, and ValueError
    where it refuses the request itself.
    """

    def __init__(self, dynamodb: DynamoDBClient, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def get(self, key: ItemKey, *, consistent: bool) -> Attributes | None:
        """One item, or None."""
        try:
            answer = self._dynamodb.get_item(TableName=self._table_name, Key=_typed_key(key), ConsistentRead=consistent)
        except AWS_ERRORS as error:
            _raise(error, "reading an item")
        return answer.get("Item")

    def batch_get(self, keys: Sequence[ItemKey]) -> list[Attributes]:
        """Those of the items that exist, in no particular order, read strongly consistently."""
        distinct = [_typed_key(key) for key in dict.fromkeys(keys)]
        return list(batch_get(self._dynamodb, self._table_name, distinct, doing="reading items"))

    def query(
        self, condition: ConditionBase, *, consistent: bool, limit: int | None, after: Attributes | None, forward: bool
    ) -> Page:
        """One page of a tenant's items; the condition is made of `boto3.dynamodb.conditions.Key`."""
        built = ConditionExpressionBuilder().build_expression(condition, is_key_condition=True)
        request = {
            "KeyConditionExpression": built.condition_expression,
            "ExpressionAttributeNames": built.attribute_name_placeholders,
            "ExpressionAttributeValues": {
                name: to_typed(value) for name, value in built.attribute_value_placeholders.items()
            },
            "ScanIndexForward": forward,
            **_paging(consistent=consistent, limit=limit, after=after),
        }
        try:
            answer = self._dynamodb.query(TableName=self._table_name, **request)
        except AWS_ERRORS as error:
            _raise(error, "querying items")
        return Page(answer["Items"], answer.get("LastEvaluatedKey"))

    def of_tenant(self, tenant_id: str, *, after: str | None, limit: int, consistent: bool) -> Page:
        """One page of a tenant's items in the order of their ids, from the one after this id on."""
        start = None if after is None else _typed_key((tenant_id, after))
        condition = Key(TENANT_ID).eq(tenant_id)
        return self.query(condition, consistent=consistent, limit=limit, after=start, forward=True)

    def scan(self, *, consistent: bool, limit: int | None, after: Attributes | None) -> Page:
        """One page of all items."""
        try:
            answer = self._dynamodb.scan(
                TableName=self._table_name, **_paging(consistent=consistent, limit=limit, after=after)
            )
        except AWS_ERRORS as error:
            _raise(error, "scanning items")
        return Page(answer["Items"], answer.get("LastEvaluatedKey"))


def clients_of(session: Session | None) -> tuple[DynamoDBClient, KMSClient]:
    """The clients of a session, set up as all are; the process's own without one."""
    if session is None:
        return client("dynamodb"), client("kms")
    return session.client("dynamodb", config=config("dynamodb")), session.client("kms", config=config("kms"))


def _typed_key(key: ItemKey) -> dict[str, AttributeValue]:
    tenant_id, item_id = key
    return {TENANT_ID: to_typed(tenant_id), ITEM_ID: to_typed(item_id)}


def _paging(*, consistent: bool, limit: int | None, after: Attributes | None) -> dict[str, Any]:
    paging: dict[str, Any] = {"ConsistentRead": consistent}
    if limit is not None:
        paging["Limit"] = limit
    if after is not None:
        paging["ExclusiveStartKey"] = dict(after)
    return paging


def _raise(error: Any, doing: str) -> NoReturn:
    if error_code(error) == "ValidationException":
        raise ValueError(f"{doing}: DynamoDB refuses the request as not valid") from None
    raise store_error(error, doing) from None
