"""What the re-encryptor asks of the world beside keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from shared.model import Attributes, KeyStatus
from shared.reencrypt.model import ItemUpdate, UpdateResult


class ItemUpdates(Protocol):
    """The items table: conditional updates of items that exist."""

    def update(self, update: ItemUpdate) -> UpdateResult:
        """Replace the attributes; an update that stands there already, its answer lost, counts as stored.

        Raises:
            StoreUnavailable: no answer, or throttled.
            RecordRejected: the table refuses the item itself.
        """


class ItemReads(Protocol):
    """The items table: strongly consistent reads."""

    def batch_get(self, keys: Sequence[tuple[str, str]]) -> list[Attributes]:
        """Those of the items (tenant and item id) that exist, in no particular order."""


class KeyStatuses(Protocol):
    """What may be known of a data key without any right to use it."""

    def statuses(self, tenant_id: str, key_ids: Collection[int]) -> Mapping[int, KeyStatus]:
        """Class and state of these keys, read strongly consistent; an id without a row is absent."""

    def statuses_of(self, key_ids: Mapping[str, Collection[int]]) -> Mapping[str, Mapping[int, KeyStatus]]:
        """The same by tenant, for several at once."""


class Reopen(Protocol):
    """Has a retired data key reopened; returns once its state no longer is `retired`."""

    def __call__(self, tenant_id: str, key_id: int, /) -> object:
        """Raises a SealstreamError where that fails."""
