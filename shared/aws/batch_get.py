"""Many items of one table in as few requests as DynamoDB allows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from random import uniform
from time import sleep as real_sleep
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, store_error
from shared.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS_PER_REQUEST: Final = 100
ATTEMPTS: Final = 8
_FIRST_BACKOFF_SECONDS: Final = 0.05
_LAST_BACKOFF_SECONDS: Final = 2.0

Item = Mapping[str, Any]


def batch_get(
    client: DynamoDBClient,
    table: str,
    keys: Sequence[Item],
    *,
    doing: str,
    attributes: Collection[str] = (),
    sleep: Callable[[float], None] = real_sleep,
) -> list[Item]:
    """The items of these distinct keys that exist, read strongly consistently, in no particular order.

    `doing` is what an error says this was for; `attributes` are the top-level ones to read, all where empty; `sleep`
    waits, in seconds, before asking again for what DynamoDB left unprocessed.

    Raises:
        StoreUnavailable: DynamoDB does not answer, or keeps leaving keys unprocessed.
    """
    items: list[Item] = []
    for start in range(0, len(keys), KEYS_PER_REQUEST):
        request: Any = {table: {"Keys": keys[start : start + KEYS_PER_REQUEST], "ConsistentRead": True}}
        if attributes:
            request[table]["ProjectionExpression"] = ", ".join(f"#{name}" for name in attributes)
            request[table]["ExpressionAttributeNames"] = {f"#{name}": name for name in attributes}
        for attempt in range(ATTEMPTS):
            if attempt:
                sleep(uniform(0, min(_LAST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2**attempt)))  # noqa: S311 - jitter
            try:
                answer = client.batch_get_item(RequestItems=request)
            except AWS_ERRORS as error:
                raise store_error(error, doing) from None
            items += answer["Responses"].get(table, [])
            request = answer.get("UnprocessedKeys")
            if not request:
                break
        else:
            raise StoreUnavailable(f"{doing}: keys left unprocessed {ATTEMPTS} times")
    return items
