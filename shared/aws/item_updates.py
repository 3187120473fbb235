"""The items table, seen from the re-encryptor: conditional updates of items that exist, nothing else.

An update replaces whole attributes at the top of the item, and hangs on each of them being what was read, whatever
lies within. So an element of a list is found by the equality of its whole list: no index can have moved, and a change
beside the value that is mended is a lost race as any other. It takes one operator an attribute, however deep the value
lies. The price is that a large map travels twice for one value in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS
from shared.aws.item_errors import standing_item, write_error
from shared.envelope.typed_value import encode
from shared.model import ITEM_ID, SOURCE, TENANT_ID, Attributes, AttributeValue
from shared.reencrypt.model import ItemUpdate, UpdateResult

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_EXISTS: Final = "attribute_exists(#tenant)"
"""Without it an update whose other conditions all are of absence would create an item."""


class DynamoItemUpdates:
    """Updates items in place, each only as exactly what was read."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def update(self, update: ItemUpdate) -> UpdateResult:
        """Replace the attributes; an update that stands there already, its answer lost, counts as stored.

        Raises:
            StoreUnavailable: no answer, or throttled.
            RecordRejected: store_refused, where DynamoDB refuses the item itself.
        """
        try:
            self._dynamodb.update_item(**self._request(update))
        except AWS_ERRORS as error:
            found = standing_item(error)
            if found is None:
                raise write_error(error, "updating an item") from None
            return UpdateResult(stored=stands_already(update, found), found=found or None)
        return UpdateResult(stored=True)

    def _request(self, update: ItemUpdate) -> dict[str, Any]:
        names = {"#tenant": TENANT_ID, "#src": SOURCE}
        values: dict[str, AttributeValue] = {}
        conditions = [_EXISTS, _is("#src", ":src", update.source, values)]
        sets, removes = [], []
        for number, (name, change) in enumerate(update.changes.items()):
            placeholder = f"#n{number}"
            names[placeholder] = name
            conditions.append(_is(placeholder, f":o{number}", change.before, values))
            if change.after is None:
                removes.append(placeholder)
            else:
                values[f":n{number}"] = change.after
                sets.append(f"{placeholder} = :n{number}")
        expression = ("SET " + ", ".join(sets)) * bool(sets) + (" REMOVE " + ", ".join(removes)) * bool(removes)
        return {
            "TableName": self._table,
            "Key": {TENANT_ID: {"S": update.tenant_id}, ITEM_ID: {"S": update.item_id}},
            "UpdateExpression": expression,
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def stands_already(update: ItemUpdate, found: Attributes) -> bool:
    """Whether the item shows all that the update writes: sealed values are random, so nobody else wrote it."""
    return bool(found) and all(is_same(found.get(name), change.after) for name, change in update.changes.items())


def is_same(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    """Whether DynamoDB holds the two for equal, whatever the order of sets and the spelling of numbers."""
    return one == other or (one is not None and other is not None and encode(one) == encode(other))


def _is(placeholder: str, variable: str, value: AttributeValue | None, values: dict[str, AttributeValue]) -> str:
    """The condition that an attribute is as it was read; adds to the values what it compares with."""
    if value is None:
        return f"attribute_not_exists({placeholder})"
    values[variable] = value
    return f"{placeholder} = {variable}"
