"""A stored item, read as the policy says: only what it declares plain is taken as it stands, the rest must be sealed.

The auditor's walk in `shared.policy.verify` draws the same line. So whoever may put items but has no data key can forge
for a reader only what is declared plain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.model import ELEMENT, SYSTEM_ATTRIBUTES, Attributes, AttributeValue, Path
from shared.policy.compiled import KeepPlain, Place, Policy, SealAs, rule_at
from shared.policy.plan import is_reserved
from shared.sealed_table_keys import OpenSealed


@dataclass(slots=True)
class ItemWalk:
    """One walk over one item.

    Attributes:
        open_sealed: gives what stands for a binary.
        not_sealed: gives what stands for a value that should be sealed and is not; told its path and why.
    """

    policy: Policy
    open_sealed: OpenSealed
    not_sealed: Callable[[Path, str], AttributeValue]
    _rules_met: int = 0

    def read(self, item: Attributes) -> dict[str, AttributeValue]:
        """A new item; the system attributes are as they were."""
        return {name: self._attribute(name, value) for name, value in item.items()}

    def _attribute(self, name: str, value: AttributeValue) -> AttributeValue:
        if name in SYSTEM_ATTRIBUTES:
            return value
        if is_reserved(name):
            return self.not_sealed((name,), "a reserved name that sealstream does not write")
        return self._value(value, self.policy.step(self.policy.start, name), (name,))

    def _value(self, value: AttributeValue, place: Place, path: Path) -> AttributeValue:
        ((tag, content),) = value.items()
        rule = rule_at(place)
        self._rules_met += rule is not None
        treatment = rule.treatment if rule else None
        if tag == "B":
            return self.open_sealed(path, content)
        if isinstance(treatment, KeepPlain) and treatment.allows(tag):
            return value
        if tag in {"M", "L"} and not isinstance(treatment, SealAs):
            return self._container(tag, content, place, path)
        return self.not_sealed(path, "in clear where the policy seals it")

    def _container(self, tag: str, content: Any, place: Place, path: Path) -> AttributeValue:
        """A map or list stands in clear only on the way to something declared; else it would be sealed whole."""
        rules_before = self._rules_met
        step = self.policy.step
        inside: dict[str, AttributeValue] | list[AttributeValue]
        if tag == "M":
            inside = {key: self._value(one, step(place, key), (*path, key)) for key, one in content.items()}
        else:
            inside = [self._value(one, step(place, ELEMENT), (*path, ELEMENT)) for one in content]
        if self._rules_met == rules_before:
            return self.not_sealed(path, "in clear where the policy seals it")
        return {tag: inside}
