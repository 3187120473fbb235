"""The items table, seen from the encryptor: conditional puts, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.errors import Reason, RecordRejected, SettingsError, StoreUnavailable
from shared.model import SOURCE, AttributeValue, PutResult, SealedItem
from shared.source_position import FOUND

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NEWER: Final = (
    "attribute_not_exists(#src) OR #src = :found"
    " OR (attribute_type(#src, :binary) AND begins_with(#src, :lane) AND #src < :src)"
)
_UNCHANGED: Final = "#src = :found"
_ABOUT_THE_ITEM: Final = (
    "Item size has exceeded",
    "Item size to update has exceeded",
    "Nesting Levels have exceeded",
    "Number overflow",
    "Number underflow",
    "more than 38 significant digits",
    "Aggregated size of all range keys",
    "Size of hashkey has exceeded",
    "Size of rangekey has exceeded",
)
"""What DynamoDB says where no other item would be refused; any other refusal is the table's or this code's fault."""
_SOURCE_NAME: Final = {"#src": SOURCE}


class DynamoItemTable:
    """Puts sealed items where nothing newer stands."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def put_if_newer(self, item: SealedItem) -> PutResult:
        """Store where no item stands, or one without `_src`, or at `FOUND`, or lower in the same lane.

        Raises:
            StoreUnavailable: no answer, or throttled.
            RecordRejected: store_refused, where DynamoDB refuses the item itself.
        """
        values = {
            ":binary": {"S": "B"},
            ":found": {"B": FOUND.to_bytes()},
            ":lane": {"B": item.position.lane},
            ":src": {"B": item.position.to_bytes()},
        }
        return self._put(item, _NEWER, values)

    def put_if_source_is(self, item: SealedItem, found_source: AttributeValue) -> PutResult:
        """Store where the item's `_src` still is exactly this value; raises as `put_if_newer`."""
        return self._put(item, _UNCHANGED, {":found": found_source})

    def _put(self, item: SealedItem, condition: str, values: dict[str, Any]) -> PutResult:
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=dict(item.attributes),
                ConditionExpression=condition,
                ExpressionAttributeNames=_SOURCE_NAME,
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except AWS_ERRORS as error:
            if isinstance(error, ClientError) and error_code(error) == "ConditionalCheckFailedException":
                found = _standing(error)
                return PutResult(stored=False, found_source=found.get(SOURCE), found=found)
            raise _put_error(error) from None
        return PutResult(stored=True)


def _standing(error: Any) -> dict[str, Any]:
    """The item that stood in the way, as ALL_OLD gives it."""
    item: dict[str, Any] = error.response.get("Item", {})
    return item


def _put_error(error: Any) -> RecordRejected | StoreUnavailable | SettingsError:
    if error_code(error) == "ValidationException":
        message = str(error.response["Error"].get("Message", ""))
        if any(part in message for part in _ABOUT_THE_ITEM):
            return RecordRejected(
                Reason.STORE_REFUSED, "DynamoDB refuses the item as too large, too deep or out of range"
            )
    return store_error(error, "writing an item")
