"""Stored items to opened ones: what the credentials may not open stays `Sealed`, anything else that fails raises."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from shared.envelope.associated_data import record_prefix
from shared.envelope.layout import is_sealed, key_id_of
from shared.envelope.seal import open_attributes, open_value, sealed_values
from shared.errors import CannotOpen, KeyDenied, SealstreamError
from shared.keys.keyring import Keyring
from shared.model import ITEM_ID, TENANT_ID, Attributes, AttributeValue, KeyStatus, Path
from shared.policy.compiled import Policy

SEALED_TAG: Final = "SEALED"
"""Stands in an opened, DynamoDB-typed tree before a `Sealed`; DynamoDB has no such type."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Stands for a value that the caller's credentials may not open."""

    data_class: str


class KeyStatuses(Protocol):
    """What may be known of a data key without any right to use it."""

    def statuses(self, tenant_id: str, key_ids: Collection[int]) -> Mapping[int, KeyStatus]:
        """Class and state of these keys; an id without a row is absent."""


@dataclass(frozen=True, slots=True)
class _Closed:
    """The data keys of a page that cannot be had, as (tenant, key id): the class of the denied, the error of others."""

    denied: Mapping[tuple[str, int], str]
    errors: Mapping[tuple[str, int], SealstreamError]


@dataclass(frozen=True, slots=True)
class ItemOpener:
    """Opens the items of one dataset; raises what `SealedTable` says, with tenant, item and path in the message."""

    keyring: Keyring
    statuses: KeyStatuses
    policy: Policy

    def open(self, items: Sequence[Attributes]) -> list[dict[str, AttributeValue]]:
        """New items, opened; the data keys of all are fetched together."""
        closed = self._prefetch(items)
        return [self._open_item(item, closed) for item in items]

    def _prefetch(self, items: Sequence[Attributes]) -> _Closed:
        key_ids: defaultdict[str, set[int]] = defaultdict(set)
        for item in items:
            for _, sealed in sealed_values(item):
                if is_sealed(sealed):
                    key_ids[item[TENANT_ID]["S"]].add(key_id_of(sealed))
        errors = {
            (tenant_id, key_id): error
            for tenant_id, ids in key_ids.items()
            for key_id, error in self.keyring.prefetch(tenant_id, ids).items()
        }
        denied: defaultdict[str, set[int]] = defaultdict(set)
        for (tenant_id, key_id), error in errors.items():
            if isinstance(error, KeyDenied):
                denied[tenant_id].add(key_id)
        classes = {
            (tenant_id, key_id): status.data_class
            for tenant_id, ids in denied.items()
            for key_id, status in self.statuses.statuses(tenant_id, ids).items()
        }
        return _Closed(classes, errors)

    def _open_item(self, item: Attributes, closed: _Closed) -> dict[str, AttributeValue]:
        tenant_id, item_id = item[TENANT_ID]["S"], item[ITEM_ID]["S"]
        prefix = record_prefix(dataset=self.policy.dataset, tenant_id=tenant_id, item_id=item_id)

        def open_one(path: Path, sealed: bytes) -> AttributeValue:
            try:
                key = tenant_id, key_id_of(sealed)
                if key in closed.denied:
                    return {SEALED_TAG: Sealed(closed.denied[key])}
                if key in closed.errors:
                    raise closed.errors[key]
                return open_value(self.keyring.opener(*key).cipher, prefix, path, sealed)
            except CannotOpen as error:
                where = f"tenant {tenant_id}, item {item_id}, {self.policy.notation(path)}"
                raise type(error)(f"{where}: {error}") from None

        return open_attributes(item, open_one)
