"""What a verifier says: what is wrong with which object, and what that comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Tampering(StrEnum):
    """What was found; all but the last say that the trail is not what was written."""

    CHANGED = "changed"
    """Other bytes than those that were signed or attested."""
    REMOVED = "removed"
    """Attested, or in between others, and not there."""
    REPLACED = "replaced"
    """Another version than the attested one, or more than one version: nothing is ever written twice."""
    FOREIGN = "foreign"
    """Nothing that is trusted attests it, and the notary had its time."""
    TRUNCATED = "truncated"
    """There is no manifest where there must be newer ones."""
    BROKEN_CHAIN = "broken_chain"
    """A signed manifest that does not continue the one before it, or that nothing signed leads to."""
    WRONG_KEY = "wrong_key"
    """Signed by another key than the given one and those that it handed over to."""
    UNREADABLE = "unreadable"
    """Not of the form that its writer gives it."""
    UNCHECKABLE = "uncheckable"
    """Nothing can be said: there is no manifest, or one of a version that is not known here."""


class TrailVerdict(IntEnum):
    """What the findings come to; the numbers are those of a command's exit status."""

    INTACT = 0
    TAMPERED = 1
    UNCHECKED = 2


@dataclass(frozen=True, slots=True)
class TrailFinding:
    """Something that is wrong.

    Attributes:
        key: the object's.
        why: names keys, numbers and digests; nothing of what events hold.
    """

    kind: Tampering
    key: str
    why: str
