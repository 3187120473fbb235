"""A bounded cache whose entries age."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from math import inf
from threading import Lock
from typing import Final, Generic, TypeVar

from shared.keys.age import AgeLimit, Deadline

SWEEP_SECONDS: Final = 1.0
"""Between two looks at every entry, which cost as much as a call of KMS where there are thousands."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class AgingCache(Generic[Key, Value]):
    """Gives an entry until its deadline; the least recently used goes when there are more than `max_entries`.

    Safe to share between threads.
    """

    def __init__(self, age: AgeLimit, max_entries: int) -> None:
        self._age = age
        self._max_entries = max_entries
        self._entries: OrderedDict[Key, tuple[Value, Deadline]] = OrderedDict()
        self._swept_at = -inf
        self._lock = Lock()

    def get(self, key: Key) -> Value | None:
        """The value, or None where it is absent or past its deadline."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            value, deadline = entry
            if not self._age.allows(deadline):
                del self._entries[key]
                return None
            self._entries.move_to_end(key)
            return value

    def put(self, key: Key, value: Value, deadline: Deadline) -> None:
        """Keep the value; once a second drop all expired ones: no plaintext key stays because nobody asks for it."""
        with self._lock:
            self._sweep()
            self._entries[key] = (value, deadline)
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)

    def drop(self, key: Key) -> None:
        """Keep it no longer."""
        with self._lock:
            self._entries.pop(key, None)

    def _sweep(self) -> None:
        wall, monotonic = self._age.wall(), self._age.monotonic()
        if monotonic - self._swept_at < SWEEP_SECONDS:
            return
        self._swept_at = monotonic
        expired = [old for old, (_, until) in self._entries.items() if not until.allows(wall, monotonic)]
        for old in expired:
            del self._entries[old]

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)
