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


@dataclass(frozen=True, slots=True)
class ItemWalk:
    """A walk over items; of a container that would be sealed whole it is told once, and of nothing in it.

    Attributes:
        on_sealed: gives what stands for a binary; told its path, its bytes and the rule about it.
        on_clear: gives what stands for a value that should be sealed and is not; told its path, the value, the rule
            about it and why.
    """

    policy: Policy
    on_sealed: OnSealed
    on_clear: OnClear

    def read(self, item: Attributes) -> dict[str, AttributeValue]:
        """A new item; the system attributes are as they were."""
        return {name: self._attribute(name, value) for name, value in item.items()}

    def _attribute(self, name: str, value: AttributeValue) -> AttributeValue:
        if name in SYSTEM_ATTRIBUTES:
            return value
        if is_reserved(name):
            return self.on_clear((name,), value, None, _RESERVED)
        walked = self._value(value, self.policy.step(self.policy.start, name), (name,))
        return self._told(value, (name,), None) if walked is None else walked

    def _value(self, value: AttributeValue, place: Place, path: Path) -> AttributeValue | None:
        """What stands for a value; None where no rule is about it or anything in it: what is around it decides."""
        ((tag, content),) = value.items()
        rule = rule_at(place)
        treatment = rule.treatment if rule else None
        if isinstance(treatment, KeepPlain) and treatment.allows(tag):
            return value
        if tag in {"M", "L"} and not isinstance(treatment, SealAs):
            inside = self._inside(tag, content, place, path)
            if inside is not None:
                return inside
            # a map or list stands in clear only on the way to something declared; else it would be sealed whole
        return None if rule is None else self._told(value, path, rule)

    def _told(self, value: AttributeValue, path: Path, rule: Rule | None) -> AttributeValue:
        raw = value.get("B")
        return self.on_clear(path, value, rule, _IN_CLEAR) if raw is None else self.on_sealed(path, raw, rule)

    def _inside(self, tag: str, content: Any, place: Place, path: Path) -> AttributeValue | None:
        """A container with what stands for its members; None where no rule is about anything in it."""
        if tag == "M":
            walked = {key: self._value(one, self.policy.step(place, key), (*path, key)) for key, one in content.items()}
            if all(one is None for one in walked.values()):
                return None
            return {
                tag: {
                    key: self._told(content[key], (*path, key), None) if one is None else one
                    for key, one in walked.items()
                }
            }
        element, below = self.policy.step(place, ELEMENT), (*path, ELEMENT)
        members = [self._value(one, element, below) for one in content]
        if all(one is None for one in members):
            return None
        return {
            tag: [
                self._told(one, below, None) if new is None else new for one, new in zip(content, members, strict=True)
            ]
        }
