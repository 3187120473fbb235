"""The rows of the key store, as far as a report needs them: their encrypted data keys are never asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ops.report.keys import KeyFacts
from shared.aws.errors import AWS_ERRORS, store_error
from shared.aws.key_rows import KEY_PREFIX
from shared.aws.key_store import DynamoKeyStatusReader
from shared.errors import KeyStoreCorrupt, PolicyError
from shared.model import ENDED, KeyState
from shared.policy.compiled import Policy
from shared.policy.load import parse_policy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ASKED: Final = ("row", "data_class", "state", "created_at", "closed_at", "state_set_at")


def stored_keys(client: DynamoDBClient, table: str) -> Iterator[KeyFacts]:
    """All data keys; raises StoreUnavailable."""
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="begins_with(#row, :key)",
        ProjectionExpression=", ".join(f"#{name}" for name in _ASKED),
        ExpressionAttributeNames={f"#{name}": name for name in _ASKED},
        ExpressionAttributeValues={":key": {"S": KEY_PREFIX}},
        ConsistentRead=True,
    )
    try:
        for page in pages:
            yield from map(_facts, page["Items"])
    except AWS_ERRORS as error:
        raise store_error(error, "reading the key store") from None


def stored_policy(client: DynamoDBClient, table: str, digest: str) -> Policy | None:
    """The policy with this digest (hex); None where the key store has none that can be read.

    Raises:
        StoreUnavailable: the key store does not answer.
    """
    for row in DynamoKeyStatusReader(client, table).published_policies():
        if not isinstance(row, KeyStoreCorrupt) and row.digest.hex() == digest:
            try:
                return parse_policy(row.source, "policy.toml")
            except PolicyError:
                return None
    return None


def _facts(row: Mapping[str, Any]) -> KeyFacts:
    try:
        state = KeyState(row["state"]["S"])
        times = {name: float(row[name]["N"]) for name in ("created_at", "closed_at", "state_set_at") if name in row}
        ended = times.get("state_set_at") if state in ENDED else None
        return KeyFacts(row["data_class"]["S"], state, times["created_at"], times.get("closed_at"), ended)
    except (KeyError, TypeError, ValueError):
        return KeyFacts("", None, 0.0)
