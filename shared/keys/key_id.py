"""The ids of data keys: four bytes, written as 8 hex digits."""

from __future__ import annotations

from secrets import randbelow


def random_key_id() -> int:
    """1 to 2**32 - 1; Tink keeps 0 for keys without an id."""
    return randbelow(2**32 - 1) + 1
