"""How far the audit trail goes: one row of the runs table, which the notary alone advances.

The trail's own objects cannot tell that the last of them are gone. This row is under another authority than they are:
who takes the end of the trail away has to change both.

| partition key `run_id` | sort key `row` | what |
| --- | --- | --- |
| `trail` | `last` | `number` of the last manifest, `sha256` of its object in hex |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.errors import TrailBroken
from shared.trail.manifest import Link

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITION: Final = "trail"
"""Of the runs table; IAM gives it to the notary, and nothing else of the table."""

_KEY: Final = {"run_id": {"S": PARTITION}, "row": {"S": "last"}}
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,11}")


class TrailEnd:
    """The row; every call raises StoreUnavailable where DynamoDB does not answer or refuses."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def noted(self) -> Link | None:
        """The last manifest that was noted; None where none was.

        Raises:
            TrailBroken: the row was written by somebody else.
        """
        try:
            answer = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        except AWS_ERRORS as error:
            raise store_error(error, "reading how far the audit trail goes") from None
        return _read(answer["Item"]) if "Item" in answer else None

    def note(self, last: Link) -> bool:
        """Note a manifest; False, and nothing is changed, where one of its number or a later one is noted."""
        row = end_row(last)
        try:
            self._client.put_item(
                TableName=self._table,
                Item=row,
                ConditionExpression="attribute_not_exists(run_id) OR #number < :number",
                ExpressionAttributeNames={"#number": "number"},
                ExpressionAttributeValues={":number": row["number"]},
            )
        except AWS_ERRORS as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise store_error(error, "noting how far the audit trail goes") from None
        return True


def end_row(last: Link) -> dict[str, Any]:
    """The row that notes this manifest."""
    return {**_KEY, "number": {"N": str(last.number)}, "sha256": {"S": last.sha256}}


def _read(row: Mapping[str, Any]) -> Link:
    number, digest = row.get("number", {}).get("N", ""), row.get("sha256", {}).get("S", "")
    if row.keys() != {*_KEY, "number", "sha256"} or not _NUMBER.fullmatch(number) or not _SHA256.fullmatch(digest):
        raise TrailBroken("the row that says how far the audit trail goes is not as the notary writes it")
    return Link(int(number), digest)
