"""The items table, seen from the encryptor: conditional puts, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS
from shared.aws.item_errors import standing_item, write_error
from shared.model import SOURCE, TENANT_ID, AttributeValue, PutResult, SealedItem
from shared.source_position import FOUND

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NEWER: Final = (
    "attribute_not_exists(#src) OR #src = :found"
    " OR (attribute_type(#src, :binary) AND begins_with(#src, :lane) AND #src < :src)"
)
_UNCHANGED: Final = "#src = :found"
_UNSOURCED: Final = f"attribute_not_exists(#src) AND attribute_exists({TENANT_ID})"
_ABSENT: Final = f"attribute_not_exists({TENANT_ID})"
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

    def put_if_unsourced(self, item: SealedItem) -> PutResult:
        """Store where an item stands that has no `_src`; raises as `put_if_newer`."""
        return self._put(item, _UNSOURCED, {})

    def put_if_absent(self, item: SealedItem) -> PutResult:
        """Store where no item stands, not even one without `_src`; raises as `put_if_newer`."""
        return self._put(item, _ABSENT, {})

    def _put(self, item: SealedItem, condition: str, values: dict[str, Any]) -> PutResult:
        expression: Any = {"ConditionExpression": condition}
        if "#src" in condition:
            expression["ExpressionAttributeNames"] = _SOURCE_NAME
        if values:
            expression["ExpressionAttributeValues"] = values
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=dict(item.attributes),
                **expression,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except AWS_ERRORS as error:
            found = standing_item(error)
            if found is None:
                raise write_error(error, "writing an item") from None
            return PutResult(stored=False, found_source=found.get(SOURCE), found=found)
        return PutResult(stored=True)
