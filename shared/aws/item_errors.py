"""What the items table's refusals of a write mean: the item in the way, the item itself, or neither."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from shared.aws.errors import error_code, store_error
from shared.errors import Reason, RecordRejected, SettingsError, StoreUnavailable

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


def standing_item(error: ClientError | BotoCoreError) -> dict[str, Any] | None:
    """After a condition that failed, the item that stood in the way as ALL_OLD gives it, {} for none.

    None after any other error.
    """
    if not isinstance(error, ClientError) or error_code(error) != "ConditionalCheckFailedException":
        return None
    response: Any = error.response
    item: dict[str, Any] = response.get("Item", {})
    return item


def write_error(error: ClientError | BotoCoreError, doing: str) -> RecordRejected | StoreUnavailable | SettingsError:
    """For any other error: store_refused where DynamoDB refuses the item itself, else as `store_error`."""
    if isinstance(error, ClientError) and error_code(error) == "ValidationException":
        message = str(error.response["Error"].get("Message", ""))
        if any(part in message for part in _ABOUT_THE_ITEM):
            return RecordRejected(
                Reason.STORE_REFUSED, "DynamoDB refuses the item as too large, too deep or out of range"
            )
    return store_error(error, doing)
