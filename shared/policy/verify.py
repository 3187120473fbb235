"""The auditor's judgement of one change of the items table, from the item itself and what may be known without a key.

It walks the item on its own, trusts no summary in it, and opens nothing. Every binary but `_src` and `_policy` is
judged as a sealed value; everything in clear must be declared plain, of the declared type. Which verdict each state of
an item gets, and why, is listed in docs/policy.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.envelope.layout import is_sealed, key_id_of
from shared.envelope.walk import sealed_values
from shared.model import (
    DELETED_AT,
    ELEMENT,
    EXPIRES_AT,
    ITEM_ID,
    POLICY,
    SOURCE,
    SYSTEM_ATTRIBUTES,
    TENANT_ID,
    Attributes,
    AttributeValue,
    ChangeKind,
    Finding,
    ItemChange,
    KeyState,
    KeyStatus,
    Path,
    Verdict,
    VerdictKind,
)
from shared.policy.compiled import KeepPlain, Place, Policy, Rule, SealAs, rule_at
from shared.policy.plan import is_reserved
from shared.policy.sensitive import Sensitive, scan_bytes, scan_text
from shared.source_position import SourcePosition

KeyStates = Mapping[int, KeyStatus]
_SYSTEM_TAGS: Final = {SOURCE: "B", POLICY: "B", DELETED_AT: "N", EXPIRES_AT: "N"}
_SEVERITY: Final = tuple(VerdictKind)  # declared worst first


def key_ids(attributes: Attributes) -> frozenset[int]:
    """The ids of the data keys that an item's sealed values name, at any depth."""
    return frozenset(key_id_of(value) for _, value in sealed_values(attributes) if is_sealed(value))


def verify(change: ItemChange, policy: Policy, key_states: KeyStates, past_policies: Mapping[bytes, Policy]) -> Verdict:
    """Judge one change.

    Args:
        change: with the old and the new image.
        policy: the present one.
        key_states: of the tenant's data keys, at least those of `key_ids(change.new)`; an absent id is an unknown key.
        past_policies: the published ones, by digest.
    """
    if change.kind is ChangeKind.REMOVE:
        return Verdict(VerdictKind.REMOVED)
    if change.new is None:
        return _verdict([_malformed("", "the change came without the new image")], sealed_count=0)
    own = [*_key_findings(change), *_system_findings(change.new, change.old, policy, past_policies)]
    present = _Walk(policy, key_states).judge(change.new)
    past_policy = past_policies.get(_digest(change.new))
    if past_policy is not None and _worst(present.findings) < _SEVERITY.index(VerdictKind.STALE):
        past = _Walk(past_policy, key_states).judge(change.new)
        if _worst(past.findings) >= _SEVERITY.index(VerdictKind.STALE):
            present.findings = [_as_stale(finding) for finding in present.findings]
    return _verdict(own + present.findings, present.sealed_count)


def _verdict(findings: list[Finding], sealed_count: int) -> Verdict:
    return Verdict(_SEVERITY[_worst(findings)], tuple(findings), sealed_count)


def _worst(findings: list[Finding]) -> int:
    """Index into the severities; that of `verified` where nothing was found."""
    return min((_SEVERITY.index(finding.kind) for finding in findings), default=_SEVERITY.index(VerdictKind.VERIFIED))


def _malformed(where: str, why: str) -> Finding:
    return Finding(VerdictKind.MALFORMED, where, why)


def _as_stale(finding: Finding) -> Finding:
    if finding.kind is VerdictKind.STALE:
        return finding
    why = f"written under an older policy; by the present one {finding.why}"
    return replace(finding, kind=VerdictKind.STALE, why=why)


def _key_findings(change: ItemChange) -> Iterator[Finding]:
    for where, text in ((TENANT_ID, change.tenant_id), (ITEM_ID, change.item_id)):
        yield from _sensitive(scan_text(text), VerdictKind.UNDECLARED, where)


def _sensitive(found: frozenset[Sensitive], kind: VerdictKind, where: str, data_class: str = "") -> Iterator[Finding]:
    for one in sorted(found):
        yield Finding(kind, where, f"holds {one} in clear", data_class)


def _digest(item: Attributes) -> bytes:
    digest = item.get(POLICY, {}).get("B")
    return digest if isinstance(digest, bytes) else b""


def _system_findings(
    new: Attributes, old: Attributes | None, policy: Policy, past_policies: Mapping[bytes, Policy]
) -> Iterator[Finding]:
    """What sealstream itself puts on an item: source position, policy digest, tombstone."""
    for name in (name for name in _SYSTEM_TAGS if name in new):
        yield from _clear_findings(name, new[name])
    if SOURCE not in new:
        yield _malformed(SOURCE, "no source position: written by someone else")
    else:
        position = _position(new)
        before = None if old is None else _position(old)
        if position is None:
            yield _malformed(SOURCE, "the source position has no form that sealstream writes")
        elif before is not None and before.lane == position.lane and position.place < before.place:
            yield _malformed(SOURCE, "the source position went back")
    if POLICY not in new:
        yield _malformed(POLICY, "no policy digest: written by someone else")
    elif _digest(new) != policy.digest and _digest(new) not in past_policies:
        yield _malformed(POLICY, "the policy digest is of no policy that was published")
    yield from _tombstone_findings(new)


def _clear_findings(name: str, value: AttributeValue) -> Iterator[Finding]:
    """A system attribute is no place to hide something in clear."""
    match dict(value):
        case {"B": bytes() as raw} if _SYSTEM_TAGS[name] == "B":
            yield from _sensitive(scan_bytes(raw), VerdictKind.PLAINTEXT, name)
        case {"N": str() as number} if _SYSTEM_TAGS[name] == "N":
            yield from _sensitive(scan_text(number), VerdictKind.PLAINTEXT, name)
        case _:
            yield Finding(VerdictKind.PLAINTEXT, name, "in clear with another type than sealstream writes")


