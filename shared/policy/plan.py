"""What to do with each attribute of a record: one walk that descends the policy's tree with the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.errors import Reason, RecordRejected
from shared.model import ELEMENT, ITEM_ID, TENANT_ID, Attributes, AttributeValue, Path
from shared.policy.compiled import Place, Policy, SealAs, Undeclared, rule_at

RESERVED_PREFIX: Final = "_"
NULL: Final = "NULL"


@dataclass(frozen=True, slots=True)
class Slot:
    """One value that is to be sealed, and where."""

    path: Path
    data_class: str
    value: AttributeValue = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealingPlan:
    """The record's attributes with the values taken out that are to be sealed.

    Attributes:
        slots: in the order in which `fill` takes their sealed values.
        template: the attributes; an int stands for the slot of that index.
    """

    slots: tuple[Slot, ...]
    template: Mapping[str, Any] = field(repr=False)

    def fill(self, sealed: Sequence[bytes]) -> dict[str, AttributeValue]:
        """New attributes with the sealed values in the slots; may be called again with values sealed anew."""
        if len(sealed) != len(self.slots):
            raise ValueError(f"{len(self.slots)} slots, {len(sealed)} sealed values")
        return {name: _fill(value, sealed) for name, value in self.template.items()}


def plan(policy: Policy, attributes: Attributes) -> SealingPlan:
    """Decide what is sealed, under which class, and what stays in clear.

    Args:
        policy: what the decision follows.
        attributes: the record's own, without its tenant and id.

    Raises:
        RecordRejected: a reserved name at the top of the record, or an undeclared attribute where these are rejected.
    """
    walk = _Walk(policy)
    template: dict[str, Any] = {}
    for name, value in attributes.items():
        if is_reserved(name):
            raise RecordRejected(Reason.RESERVED_NAME, "an attribute of the record has a name of the system's own")
        template[name] = walk.value(value, policy.step(policy.start, name), (name,))
    return SealingPlan(tuple(walk.slots), template)


def is_reserved(name: str) -> bool:
    """Whether no record may have an attribute of this name: the top of an item is shared with the system's own."""
    return name.startswith(RESERVED_PREFIX) or name in {TENANT_ID, ITEM_ID}


class _Walk:
    """The state of one walk: slots so far, and how many rules were met."""

    __slots__ = ("policy", "rules_met", "slots")

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.slots: list[Slot] = []
        self.rules_met = 0

    def value(self, value: AttributeValue, place: Place, path: Path) -> Any:
        """The template for one value."""
        ((tag, content),) = value.items()
        if rule := rule_at(place):
            self.rules_met += 1
            treatment = rule.treatment
            if isinstance(treatment, SealAs):
                return self._slot(path, treatment.data_class, value)
            if treatment.allows(tag):
                return value
        if tag in {"M", "L"} and content:
            return self._container(value, place, path)
        if self.policy.defaults.undeclared is Undeclared.REJECT and not self._is_declared_emptiness(tag, place):
            raise RecordRejected(Reason.UNDECLARED_ATTRIBUTE, self.policy.notation(path))
        return self._slot(path, self.policy.defaults.data_class, value)

    def _container(self, value: AttributeValue, place: Place, path: Path) -> Any:
        """Descend; where no rule was met inside, the names inside are the producer's data: seal the whole."""
        slots_before, rules_before = len(self.slots), self.rules_met
        step = self.policy.step
        template: dict[str, Any]
        if "M" in value:
            inside = {key: self.value(one, step(place, key), (*path, key)) for key, one in value["M"].items()}
            template = {"M": inside}
        else:
            element_place, element_path = step(place, ELEMENT), (*path, ELEMENT)
            template = {"L": [self.value(one, element_place, element_path) for one in value["L"]]}
        if self.rules_met > rules_before:
            return template
        del self.slots[slots_before:]
        return self._slot(path, self.policy.defaults.data_class, value)

    def _is_declared_emptiness(self, tag: str, place: Place) -> bool:
        """An empty map or list, or null, where declared attributes could be, is nothing undeclared."""
        return tag in {"M", "L", NULL} and self.policy.leads_on(place)

    def _slot(self, path: Path, data_class: str, value: AttributeValue) -> int:
        self.slots.append(Slot(path, data_class, value))
        return len(self.slots) - 1


def _fill(template: Any, sealed: Sequence[bytes]) -> AttributeValue:
    if isinstance(template, int):
        return {"B": sealed[template]}
    ((tag, content),) = template.items()
    if tag == "M":
        return {"M": {key: _fill(value, sealed) for key, value in content.items()}}
    if tag == "L":
        return {"L": [_fill(value, sealed) for value in content]}
    return template  # type: ignore[no-any-return] # every other template is a plain value
