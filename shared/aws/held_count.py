"""How many entries of the quarantine wait for a decision: counted by DynamoDB, none of them is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, store_error
from shared.model import EntryState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MOST_HELD: Final = 1_000
"""How many are counted before it is enough to know that they are many."""
MOST_PAGES: Final = 25
"""Of 1 MB each, as DynamoDB reads them: some 50,000 entries, most of them decided long ago."""


class DynamoHeldCount:
    """The quarantine's index behind the port `HeldCount`."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def held(self) -> int | None:
        """So many at least, and exactly so many where the whole index was gone through and they are not many.

        None where there was too much to go through and none of it waits; raises StoreUnavailable.
        """
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            Select="COUNT",
            FilterExpression="#state = :held",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":held": {"S": EntryState.HELD}},
        )
        try:
            return _counted(pages)
        except AWS_ERRORS as error:
            raise store_error(error, "counting the entries of the quarantine") from None


def _counted(pages: Any) -> int | None:
    held = 0
    for number, page in enumerate(pages, start=1):
        held += page["Count"]
        if held >= MOST_HELD or "LastEvaluatedKey" not in page:
            break
        if number == MOST_PAGES:
            return held or None
    return held
