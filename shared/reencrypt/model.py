"""What the re-encryptor takes and gives, in flow order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from shared.model import ITEM_ID, TENANT_ID, Attributes, AttributeValue
from shared.runs.model import Example

_NO_TENANT: Final = "no tenant can have this name"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item as it was read from the table, to be mended where it needs it.

    Attributes:
        open_since: since when something in it had stood in clear, seconds since the epoch; None where nobody knows.
    """

    image: Attributes = field(repr=False)
    open_since: float | None = None


class Fate(StrEnum):
    """What became of a candidate."""

    CLEAN = "clean"
    """Nothing was to be mended, or the item is gone."""
    MENDED = "mended"
    LEFT = "left"
    """Something of it cannot be mended and is as it was; the rest is mended."""
    RETRY = "retry"
    """An outage, or others kept writing it: the same may succeed later."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of one candidate.

    Attributes:
        reencrypted_values: how many sealed values were sealed anew.
        sealed_values: how many values were sealed that had stood in clear.
        examples: some of what was left, or why it must be retried.
        may_pass: what was left may be mended later, the item being as it is: its data key is denied, or the key's row
            contradicts itself.
    """

    tenant_id: str
    item_id: str
    fate: Fate
    reencrypted_values: int = 0
    sealed_values: int = 0
    examples: tuple[Example, ...] = ()
    may_pass: bool = False


def left_without_tenant(image: Attributes) -> Example:
    """The example of an item that can have no data key, since nobody may be called so."""
    return Example(image[TENANT_ID]["S"], image[ITEM_ID]["S"], TENANT_ID, _NO_TENANT)


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute at the top of an item: as it was read, and as it is to be; None where it is absent."""

    before: AttributeValue | None = field(repr=False)
    after: AttributeValue | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ItemUpdate:
    """Attributes of one item to be replaced, if they and the item's `_src` still are as they were read.

    Attributes:
        source: `_src` as it was read; None where the item had none.
        changes: by name; never of the item's keys.
    """

    tenant_id: str
    item_id: str
    source: AttributeValue | None = field(repr=False)
    changes: Mapping[str, Change] = field(repr=False)


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """Whether an update was stored; where not, the item as it stands now (None: it is gone)."""

    stored: bool
    found: Attributes | None = field(default=None, repr=False)
