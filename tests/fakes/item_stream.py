"""The items table's stream: what changes in a dictionary of items, as Lambda gives it to the auditor."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

Key = tuple[str, str]


class StreamedItems(dict[Key, dict[str, Any]]):
    """Items by tenant and id, for `FakeItemTable.items`; a write that changes nothing is no change, as in DynamoDB.

    Args:
        clock: seconds since the epoch; a change's time is whole seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._records: list[dict[str, Any]] = []
        self._sequence_number = 0

    def __setitem__(self, key: Key, item: dict[str, Any]) -> None:
        old = self.get(key)
        super().__setitem__(key, item)
        if old != item:
            self._changed("INSERT" if old is None else "MODIFY", key, old, item)

    def __delitem__(self, key: Key) -> None:
        old = self.pop(key)
        self._changed("REMOVE", key, old, None)

    @property
    def has_records(self) -> bool:
        """Whether something changed since the last time."""
        return bool(self._records)

    def take_records(self) -> list[dict[str, Any]]:
        """What changed since the last time."""
        taken, self._records = self._records, []
        return taken

    def _changed(self, name: str, key: Key, old: Any, new: Any) -> None:
        self._sequence_number += 1
        images = {"OldImage": old, "NewImage": new}
        body = {
            "ApproximateCreationDateTime": float(int(self._clock())),
            "Keys": {"tenant_id": {"S": key[0]}, "item_id": {"S": key[1]}},
            "SequenceNumber": str(self._sequence_number),
        } | {image: as_lambda_gives_it(item) for image, item in images.items() if item is not None}
        self._records.append({"eventName": name, "dynamodb": body})


def as_lambda_gives_it(value: Any) -> Any:
    """A DynamoDB-typed value as JSON holds it: binary as base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {name: as_lambda_gives_it(member) for name, member in value.items()}
    return [as_lambda_gives_it(member) for member in value] if isinstance(value, list) else value
