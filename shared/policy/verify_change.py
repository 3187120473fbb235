"""What a change was: somebody's write, or a mending of what stood there already.

A mending leaves the source position as it is (or says that there was none), so nothing here is taken from a summary:
old and new image alone tell which. Nothing is opened, and no key's state is needed.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import chain, repeat
from typing import Final

from shared.envelope.layout import is_sealed, key_id_of
from shared.model import (
    OPEN_FROM_UNKNOWN,
    OPEN_SINCE,
    POLICY,
    SOURCE,
    SYSTEM_ATTRIBUTES,
    Attributes,
    AttributeValue,
    ChangeKind,
    ItemChange,
    Verdict,
    VerdictKind,
)
from shared.policy.compiled import Policy
from shared.policy.exposure import exposes, is_exposed
from shared.policy.published import PublishedPolicies, may_have_sealed
from shared.policy.verify_succession import holds_the_same
from shared.policy.verify_system import open_since, strays
from shared.source_position import FOUND

_NOTHING: Final[AttributeValue] = {}
_FOUND: Final[AttributeValue] = {"B": FOUND.to_bytes()}
_TO_MEND: Final = frozenset({VerdictKind.PLAINTEXT, VerdictKind.STALE})


class Mending(StrEnum):
    """What became of an item in its place."""

    REMEDIATED = "remediated"
    """Something that had been exposed was sealed, or taken off."""
    ADOPTED = "adopted"
    """Raw data of a table that sealstream takes over was sealed."""
    REENCRYPTED = "reencrypted"
    """Something was sealed under another data key, or because the policy was tightened."""


def mending(change: ItemChange, verdict: Verdict, policy: Policy, published: PublishedPolicies) -> Mending | None:
    """Which mending a change was; None where it was none, or something is still to be mended or was broken by it.

    What cannot be mended says nothing against it: what looks sensitive in plain, and what had been malformed before.

    Args:
        change: what was judged.
        verdict: of `verify`, under the same policies.
        policy: the present one.
        published: policies by digest, at least those that both images name, where these were.
    """
    old, new = change.old, change.new
    if change.kind is not ChangeKind.MODIFY or old is None or new is None:
        return None
    if verdict.broken_anew or any(finding.kind in _TO_MEND for finding in verdict.findings):
        return None
    if new.get(SOURCE) not in (old.get(SOURCE), old.get(SOURCE, _FOUND)):
        return None
    sealed_by = may_have_sealed(new, policy, published)
    if verdict.kind is VerdictKind.MALFORMED and (exposes(new, policy) or not holds_the_same(new, old, sealed_by)):
        return None
    return _mending(old, new, policy, published)


def open_seconds(change: ItemChange) -> int | None:
    """How long lay open what a change remediated; None where that is not known."""
    since = _found_at(change.new or {})
    if since is None or not change.changed_at:
        return None
    return max(0, int(change.changed_at) - since)


def _mending(old: Attributes, new: Attributes, policy: Policy, published: PublishedPolicies) -> Mending | None:
    """The same of two images that one record gave."""
    if not old.keys() & {SOURCE, POLICY} and SOURCE in new and OPEN_SINCE not in new:
        return Mending.ADOPTED
    if strays(old) - new.keys():
        return Mending.REMEDIATED
    if is_exposed(old, policy, published, since=_found_at(new)):
        return Mending.REMEDIATED if SOURCE in new else None  # who finds what somebody else wrote says so
    return Mending.REENCRYPTED if _is_sealed_anew(_content(new), _content(old)) else None


def _found_at(item: Attributes) -> int | None:
    """When that was found which lay open, seconds since the epoch; None where nobody knows."""
    since = open_since(item)
    return None if since == OPEN_FROM_UNKNOWN else since


def _content(item: Attributes) -> AttributeValue:
    return {"M": {name: value for name, value in item.items() if name not in SYSTEM_ATTRIBUTES}}


def _is_sealed_anew(new: AttributeValue, old: AttributeValue) -> bool:
    """Whether at any depth a value is sealed that was not, or was under another data key."""
    ((tag, content),) = new.items()
    before = old.get(tag)
    if tag == "B":
        return before is None or _key_id(content) != _key_id(before)
    if tag == "M":
        return any(_is_sealed_anew(value, (before or {}).get(name, _NOTHING)) for name, value in content.items())
    if tag == "L":
        elements = zip(content, chain(before or (), repeat(_NOTHING)), strict=False)
        return any(_is_sealed_anew(value, value_before) for value, value_before in elements)
    return False


def _key_id(raw: bytes) -> int | None:
    return key_id_of(raw) if is_sealed(raw) else None
