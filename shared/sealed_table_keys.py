"""The data keys of some items at hand, and the values under them opened: the one way in which items are opened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from shared.envelope.associated_data import record_prefix
from shared.envelope.layout import key_id_of
from shared.envelope.seal import open_value
from shared.errors import CannotOpen, SealstreamError
from shared.keys.keyring import Keyring
from shared.model import ITEM_ID, TENANT_ID, Attributes, AttributeValue, Path
from shared.policy.verify import key_ids

OpenSealed = Callable[[Path, bytes], AttributeValue]


@dataclass(frozen=True, slots=True)
class ItemKeys:
    """What the data keys of some items open; a key that cannot be had is asked for once."""

    keyring: Keyring
    dataset: str
    _failures: dict[tuple[str, int], SealstreamError] = field(default_factory=dict, repr=False)

    @classmethod
    def fetch(cls, keyring: Keyring, dataset: str, items: Sequence[Attributes]) -> ItemKeys:
        """Have the keys of all sealed values in the items at hand, each tenant's together."""
        wanted: defaultdict[str, set[int]] = defaultdict(set)
        for item in items:
            wanted[item[TENANT_ID]["S"]] |= key_ids(item)
        keys = cls(keyring, dataset)
        for tenant_id, ids in wanted.items():
            keys.prefetch(tenant_id, ids)
        return keys

    def prefetch(self, tenant_id: str, key_ids: Collection[int]) -> None:
        """Have these keys of a tenant at hand, or know why they cannot be had."""
        for key_id, error in self.keyring.prefetch(tenant_id, key_ids).items():
            self._failures[tenant_id, key_id] = error

    def opener(self, item: Attributes) -> OpenSealed:
        """Opens the sealed values of one of the items; what it gives raises as `open_value` and `Keyring.opener`."""
        tenant_id = item[TENANT_ID]["S"]
        prefix = record_prefix(dataset=self.dataset, tenant_id=tenant_id, item_id=item[ITEM_ID]["S"])

        def open_sealed(path: Path, sealed: bytes) -> AttributeValue:
            asked = (tenant_id, key_id_of(sealed))
            if asked in self._failures:
                raise self._failures[asked]
            try:
                cipher = self.keyring.opener(*asked).cipher
            except CannotOpen as error:  # the key's time was up since it was fetched, and it cannot be had again
                self._failures[asked] = error
                raise
            return open_value(cipher, prefix, path, sealed)

        return open_sealed
