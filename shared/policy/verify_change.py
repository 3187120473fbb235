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
    Path,
    Verdict,
    VerdictKind,
)
from shared.policy.compiled import Policy, Rule
from shared.policy.stored_binary import passes_for_sealed
from shared.policy.stored_walk import ItemWalk
from shared.policy.verify import PublishedPolicies
from shared.policy.verify_succession import holds_the_same
from shared.policy.verify_system import open_since
from shared.source_position import FOUND

_NOTHING: Final[AttributeValue] = {}
_FOUND: Final[AttributeValue] = {"B": FOUND.to_bytes()}
_TO_MEND: Final = frozenset({VerdictKind.PLAINTEXT, VerdictKind.STALE})


class Mending(StrEnum):
    """What became of an item in its place."""

    REMEDIATED = "remediated"
    """Something that had been exposed was sealed."""
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
        published: policies by digest, at least the one that the old image names, where it was.
    """
    old, new = change.old, change.new
    if change.kind is not ChangeKind.MODIFY or old is None or new is None:
        return None
    if verdict.broken_anew or any(finding.kind in _TO_MEND for finding in verdict.findings):
        return None
    if new.get(SOURCE) not in (old.get(SOURCE), old.get(SOURCE, _FOUND)):
        return None
    if verdict.kind is VerdictKind.MALFORMED and (_exposes(new, policy) or not holds_the_same(new, old, policy)):
        return None
    return _mending(old, new, policy, published)


def open_seconds(change: ItemChange) -> int | None:
    """How long lay open what a change remediated; None where that is not known."""
    since = open_since(change.new or {})
    if since in {None, OPEN_FROM_UNKNOWN} or not change.changed_at:
        return None
    return max(0, int(change.changed_at) - since)


def _mending(old: Attributes, new: Attributes, policy: Policy, published: PublishedPolicies) -> Mending | None:
    """The same of two images that one record gave."""
    if new.get(OPEN_SINCE, _NOTHING) not in (_NOTHING, old.get(OPEN_SINCE)):
        return Mending.REMEDIATED
    if not old.keys() & {SOURCE, POLICY} and SOURCE in new and OPEN_SINCE not in new:
        return Mending.ADOPTED
    if _was_exposed(old, policy, published):
        return Mending.REMEDIATED if SOURCE in new else None  # who finds what somebody else wrote says so
    return Mending.REENCRYPTED if _is_sealed_anew(_content(new), _content(old)) else None


def _was_exposed(item: Attributes, policy: Policy, published: PublishedPolicies) -> bool:
    """Whether something stood in clear that neither the present policy allows nor the known one that the item names."""
    own = published.get(item.get(POLICY, _NOTHING).get("B", b""))
    return _exposes(item, policy) and (own is None or _exposes(item, own.policy))


def _exposes(item: Attributes, policy: Policy) -> bool:
    exposed: list[Path] = []

    def on_binary(path: Path, raw: bytes, _rule: Rule | None) -> AttributeValue:
        if not passes_for_sealed(raw):
            exposed.append(path)
        return _NOTHING

    def on_clear(path: Path, value: AttributeValue, rule: Rule | None, _why: str) -> AttributeValue:
        return on_binary(path, value.get("B", b""), rule)

    ItemWalk(policy, on_binary, on_clear).read(item)
    return bool(exposed)


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
