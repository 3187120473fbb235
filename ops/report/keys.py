"""Data keys as the key store has them: states and times, never a key, not even an encrypted one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, log10
from typing import Final

from shared.model import KeyState

BINS_PER_DECADE: Final = 6
"""Of ages in seconds, by their logarithm."""
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What is read of one data key.

    Attributes:
        state: None where the row cannot be read; then nothing else of it counts.
        created_at: seconds since the epoch, as all times here.
        closed_at: when it ceased to be the key to seal under; None while it is.
        ended_at: when it was retired or destroyed; None where it is neither.
    """

    data_class: str
    state: KeyState | None
    created_at: float
    closed_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class ClassKeys:
    """The data keys of one class, of all tenants.

    Attributes:
        rotate_after_days: the policy's; None where it says nothing.
        by_state: how many.
        oldest_active_at: when the oldest active one was made; None without any.
        overdue: active ones that are older than the policy wants.
        ages: keys by state and bin of their age, see `bin_of`: of an active one till now, of a replaced one since then.
    """

    data_class: str
    rotate_after_days: int | None
    by_state: Mapping[KeyState, int]
    oldest_active_at: float | None
    overdue: int
    ages: Mapping[tuple[KeyState, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyInventory:
    """All data keys, by class.

    Attributes:
        unreadable: rows that are not of their form.
        is_limited: whether it is known how old the policy lets them get.
    """

    classes: Sequence[ClassKeys]
    unreadable: int
    is_limited: bool

    def count(self, state: KeyState) -> int:
        """How many are in this state."""
        return sum(one.by_state.get(state, 0) for one in self.classes)

    @property
    def overdue(self) -> int | None:
        """Active ones that are older than the policy wants; None where nobody knows what it wants."""
        return sum(one.overdue for one in self.classes) if self.is_limited else None

    @property
    def oldest_active_at(self) -> float | None:
        """When the oldest active one was made."""
        return min((one.oldest_active_at for one in self.classes if one.oldest_active_at is not None), default=None)


def inventory(keys: Iterable[KeyFacts], limits: Mapping[str, int | None] | None, now: float) -> KeyInventory:
    """Count them.

    Args:
        keys: in any order; read once, and none is kept.
        limits: `rotate_after_days` by class; None where the policy is not known.
        now: seconds since the epoch.
    """
    is_limited, limits = limits is not None, limits or {}
    states: dict[str, Counter[KeyState]] = {}
    ages: dict[str, Counter[tuple[KeyState, int]]] = {}
    oldest: dict[str, float] = {}
    overdue: Counter[str] = Counter()
    unreadable = 0
    for key in keys:
        name = key.data_class
        if key.state is None:
            unreadable += 1
            continue
        states.setdefault(name, Counter())[key.state] += 1
        if key.state is KeyState.ACTIVE:
            oldest[name] = min(key.created_at, oldest.get(name, key.created_at))
            limit = limits.get(name)
            overdue[name] += limit is not None and now - key.created_at >= limit * _DAY
        until = now if key.state is KeyState.ACTIVE else key.closed_at or key.ended_at or now
        ages.setdefault(name, Counter())[key.state, bin_of(until - key.created_at)] += 1
    classes = [
        ClassKeys(name, limits.get(name), states[name], oldest.get(name), overdue[name], ages[name])
        for name in sorted(states)
    ]
    return KeyInventory(classes, unreadable, is_limited)


def bin_of(age_seconds: float) -> int:
    """Of an age; those under a second are one second old."""
    return floor(log10(max(age_seconds, 1.0)) * BINS_PER_DECADE)


def age_of(number: int) -> float:
    """The middle of a bin, seconds."""
    return float(10.0 ** ((number + 0.5) / BINS_PER_DECADE))
