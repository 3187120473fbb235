"""A stored item, walked as the policy says: only what it declares plain stands as it is, the rest must be sealed.

The auditor's walk in `shared.policy.verify` draws the same line. So whoever may put items but has no data key can forge
for a reader only what is declared plain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from shared.model import ELEMENT, SYSTEM_ATTRIBUTES, Attributes, AttributeValue, Path
from shared.policy.compiled import KeepPlain, Place, Policy, Rule, SealAs, rule_at
from shared.policy.plan import is_reserved

OnSealed: TypeAlias = Callable[[Path, bytes, Rule | None], AttributeValue]
OnClear: TypeAlias = Callable[[Path, AttributeValue, Rule | None, str], AttributeValue]

_IN_CLEAR: Final = "in clear where the policy seals it"
_RESERVED: Final = "a reserved name that sealstream does not write"


@dataclass(slots=True)
class ItemWalk:
    """One walk over one item; a container is told of after what it holds, and takes its place.

    Attributes:
        on_sealed: gives what stands for a binary; told its path, its bytes and the rule about it.
        on_clear: gives what stands for a value that should be sealed and is not; told its path, the value, the rule
            about it and why.
    """

    policy: Policy
    on_sealed: OnSealed
    on_clear: OnClear
    _rules_met: int = 0

    def read(self, item: Attributes) -> dict[str, AttributeValue]:
        """A new item; the system attributes are as they were."""
        return {name: self._attribute(name, value) for name, value in item.items()}

    def _attribute(self, name: str, value: AttributeValue) -> AttributeValue:
        if name in SYSTEM_ATTRIBUTES:
            return value
        if is_reserved(name):
            return self.on_clear((name,), value, None, _RESERVED)
        return self._value(value, self.policy.step(self.policy.start, name), (name,))

    def _value(self, value: AttributeValue, place: Place, path: Path) -> AttributeValue:
        ((tag, content),) = value.items()
        rule = rule_at(place)
        self._rules_met += rule is not None
        treatment = rule.treatment if rule else None
        if tag == "B":
            return self.on_sealed(path, content, rule)
        if isinstance(treatment, KeepPlain) and treatment.allows(tag):
            return value
        if tag in {"M", "L"} and not isinstance(treatment, SealAs):
            rules_before = self._rules_met
            inside = self._inside(tag, content, place, path)
            if self._rules_met > rules_before:
                return inside
            # a map or list stands in clear only on the way to something declared; else it would be sealed whole
        return self.on_clear(path, value, rule, _IN_CLEAR)

    def _inside(self, tag: str, content: Any, place: Place, path: Path) -> AttributeValue:
        step = self.policy.step
        if tag == "M":
            return {tag: {key: self._value(one, step(place, key), (*path, key)) for key, one in content.items()}}
        return {tag: [self._value(one, step(place, ELEMENT), (*path, ELEMENT)) for one in content]}
