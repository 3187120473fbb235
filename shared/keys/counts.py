"""What a keyring did, for metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class KeyringCounts:
    """Questions answered from the cache or not, calls of KMS, keys made.

    Attributes:
        kms_failed: calls that KMS refused or left unanswered.
        kms_denied: of these, those that the credentials do not allow, which may be meant so.
    """

    cache_hits: int = 0
    cache_misses: int = 0
    kms_generate: int = 0
    kms_decrypt: int = 0
    kms_failed: int = 0
    kms_denied: int = 0
    keys_created: int = 0


class Tally:
    """Counts, by the names of `KeyringCounts`, that several threads add to."""

    def __init__(self) -> None:
        self._counter: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, **more: int) -> None:
        """Add so many of each."""
        with self._lock:
            for name, number in more.items():
                self._counter[name] += number

    def counts(self) -> KeyringCounts:
        """The counts as they stand."""
        with self._lock:
            return KeyringCounts(**self._counter)

    def take(self) -> KeyringCounts:
        """The counts as they stand, which start again from zero."""
        with self._lock:
            taken = KeyringCounts(**self._counter)
            self._counter.clear()
            return taken
