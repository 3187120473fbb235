"""Stored items to opened ones: what the credentials may not open is `Sealed`, what else fails raises or is marked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

from shared.envelope.layout import key_id_of
from shared.errors import (
    CannotOpen,
    DoesNotOpen,
    KeyDenied,
    KeyDestroyed,
    KeyRetired,
    KeyStoreCorrupt,
    KeyUnknown,
    NotSealed,
    SealstreamError,
    StoreUnavailable,
)
from shared.keys.keyring import Keyring
from shared.model import ITEM_ID, TENANT_ID, Attributes, AttributeValue, KeyStatus, Path
from shared.policy.compiled import Policy, Rule
from shared.policy.stored_walk import ItemWalk
from shared.printable import printable
from shared.sealed_table_keys import ItemKeys

MARKER_TAG: Final = "MARKER"
"""Stands in an opened, DynamoDB-typed tree before a `Sealed` or `Unreadable`; DynamoDB has no such type."""

OnUnreadable: TypeAlias = Literal["raise", "mark"]

_REASONS: Final[Mapping[type[SealstreamError], str]] = {
    NotSealed: "not_sealed",
    DoesNotOpen: "does_not_open",
    KeyUnknown: "key_unknown",
    KeyRetired: "key_retired",
    KeyDestroyed: "key_destroyed",
    KeyStoreCorrupt: "key_corrupt",
}


@dataclass(frozen=True, slots=True)
class Sealed:
    """Stands for a value that the caller's credentials may not open; the class is "" where nobody may say it."""

    data_class: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for what nobody can read; the reason is one of a few fixed words.

    Attributes:
        reason: not_sealed, does_not_open, key_unknown, key_retired, key_destroyed or key_corrupt.
    """

    reason: str


class KeyStatuses(Protocol):
    """What may be known of a data key without any right to use it."""

    def statuses(self, tenant_id: str, key_ids: Collection[int]) -> Mapping[int, KeyStatus]:
        """Class and state of these keys; an id without a row is absent."""


@dataclass(frozen=True, slots=True)
class ItemOpener:
    """Opens the items of one dataset; raises what `SealedTable` says, with tenant, item and path in the message."""

    keyring: Keyring
    statuses: KeyStatuses
    policy: Policy
    unreadable: OnUnreadable

    def open(self, items: Sequence[Attributes]) -> list[dict[str, AttributeValue]]:
        """New items, opened; the data keys of all are fetched together."""
        keys = ItemKeys.fetch(self.keyring, self.policy.dataset, items)
        denied: dict[tuple[str, int], Sealed] = {}
        return [self._open_item(item, keys, denied) for item in items]

    def _open_item(
        self, item: Attributes, keys: ItemKeys, denied: dict[tuple[str, int], Sealed]
    ) -> dict[str, AttributeValue]:
        tenant_id, item_id = item[TENANT_ID]["S"], item[ITEM_ID]["S"]
        open_sealed = keys.opener(item)

        def closed(path: Path, error: CannotOpen | KeyStoreCorrupt) -> AttributeValue:
            if self.unreadable == "mark":
                return {MARKER_TAG: Unreadable(_REASONS[type(error)])}
            where = f"tenant {tenant_id}, item {item_id}, {self.policy.notation(path)}"
            raise type(error)(printable(f"{where}: {error}")) from None

        def open_one(path: Path, sealed: bytes, _: Rule | None) -> AttributeValue:
            try:
                return open_sealed(path, sealed)
            except KeyDenied:
                asked = (tenant_id, key_id_of(sealed))
                if asked not in denied:
                    denied[asked] = self._denied(*asked)
                return {MARKER_TAG: denied[asked]}
            except (CannotOpen, KeyStoreCorrupt) as error:
                return closed(path, error)

        def in_clear(path: Path, _value: AttributeValue, _rule: Rule | None, why: str) -> AttributeValue:
            return closed(path, NotSealed(why))

        return ItemWalk(self.policy, open_one, in_clear).read(item)

    def _denied(self, tenant_id: str, key_id: int) -> Sealed:
        try:
            status = self.statuses.statuses(tenant_id, [key_id]).get(key_id)
        except StoreUnavailable:  # that the value stays closed is known all the same
            status = None
        return Sealed("" if status is None else status.data_class)
