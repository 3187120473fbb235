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
    Path,
    VerdictKind,
)
from shared.policy.compiled import KeepPlain, Place, Policy, Rule, SealAs, rule_at
from shared.policy.plan import is_reserved
from shared.policy.sensitive import Sensitive, scan_bytes, scan_text
from shared.policy.stored_binary import hides_text
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
    """

    policy: Policy
    key_states: KeyStates
    at: float
    findings: list[Finding] = field(default_factory=list)
    stood: list[bool] = field(default_factory=list)
    sealed_count: int = 0
    _rules_met: int = 0

    def judge(self, item: Attributes, old: Attributes) -> Walk:
        """Walk the item, with the old image beside it, empty where there was none."""
        for name, value in item.items():
            if name in SYSTEM_ATTRIBUTES:
                continue
            before = old.get(name, _NOTHING)
            if is_reserved(name):
                self._reserved((name,), value)
                self.stood.append(name in old)
            else:
                self._value(value, before, self.policy.step(self.policy.start, name), (name,))
        return self

    def _mark(self, value: AttributeValue, before: AttributeValue) -> None:
        """Say of the findings that are new since the last time whether they are about something new."""
        if unmarked := len(self.findings) - len(self.stood):
            self.stood += [value == before] * unmarked

    def _found(self, kind: VerdictKind, path: Path, why: str, rule: Rule | None = None) -> None:
        self.findings.append(Finding(kind, self.policy.notation(path), why, self.policy.class_of(rule)))

    def _reserved(self, path: Path, value: AttributeValue) -> None:
        sealed = is_sealed(value.get("B", b""))
        kind = VerdictKind.MALFORMED if sealed else VerdictKind.PLAINTEXT
        self._found(kind, path, "a reserved name that sealstream does not write")

    def _value(self, value: AttributeValue, before: AttributeValue, place: Place, path: Path) -> None:
        ((tag, content),) = value.items()
        rule = rule_at(place)
        self._rules_met += rule is not None
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
            self._container(tag, content, before.get(tag), place, path)
        elif isinstance(treatment, KeepPlain):
            self._found(VerdictKind.PLAINTEXT, path, "in clear with another type than the declared one", rule)
        else:
            self._found(VerdictKind.PLAINTEXT, path, "undeclared and found in clear")
        self._mark(value, before)

    def _container(self, tag: str, content: Any, before: Any, place: Place, path: Path) -> None:
        """A map or list stands in clear only on the way to something declared; else it would be sealed whole."""
        findings_before, rules_before = len(self.findings), self._rules_met
        if tag == "M":
            for key, one in content.items():
                self._value(one, (before or {}).get(key, _NOTHING), self.policy.step(place, key), (*path, key))
        else:
            element = self.policy.step(place, ELEMENT)
            for one, one_before in zip(content, chain(before or (), repeat(_NOTHING)), strict=False):
                self._value(one, one_before, element, (*path, ELEMENT))
        if self._rules_met == rules_before:
            del self.findings[findings_before:], self.stood[findings_before:]
            self._found(VerdictKind.PLAINTEXT, path, "undeclared and found in clear")

    def _plain(self, tag: str, content: Any, path: Path) -> None:
        texts = {"S": [content], "N": [content], "SS": content, "NS": content}.get(tag, [])
        found = frozenset[Sensitive]().union(*map(scan_text, texts))
        self.findings.extend(in_clear(found, VerdictKind.UNDECLARED, self.policy.notation(path)))

    def _binary(self, raw: bytes, path: Path, rule: Rule | None) -> None:
        if not is_sealed(raw):
            self._clear_binary(raw, path, rule, "binary that is no sealed value")
            return
        if hides_text(raw):
            self._found(VerdictKind.PLAINTEXT, path, "text behind the header of a sealed value", rule)
            return
        self.sealed_count += 1
        where, data_class = self.policy.notation(path), self.policy.class_of(rule)
        self.findings.extend(in_clear(scan_bytes(raw), VerdictKind.PLAINTEXT, where, data_class))
        key = self.key_states.get(key_id_of(raw))
        if key is None:
            self._found(VerdictKind.MALFORMED, path, "sealed under a data key that the tenant does not have", rule)
            return
        if key.state is None:
            self._found(VerdictKind.MALFORMED, path, "its data key's row is not readable", rule)
            return
        if key.data_class != self.policy.class_wanted(rule, key.data_class):
            self._found(VerdictKind.MALFORMED, path, "sealed under another data class than the policy's", rule)
        ended_since = key.ended_at is not None and 0 < self.at < key.ended_at
        if key.state is KeyState.DECRYPT_ONLY or ended_since:
            self._found(VerdictKind.STALE, path, "sealed under a data key that is no longer active", rule)
        elif key.state is not KeyState.ACTIVE:
            self._found(VerdictKind.MALFORMED, path, f"sealed under a {key.state} data key", rule)

    def _clear_binary(self, raw: bytes, path: Path, rule: Rule | None, why: str) -> None:
        if found := scan_bytes(raw):
            self.findings.extend(
                in_clear(found, VerdictKind.PLAINTEXT, self.policy.notation(path), self.policy.class_of(rule))
            )
        else:
            self._found(VerdictKind.MALFORMED, path, why, rule)
