"""The compiled policy: an immutable tree that a walk over a record descends with it.

A walk stands at a `Place`: the tree's nodes that the path so far leads to, the most exact first. Paths from the top of
the record are more exact than `**` paths, and of two `**` paths the longer one is; so no two rules ever tie.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from shared.model import SYSTEM_ATTRIBUTES, ListElement, Path
from shared.policy.detect.names import Detector
from shared.policy.paths import Pattern, format_below

DIGEST_BYTES: Final = 8


PLAIN_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"string": "S", "number": "N", "boolean": "BOOL", "string_set": "SS", "number_set": "NS"}
)
"""What a plain attribute can be declared as, and DynamoDB's tag for it; no binary, since every binary is sealed."""


class UnknownOrder(StrEnum):
    """What becomes of a record whose position cannot be compared with the stored one."""

    QUARANTINE = "quarantine"
    ARRIVAL = "arrival"


class Undeclared(StrEnum):
    """What becomes of an attribute that no rule is about."""

    SEAL = "seal"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class SealAs:
    """Seal the value, with all that it holds, under the data key of this class."""

    data_class: str


@dataclass(frozen=True, slots=True)
class KeepPlain:
    """Leave a value of one of these types in clear, or null; any other value counts as undeclared."""

    tags: frozenset[str]

    def allows(self, tag: str) -> bool:
        """Whether a value with this DynamoDB type tag stays in clear."""
        return tag in self.tags or tag == "NULL"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy's [attributes], or the one that [item] implies for `order`."""

    pattern: Pattern
    treatment: SealAs | KeepPlain
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class ItemRules:
    """How a record becomes an item: names of attributes at the top of the record.

    Attributes:
        order: what makes one record newer than another, or None.
    """

    tenant: str
    id: str
    order: str | None
    unknown_order: UnknownOrder


@dataclass(frozen=True, slots=True)
class Defaults:
    """What applies to undeclared attributes."""

    undeclared: Undeclared
    data_class: str


@dataclass(frozen=True, slots=True)
class DataClass:
    """A named sensitivity: one active data key per tenant."""

    name: str
    rotate_after_days: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """Where the paths of some rules have come to."""

    rule: Rule | None
    children: Mapping[str | ListElement, Node]


Place: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that has passed all checks.

    Attributes:
        detect: what the auditor looks for in clear; it changes nothing that is stored.
        digest: 8 bytes of SHA-256 over how the policy seals; comments, order and layout of the file leave it as it is,
            and so does what is detected.
        source: the file's text, which is published beside the data keys.
        start: where a walk begins.
        restart: where a `**` path can begin at every depth; empty without such rules.
        names: every name that the policy names anywhere.
    """

    dataset: str
    item: ItemRules
    defaults: Defaults
    classes: Mapping[str, DataClass]
    rules: tuple[Rule, ...]
    detect: frozenset[Detector]
    digest: bytes
    source: str = field(repr=False)
    start: Place = field(repr=False, compare=False)
    restart: Place = field(repr=False, compare=False)
    names: frozenset[str] = field(repr=False)

    def step(self, place: Place, component: str | ListElement) -> Place:
        """The place one component deeper."""
        return (*[child for node in place if (child := node.children.get(component))], *self.restart)

    def place_of(self, path: Path) -> Place:
        """The place that a whole path leads to."""
        return reduce(self.step, path, self.start)

    def class_of(self, rule: Rule | None) -> str:
        """The class that a value which the rule is about is sealed under, if it is sealed."""
        if rule is not None and isinstance(rule.treatment, SealAs):
            return rule.treatment.data_class
        return self.defaults.data_class

    def class_wanted(self, rule: Rule | None, present: str) -> str:
        """The same for a value that is sealed under the present class: loosening a policy unseals and moves nothing."""
        is_loosened = rule is not None and isinstance(rule.treatment, KeepPlain)
        return present if is_loosened else self.class_of(rule)

    def leads_on(self, place: Place) -> bool:
        """Whether some rule has begun to match here and goes on underneath."""
        return any(node.children for node in place if node not in self.restart)

    def notation(self, path: Path) -> str:
        """The path, with `?` for every name that the policy does not name: those are the producer's data."""
        return reduce(self.notation_below, path, "")

    def notation_below(self, where: str, component: str | ListElement) -> str:
        """The notation one component deeper: what walks an item writes no path from its beginning for each value."""
        is_shown = isinstance(component, ListElement) or component in self.names
        return format_below(where, component if is_shown else None)


def rule_at(place: Place) -> Rule | None:
    """The most exact rule about this very place."""
    for node in place:  # a loop, since this is asked of every value
        if node.rule:
            return node.rule
    return None


def compile_policy(
    *,
    dataset: str,
    item: ItemRules,
    defaults: Defaults,
    classes: Iterable[DataClass],
    rules: Iterable[Rule],
    detect: Iterable[Detector],
    source: str,
) -> Policy:
    """Build the tree and the digest of rules that no longer contradict each other."""
    ordered = tuple(sorted(rules, key=lambda rule: rule.line))
    by_name = {one.name: one for one in sorted(classes, key=lambda one: one.name)}
    from_top = _tree((rule.pattern.components, rule) for rule in ordered if not rule.pattern.anywhere)
    anywhere = _tree((rule.pattern.components, rule) for rule in ordered if rule.pattern.anywhere)
    restart = (anywhere,) if anywhere.children else ()
    named = {part for rule in ordered for part in rule.pattern.components if isinstance(part, str)}
    return Policy(
        dataset=dataset,
        item=item,
        defaults=defaults,
        classes=MappingProxyType(by_name),
        rules=ordered,
        detect=frozenset(detect),
        digest=_digest(dataset, item, defaults, by_name, ordered),
        source=source,
        start=(from_top, *restart),
        restart=restart,
        names=frozenset(named) | SYSTEM_ATTRIBUTES | {item.tenant, item.id},
    )


def _tree(rules: Iterable[tuple[Path, Rule]]) -> Node:
    own: Rule | None = None
    deeper: dict[str | ListElement, list[tuple[Path, Rule]]] = {}
    for path, rule in rules:
        if path:
            deeper.setdefault(path[0], []).append((path[1:], rule))
        else:
            own = rule
    return Node(own, MappingProxyType({component: _tree(rest) for component, rest in deeper.items()}))


def _digest(
    dataset: str, item: ItemRules, defaults: Defaults, classes: Mapping[str, DataClass], rules: Iterable[Rule]
) -> bytes:
    canonical = {
        "format": 1,
        "dataset": dataset,
        "item": {"tenant": item.tenant, "id": item.id, "order": item.order, "unknown_order": item.unknown_order},
        "defaults": {"undeclared": defaults.undeclared, "data_class": defaults.data_class},
        "classes": {one.name: one.rotate_after_days for one in classes.values()},
        "attributes": {str(rule.pattern): _canonical(rule.treatment) for rule in rules},
    }
    encoded = json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode("ascii")
    return sha256(encoded).digest()[:DIGEST_BYTES]


def _canonical(treatment: SealAs | KeepPlain) -> dict[str, Any]:
    if isinstance(treatment, SealAs):
        return {"seal": treatment.data_class}
    return {"plain": sorted(treatment.tags)}
