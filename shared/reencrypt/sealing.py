"""A plan's values opened and sealed anew; what is in clear meanwhile lives in local variables only."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.envelope.associated_data import record_prefix
from shared.envelope.layout import key_id_of
from shared.envelope.seal import open_value, seal_value
from shared.envelope.typed_value import encode
from shared.errors import CannotOpen, KeyDenied, KeyStoreCorrupt
from shared.keys.data_key import DataKey
from shared.keys.keyring import Keyring
from shared.model import ITEM_ID, TENANT_ID, Attributes, AttributeValue, Path
from shared.policy.mend import Mend, MendPlan
from shared.policy.mend_system import Trouble
from shared.reencrypt.page_keys import PageKeys
from shared.sealed_table_keys import ItemKeys, OpenSealed


class ItemStays(Exception):
    """Nothing of the item may be touched."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.why)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Resealed:
    """The sealed values of a plan.

    Attributes:
        values: one for each mend; None where it stays as it is.
        keys: that they lie under; not to be sent once one of these is too old.
        troubles: why values stay as they are.
    """

    values: tuple[bytes | None, ...] = field(repr=False)
    keys: tuple[DataKey, ...]
    troubles: tuple[Trouble, ...]

    def is_fresh(self, keyring: Keyring) -> bool:
        """Whether they may still be sent; if not, seal anew."""
        return all(keyring.is_fresh(key) for key in self.keys)


@dataclass(frozen=True, slots=True)
class Resealer:
    """Opens and seals the values of one page's items.

    Attributes:
        opening: the keys to open with.
        sealing: the keys to seal under.
    """

    dataset: str
    opening: ItemKeys
    sealing: PageKeys

    def reseal(self, image: Attributes, plan: MendPlan) -> Resealed:
        """Open each value of the plan, seal it under the active key of its class, open that and compare.

        Raises:
            ItemStays: a key of it is denied, or what was sealed does not open to what it was.
            SealstreamError: a retired key cannot be reopened.
            RetryLater, KeyStoreCorrupt: a data key is not to be had now, or its row contradicts what wrote it.
        """
        tenant_id, item_id = image[TENANT_ID]["S"], image[ITEM_ID]["S"]
        prefix = record_prefix(dataset=self.dataset, tenant_id=tenant_id, item_id=item_id)
        open_sealed = self._reopening(tenant_id, plan, self.opening.opener(image))
        keys: dict[str, DataKey] = {}
        values: list[bytes | None] = []
        troubles: list[Trouble] = []
        for mend in plan.mends:
            opened = _opened(mend, open_sealed)
            if isinstance(opened, Trouble):
                troubles.append(opened)
                values.append(None)
                continue
            key = keys.get(mend.data_class)
            if key is None:
                key = keys[mend.data_class] = self.sealing.active(tenant_id, mend.data_class)
            values.append(_sealed(mend, opened, key, prefix))
        return Resealed(tuple(values), tuple(keys.values()), tuple(troubles))

    def _reopening(self, tenant_id: str, plan: MendPlan, open_sealed: OpenSealed) -> OpenSealed:
        """The same, and has a retired key reopened once something opened under it: anybody can name a key."""

        def open_and_reopen(path: Path, sealed: bytes) -> AttributeValue:
            value = open_sealed(path, sealed)
            if (key_id := key_id_of(sealed)) in plan.reopens:
                self.sealing.reopen(tenant_id, key_id)
            return value

        return open_and_reopen


def _opened(mend: Mend, open_sealed: OpenSealed) -> AttributeValue | Trouble:
    try:
        value = mend.opened(open_sealed)
        encode(value)
    except KeyDenied:
        raise ItemStays(Trouble(mend.path, KeyDenied.__name__)) from None
    except (CannotOpen, KeyStoreCorrupt) as error:
        return Trouble(mend.path, type(error).__name__)
    except ValueError:
        return Trouble(mend.path, "no value that can be sealed whole, too deep for one")
    return value


def _sealed(mend: Mend, opened: AttributeValue, key: DataKey, prefix: bytes) -> bytes:
    sealed = seal_value(key.cipher, prefix, mend.path, opened)
    try:
        is_the_same = encode(open_value(key.cipher, prefix, mend.path, sealed)) == encode(opened)
    except CannotOpen:
        is_the_same = False
    if not is_the_same:
        raise ItemStays(Trouble(mend.path, "what was sealed does not open to what it was"))
    return sealed
