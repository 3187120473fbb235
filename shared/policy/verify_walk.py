"""One walk over an item under one policy: what stands in clear, and under which data keys the rest is sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, Final

from shared.envelope.layout import is_sealed, key_id_of
from shared.model import (
    ELEMENT,
    SYSTEM_ATTRIBUTES,
    Attributes,
    AttributeValue,
    Finding,
    KeyState,
    KeyStatus,
    VerdictKind,
)
from shared.policy.compiled import KeepPlain, Place, Policy, Rule, SealAs, rule_at
from shared.policy.detect.names import Detector, place_below
from shared.policy.detect.scanner import Scanner
from shared.policy.plan import is_reserved
from shared.policy.sensitive import scan_bytes
from shared.policy.stored_binary import hides_text, passes_for_sealed
from shared.policy.verify_findings import in_clear

KeyStates = Mapping[int, KeyStatus]
_NOTHING: Final[AttributeValue] = {}


@dataclass(slots=True)
class Walk:
    """Judges one item under one policy.

    Attributes:
        findings: in item order.
        stood: for each finding, whether the old image already held the same value in the same place, or a value under
            the same reserved name.
        sealed_count: how many sealed values there are.
        at: when the item was written, seconds since the epoch, 0 where nobody knows; states of keys may be of later.
        scan: looks for what the present policy wants detected, in one item.
        _names: of the place that the walk stands at and of those around it, as they truly are: no finding shows them.
    """

    policy: Policy
    key_states: KeyStates
    at: float
    scan: Scanner
    findings: list[Finding] = field(default_factory=list)
    stood: list[bool] = field(default_factory=list)
    sealed_count: int = 0
    _rules_met: int = 0
    _names: list[str] = field(default_factory=lambda: [""])

    def judge(self, item: Attributes, old: Attributes) -> Walk:
        """Walk the item, with the old image beside it, empty where there was none."""
        for name, value in item.items():
            if name in SYSTEM_ATTRIBUTES:
                continue
            where = self.policy.notation_below("", name)
            self._names = ["", place_below("", name)]
            if is_reserved(name):
                self._reserved(value, where)
                self.stood.append(name in old)
            else:
                self._value(value, old.get(name, _NOTHING), self.policy.step(self.policy.start, name), where)
        return self

    def _found(self, kind: VerdictKind, where: str, why: str, rule: Rule | None = None) -> None:
        self.findings.append(Finding(kind, where, why, self.policy.class_of(rule)))

    def _reserved(self, value: AttributeValue, where: str) -> None:
        sealed = passes_for_sealed(value.get("B", b""))
        kind = VerdictKind.MALFORMED if sealed else VerdictKind.PLAINTEXT
        self._found(kind, where, "a reserved name that sealstream does not write")

    def _value(self, value: AttributeValue, before: AttributeValue, place: Place, where: str) -> bool:
        """Judge a value; gives whether it is what stood there before, which nothing around it compares again."""
        ((tag, content),) = value.items()
        rule = rule_at(place)
        self._rules_met += rule is not None
        treatment = rule.treatment if rule else None
        is_declared = isinstance(treatment, SealAs) or (isinstance(treatment, KeepPlain) and treatment.allows(tag))
        if tag in {"M", "L"} and not is_declared:
            stood = self._container(tag, content, before.get(tag), place, where)
        else:
            stood = value == before
            self._leaf(tag, content, rule, where)
        self.stood += [stood] * (len(self.findings) - len(self.stood))
        return stood

    def _leaf(self, tag: str, content: Any, rule: Rule | None, where: str) -> None:
        """What is judged by itself, and sealed or kept plain whole."""
        treatment = rule.treatment if rule else None
        if tag == "B":
            self._binary(content, where, rule)
        elif tag == "BS":
            for member in content:
                self._clear_binary(member, where, rule, "a binary set is never sealed")
        elif isinstance(treatment, SealAs):
            self._found(VerdictKind.PLAINTEXT, where, "declared sealed and found in clear", rule)
        elif not isinstance(treatment, KeepPlain):
            self._found(VerdictKind.PLAINTEXT, where, "undeclared and found in clear")
        elif treatment.allows(tag):
            self._plain(tag, content, where)
        else:
            self._found(VerdictKind.PLAINTEXT, where, "in clear with another type than the declared one", rule)

    def _container(self, tag: str, content: Any, before: Any, place: Place, where: str) -> bool:
        """A map or list stands in clear only on the way to something declared; else it would be sealed whole."""
        findings_before, rules_before = len(self.findings), self._rules_met
        stood = before is not None and len(before) == len(content)
        if tag == "M":
            for key, one in content.items():
                below, one_before = self.policy.notation_below(where, key), (before or {}).get(key, _NOTHING)
                self._names.append(place_below(self._names[-1], key))
                stood &= self._value(one, one_before, self.policy.step(place, key), below)
                self._names.pop()
        else:
            element, below = self.policy.step(place, ELEMENT), self.policy.notation_below(where, ELEMENT)
            for one, one_before in zip(content, chain(before or (), repeat(_NOTHING)), strict=False):
                stood &= self._value(one, one_before, element, below)
        if self._rules_met == rules_before:
            del self.findings[findings_before:], self.stood[findings_before:]
            self._found(VerdictKind.PLAINTEXT, where, "undeclared and found in clear")
        return stood

    def _plain(self, tag: str, content: Any, where: str) -> None:
        texts = {"S": [content], "N": [content], "SS": content, "NS": content}.get(tag, [])
        found = frozenset[Detector]().union(*(self.scan.text(text, self._names[-1]) for text in texts))
        self.findings.extend(in_clear(found, VerdictKind.UNDECLARED, where))

    def _binary(self, raw: bytes, where: str, rule: Rule | None) -> None:
        if not is_sealed(raw):
            self._clear_binary(raw, where, rule, "binary that is no sealed value")
            return
        if hides_text(raw):
            self._found(VerdictKind.PLAINTEXT, where, "text behind the header of a sealed value", rule)
            return
        self.sealed_count += 1
        self.findings.extend(in_clear(scan_bytes(raw), VerdictKind.PLAINTEXT, where, self.policy.class_of(rule)))
        key = self.key_states.get(key_id_of(raw))
        if key is None:
            self._found(VerdictKind.MALFORMED, where, "sealed under a data key that the tenant does not have", rule)
            return
        if key.state is None:
            self._found(VerdictKind.MALFORMED, where, "its data key's row is not readable", rule)
            return
        if key.data_class != self.policy.class_wanted(rule, key.data_class):
            self._found(VerdictKind.MALFORMED, where, "sealed under another data class than the policy's", rule)
        ended_since = key.ended_at is not None and 0 < self.at < key.ended_at
        if key.state is KeyState.DECRYPT_ONLY or ended_since:
            self._found(VerdictKind.STALE, where, "sealed under a data key that is no longer active", rule)
        elif key.state is not KeyState.ACTIVE:
            self._found(VerdictKind.MALFORMED, where, f"sealed under a {key.state} data key", rule)

    def _clear_binary(self, raw: bytes, where: str, rule: Rule | None, why: str) -> None:
        if found := scan_bytes(raw) | self.scan.bytes(raw, self._names[-1]):
            self.findings.extend(in_clear(found, VerdictKind.PLAINTEXT, where, self.policy.class_of(rule)))
        else:
            self._found(VerdictKind.MALFORMED, where, why, rule)
