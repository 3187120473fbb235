"""The auditor's judgement of one change of the items table, from the item itself and what may be known without a key.

It walks the item on its own, trusts no summary in it, and opens nothing. Every binary but `_src` and `_policy` is
judged as a sealed value; everything in clear must be declared plain, of the declared type. Which verdict each state of
an item gets, and why, is listed in docs/policy.md.

verify
├── verify_system.py       source position, policy digest, tombstone
├── verify_succession.py   the item against the one that stood there
├── verify_walk.py         everything else, under one policy
├── published.py           which policy an item names, and the time of each
├── exposure.py            whether it shows what it never should have
└── detect/scanner.py      what looks sensitive by its own form
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from shared.envelope.layout import is_sealed, key_id_of
from shared.envelope.walk import sealed_values
from shared.model import (
    ELEMENT,
    ITEM_ID,
    TENANT_ID,
    Attributes,
    AttributeValue,
    ChangeKind,
    Finding,
    ItemChange,
    KeyStatus,
    Verdict,
    VerdictKind,
)
from shared.policy.compiled import Policy
from shared.policy.detect.names import place_below
from shared.policy.detect.scanner import Scanner, scanner
from shared.policy.exposure import is_exposed
from shared.policy.published import PublishedPolicies, PublishedPolicy, digest_named, is_in_its_time, may_have_sealed
from shared.policy.verify_findings import in_clear, malformed
from shared.policy.verify_succession import succession_findings
from shared.policy.verify_system import system_findings
from shared.policy.verify_walk import Walk

__all__ = ["PublishedPolicies", "PublishedPolicy", "key_ids", "verify"]

_SEVERITY: Final = tuple(VerdictKind)  # declared worst first
_BREACHES: Final = frozenset({VerdictKind.PLAINTEXT, VerdictKind.MALFORMED})


def key_ids(attributes: Attributes) -> frozenset[int]:
    """The ids of the data keys that an item's sealed values name, at any depth."""
    return frozenset(key_id_of(value) for _, value in sealed_values(attributes) if is_sealed(value))


def verify(
    change: ItemChange, policy: Policy, key_states: Mapping[int, KeyStatus], published: PublishedPolicies
) -> Verdict:
    """Judge one change.

    Args:
        change: with the old and the new image.
        policy: the present one.
        key_states: of the tenant's data keys, at least those of `key_ids(change.new)`; an absent id is an unknown key.
        published: policies by digest, at least those that both images name and the present one, where these were.
    """
    if change.kind is ChangeKind.REMOVE:
        return Verdict(VerdictKind.REMOVED)
    if change.new is None:
        return _verdict([malformed("", "the change came without the new image")], [False])
    digest = digest_named(change.new)
    older = None if digest == policy.digest else published.get(digest)
    is_known = digest == policy.digest or older is not None
    scan = scanner(policy.detect).for_item()
    own = [
        *_key_findings(change, policy, scan),
        *_name_findings(change.new, policy, scan),
        *system_findings(change.new, policy_is_known=is_known),
    ]
    if change.old is not None:
        own += succession_findings(change.new, change.old, may_have_sealed(change.new, policy, published))
    by = partial(Walk, key_states=key_states, at=change.changed_at, scan=scan)
    present = by(policy).judge(change.new, change.old or {})
    judged = present.findings
    if older is not None and _breaks(present) and not _breaks(by(older.policy).judge(change.new, {})):
        in_its_time = is_in_its_time(older, policy, published, change.changed_at)
        judged = [
            _as_stale(finding) if finding.kind in _BREACHES and (in_its_time or stood) else finding
            for finding, stood in zip(present.findings, present.stood, strict=True)
        ]
    if scan.ran_out:
        own.append(Finding(VerdictKind.UNDECLARED, "", "more may look sensitive: not all of it was looked at"))
    stood = [*(_stood(finding, change) for finding in own), *present.stood]
    exposed = any(finding.kind is VerdictKind.PLAINTEXT for finding in judged) or (
        _breaks(present) and is_exposed(change.new, policy, published)
    )
    return replace(
        _verdict([*own, *judged], stood),
        sealed_count=present.sealed_count,
        exposed=exposed,
        exposed_before=exposed and change.old is not None and is_exposed(change.old, policy, published),
    )


def _verdict(findings: list[Finding], stood: list[bool]) -> Verdict:
    pairs = zip(findings, stood, strict=True)
    broken_anew = any(finding.kind is VerdictKind.MALFORMED and not before for finding, before in pairs)
    return Verdict(_worst(findings), tuple(findings), broken_anew=broken_anew)


def _stood(finding: Finding, change: ItemChange) -> bool:
    """Whether a finding about an attribute at the top is of what the old image already held."""
    if change.new is None or change.old is None:
        return False
    return change.new.get(finding.where) == change.old.get(finding.where)


def _worst(findings: list[Finding]) -> VerdictKind:
    return min((finding.kind for finding in findings), key=_SEVERITY.index, default=VerdictKind.VERIFIED)


def _key_findings(change: ItemChange, policy: Policy, scan: Scanner) -> Iterator[Finding]:
    keys = (TENANT_ID, change.tenant_id, policy.item.tenant), (ITEM_ID, change.item_id, policy.item.id)
    for where, text, name in keys:
        yield from in_clear(scan.text(text, name), VerdictKind.UNDECLARED, where)


def _name_findings(item: Attributes, policy: Policy, scan: Scanner) -> Iterator[Finding]:
    """A name that the policy does not name is the producer's data, and it stands in clear."""
    looks_sensitive: dict[tuple[str, str], bool] = {}  # names repeat, in lists above all
    for where, place, names in _names(policy, "", "", {"M": item}):
        for name in names:
            if name in policy.names:
                continue
            if (place, name) not in looks_sensitive:
                looks_sensitive[place, name] = bool(scan.text(name, place))
            if looks_sensitive[place, name]:
                yield Finding(VerdictKind.UNDECLARED, policy.notation_below(where, name), "a name looks sensitive")


def _names(policy: Policy, where: str, place: str, value: AttributeValue) -> Iterator[tuple[str, str, Attributes]]:
    """Every map at any depth, with its place as it is shown and as it is."""
    ((tag, content),) = value.items()
    if tag == "M":
        yield where, place, content
        for name, member in content.items():
            yield from _names(policy, policy.notation_below(where, name), place_below(place, name), member)
    elif tag == "L":
        below = policy.notation_below(where, ELEMENT)
        for member in content:
            yield from _names(policy, below, place, member)


def _breaks(walk: Walk) -> bool:
    """Whether the item is not as the policy of this walk would have it."""
    return any(finding.kind in _BREACHES for finding in walk.findings)


def _as_stale(finding: Finding) -> Finding:
    why = f"written under an older policy; by the present one {finding.why}"
    return replace(finding, kind=VerdictKind.STALE, why=why)