def _position(item: Attributes) -> SourcePosition | None:
    return SourcePosition.from_bytes(item.get(SOURCE, {}).get("B"))


def _tombstone_findings(new: Attributes) -> Iterator[Finding]:
    if DELETED_AT in new:
        if EXPIRES_AT not in new:
            yield _malformed(EXPIRES_AT, "a tombstone without expiry")
        if not new.keys() <= SYSTEM_ATTRIBUTES:
            yield _malformed(DELETED_AT, "a tombstone that still holds attributes")
    elif EXPIRES_AT in new:
        yield _malformed(EXPIRES_AT, "an item that is no tombstone expires")


@dataclass(slots=True)
class _Walk:
    """One walk over an item under one policy."""

    policy: Policy
    key_states: KeyStates
    findings: list[Finding] = field(default_factory=list)
    sealed_count: int = 0
    rules_met: int = 0

    def judge(self, item: Attributes) -> _Walk:
        for name, value in item.items():
            if name in SYSTEM_ATTRIBUTES:
                continue
            if is_reserved(name):
                self._reserved((name,), value)
            else:
                self._value(value, self.policy.step(self.policy.start, name), (name,))
        return self

    def _found(self, kind: VerdictKind, path: Path, why: str, rule: Rule | None = None) -> None:
        self.findings.append(Finding(kind, self.policy.notation(path), why, self._class_of(rule)))

    def _class_of(self, rule: Rule | None) -> str:
        """The class that values at the rule's path are sealed under, if they are."""
        if rule is not None and isinstance(rule.treatment, SealAs):
            return rule.treatment.data_class
        return self.policy.defaults.data_class

    def _reserved(self, path: Path, value: AttributeValue) -> None:
        sealed = is_sealed(value.get("B", b""))
        kind = VerdictKind.MALFORMED if sealed else VerdictKind.PLAINTEXT
        self._found(kind, path, "a reserved name that sealstream does not write")

    def _value(self, value: AttributeValue, place: Place, path: Path) -> None:
        ((tag, content),) = value.items()
        rule = rule_at(place)
        self.rules_met += rule is not None
        treatment = rule.treatment if rule else None
        if tag == "B":
            self._binary(content, path, rule)
        elif tag == "BS":
            for member in content:
                self._clear_binary(member, path, rule, "a binary set is never sealed")
        elif isinstance(treatment, SealAs):
            self._found(VerdictKind.PLAINTEXT, path, "declared sealed and found in clear", rule)
        elif isinstance(treatment, KeepPlain) and treatment.allows(tag):
            self._plain(tag, content, path)
        elif tag in {"M", "L"}:
            self._container(tag, content, place, path)
        elif isinstance(treatment, KeepPlain):
            self._found(VerdictKind.PLAINTEXT, path, "in clear with another type than the declared one", rule)
        else:
            self._found(VerdictKind.PLAINTEXT, path, "undeclared and found in clear")

    def _container(self, tag: str, content: Any, place: Place, path: Path) -> None:
        """A map or list stands in clear only on the way to something declared; else it would be sealed whole."""
        findings_before, rules_before = len(self.findings), self.rules_met
        if tag == "M":
            for key, one in content.items():
                self._value(one, self.policy.step(place, key), (*path, key))
        else:
            element = self.policy.step(place, ELEMENT)
            for one in content:
                self._value(one, element, (*path, ELEMENT))
        if self.rules_met == rules_before:
            del self.findings[findings_before:]
            self._found(VerdictKind.PLAINTEXT, path, "undeclared and found in clear")

    def _plain(self, tag: str, content: Any, path: Path) -> None:
        texts = {"S": [content], "N": [content], "SS": content, "NS": content}.get(tag, [])
        found = frozenset[Sensitive]().union(*map(scan_text, texts))
        self.findings.extend(_sensitive(found, VerdictKind.UNDECLARED, self.policy.notation(path)))

    def _binary(self, raw: bytes, path: Path, rule: Rule | None) -> None:
        if not is_sealed(raw):
            self._clear_binary(raw, path, rule, "binary that is no sealed value")
            return
        self.sealed_count += 1
        where, data_class = self.policy.notation(path), self._class_of(rule)
        self.findings.extend(_sensitive(scan_bytes(raw), VerdictKind.PLAINTEXT, where, data_class))
        key = self.key_states.get(key_id_of(raw))
        if key is None:
            self._found(VerdictKind.MALFORMED, path, "sealed under a data key that the tenant does not have", rule)
            return
        # what the policy was loosened on stays sealed under the class that it had
        was_loosened = rule is not None and isinstance(rule.treatment, KeepPlain)
        if key.data_class != data_class and not was_loosened:
            self._found(VerdictKind.MALFORMED, path, "sealed under another data class than the policy's", rule)
        if key.state is KeyState.DECRYPT_ONLY:
            self._found(VerdictKind.STALE, path, "sealed under a data key that is no longer active", rule)
        elif key.state is not KeyState.ACTIVE:
            self._found(VerdictKind.MALFORMED, path, f"sealed under a {key.state} data key", rule)

    def _clear_binary(self, raw: bytes, path: Path, rule: Rule | None, why: str) -> None:
        if found := scan_bytes(raw):
            where = self.policy.notation(path)
            self.findings.extend(_sensitive(found, VerdictKind.PLAINTEXT, where, self._class_of(rule)))
        else:
            self._found(VerdictKind.MALFORMED, path, why, rule)
