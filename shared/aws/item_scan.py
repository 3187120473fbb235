"""The items table as a source of scans: DynamoDB's parallel Scan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.aws.errors import AWS_ERRORS, store_error
from shared.errors import RunsCorrupt
from shared.model import ITEM_ID, TENANT_ID, Attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoItemScan:
    """Whole items, segment by segment; a cursor is the key of the last item that was read, as JSON.

    Args:
        consistent: whether a scan sees every write that was acknowledged before it came by, at twice the price.
    """

    def __init__(self, client: DynamoDBClient, table: str, *, consistent: bool) -> None:
        self._client = client
        self._table = table
        self._consistent = consistent

    def page(self, *, segment: int, total: int, cursor: str, limit: int) -> tuple[Sequence[Attributes], str]:
        """At most `limit` items and 1 MB after the cursor ("": from the beginning), and the next cursor, "" at the end.

        Raises:
            StoreUnavailable: DynamoDB does not answer, or throttles.
            RunsCorrupt: the cursor is none that this gave.
        """
        request: dict[str, Any] = {"ExclusiveStartKey": _key(cursor)} if cursor else {}
        try:
            answer = self._client.scan(
                TableName=self._table,
                Segment=segment,
                TotalSegments=total,
                Limit=limit,
                ConsistentRead=self._consistent,
                **request,
            )
        except AWS_ERRORS as error:
            raise store_error(error, "scanning items") from None
        last = answer.get("LastEvaluatedKey")
        return answer["Items"], _cursor(last) if last else ""


def _cursor(last: Attributes) -> str:
    return json.dumps([last[TENANT_ID]["S"], last[ITEM_ID]["S"]])


def _key(cursor: str) -> dict[str, Any]:
    try:
        tenant_id, item_id = json.loads(cursor)
        if not isinstance(tenant_id, str) or not isinstance(item_id, str):
            raise TypeError  # noqa: TRY301 - one answer to all that is wrong
    except (TypeError, ValueError):
        raise RunsCorrupt("a stored cursor is none of the items table's") from None
    return {TENANT_ID: {"S": tenant_id}, ITEM_ID: {"S": item_id}}
