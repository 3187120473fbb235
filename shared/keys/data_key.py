"""A data key that is ready for use."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.envelope.cipher import ValueCipher
from shared.keys.age import Deadline


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key that is ready to seal and open; its bytes are in the cipher only.

    Attributes:
        usable_until: nothing sealed under it is sent after this, see `Keyring.is_fresh`.
    """

    key_id: int
    data_class: str
    cipher: ValueCipher = field(repr=False)
    usable_until: Deadline
