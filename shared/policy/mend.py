"""What a stored item needs so that the auditor finds nothing stale or in clear in it.

| stands there | becomes |
| --- | --- |
| sealed under a key that is not active, or of another class than the policy's | opened and sealed anew |
| in clear where the policy seals | sealed whole; sealed values within are opened first: ciphertext is never nested |
| sealed under a key that is destroyed or that the tenant does not have | a trouble |
| in clear around such a value, or a set with a sealed one | a trouble that stood in clear |
| a system attribute that has no form that sealstream writes | a trouble, but see `strays` |

Which class is wanted: the rule's; without one the default class; where the rule says plain, the one that the value is
sealed under. A trouble is left as it is, and names a place and never a value.

mend
├── stored_walk.py     where the policy seals
├── stored_binary.py   what can be a sealed value
└── mend_system.py     the system attributes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from shared.envelope.layout import key_id_of
from shared.envelope.walk import open_within
from shared.model import (
    DELETED_AT,
    POLICY,
    SOURCE,
    SYSTEM_ATTRIBUTES,
    Attributes,
    AttributeValue,
    KeyState,
    KeyStatus,
    Path,
)
from shared.policy.compiled import Policy, Rule
from shared.policy.mend_system import Trouble, system_troubles
from shared.policy.stored_binary import passes_for_sealed
from shared.policy.stored_walk import ItemWalk
from shared.policy.verify_system import strays

UNREADABLE_ROW: Final = "its data key's row is not readable"
"""The reason of a trouble that an operator can end, the item being as it is."""
_MARK: Final = "MARK"
"""Stands in a walked tree before a `Mend` or `_Left`; DynamoDB has no such type."""


@dataclass(frozen=True, slots=True)
class Mend:
    """One value that is to be sealed (anew), and where.

    Attributes:
        data_class: the one to seal it under.
        value: as it stands there.
        key_ids: of the sealed values that it is or holds, and that are to be opened first.
        stood_in_clear: whether it, or what is around sealed values in it, is in clear.
    """

    path: Path
    data_class: str
    value: AttributeValue = field(repr=False)
    key_ids: frozenset[int]
    stood_in_clear: bool

    def opened(self, open_sealed: Callable[[Path, bytes], AttributeValue]) -> AttributeValue:
        """The value as it is to be sealed; what `open_sealed` raises passes through."""

        def open_one(path: Path, raw: bytes) -> AttributeValue:
            if passes_for_sealed(raw) and key_id_of(raw) in self.key_ids:
                return open_sealed(path, raw)
            return {"B": raw}

        return open_within(self.path, self.value, open_one)


class MendedAttribute(NamedTuple):
    """An attribute at the top of an item with mended values in it, and how many of them had been sealed or in clear."""

    value: AttributeValue
    reencrypted: int
    sealed: int


@dataclass(frozen=True, slots=True)
class MendPlan:
    """What is to be done to one item.

    Attributes:
        mends: in the order in which `fill` takes their sealed values.
        troubles: what is left as it is, and why.
        reopens: keys among those of the mends that are retired: what opens under one has it reopened, before any write.
        adopts: the item becomes sealstream's, whether or not anything is to be sealed in it.
        strays: system attributes that are taken off.
        template: the attributes with mends in them; an int stands for the mend of that index.
    """

    mends: tuple[Mend, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    reopens: frozenset[int] = frozenset()
    adopts: bool = False
    strays: frozenset[str] = frozenset()
    template: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not self.mends and not self.adopts and not self.strays

    def fill(self, sealed: Sequence[bytes | None]) -> dict[str, MendedAttribute]:
        """The attributes that change; None leaves a value as it is."""
        if len(sealed) != len(self.mends):
            raise ValueError(f"{len(self.mends)} mends, {len(sealed)} sealed values")
        filled = {name: self._filled(template, sealed) for name, template in self.template.items()}
        return {name: mended for name, mended in filled.items() if mended.reencrypted or mended.sealed}

    def _filled(self, template: Any, sealed: Sequence[bytes | None]) -> MendedAttribute:
        reencrypted = in_clear = 0

        def fill(template: Any) -> AttributeValue:
            nonlocal reencrypted, in_clear
            if isinstance(template, int):
                mend, new = self.mends[template], sealed[template]
                if new is None:
                    return mend.value
                in_clear += mend.stood_in_clear
                reencrypted += not mend.stood_in_clear
                return {"B": new}
            return _over_members(template, fill)

        return MendedAttribute(fill(template), reencrypted, in_clear)


def plan_mend(
    policy: Policy, item: Attributes, key_states: Mapping[int, KeyStatus], *, adopting: bool = False
) -> MendPlan:
    """Decide what a stored item needs; a mended item needs nothing more.

    Args:
        policy: the present one.
        item: as it stands in the table.
        key_states: of the tenant's data keys, at least those of `named_keys(item)`; an absent id is an unknown key.
        adopting: whether an item with neither `_src` nor `_policy` is raw data that sealstream takes over. What looks
            sealed there under keys that the tenant does not have is data then.
    """
    if DELETED_AT in item and item.keys() <= SYSTEM_ATTRIBUTES:
        return MendPlan(troubles=tuple(system_troubles(item)), strays=strays(item))
    adopts = adopting and SOURCE not in item and POLICY not in item
    visitor = _Visitor(policy, key_states, unknown_is_data=adopts)
    tree = ItemWalk(policy, visitor.on_binary, visitor.on_clear).read(item)
    mends: list[Mend] = []
    troubles = list(system_troubles(item))
    template: dict[str, Any] = {}
    for name, marked in tree.items():
        mends_before = len(mends)
        taken_out = _take_out(marked, mends, troubles)
        if len(mends) > mends_before:
            template[name] = taken_out
    named = frozenset[int]().union(*(mend.key_ids for mend in mends))
    reopens = frozenset(key_id for key_id in named if key_states[key_id].state is KeyState.RETIRED)
    return MendPlan(tuple(mends), tuple(troubles), reopens, adopts, strays(item), template)


def named_keys(item: Attributes) -> frozenset[int]:
    """The ids of the data keys whose states a plan needs."""
    binaries = (raw for name, value in item.items() if name not in SYSTEM_ATTRIBUTES for raw, _ in _binaries(value))
    return frozenset(key_id_of(raw) for raw in binaries if passes_for_sealed(raw))


class _Left(NamedTuple):
    """A value that stays as it is, and why."""

    trouble: Trouble
    value: AttributeValue


@dataclass(frozen=True, slots=True)
class _Visitor:
    """What the walk asks: the tree that it gives has a mark in the place of each value that is not as it should be."""

    policy: Policy
    key_states: Mapping[int, KeyStatus]
    unknown_is_data: bool

    def on_binary(self, path: Path, raw: bytes, rule: Rule | None) -> AttributeValue:
        value: AttributeValue = {"B": raw}
        if not self._is_sealed(raw):
            return self._seal_whole(path, value, rule)
        key = self.key_states.get(key_id_of(raw))
        if why := _why_closed(key):
            return {_MARK: _Left(Trouble(path, why), value)}
        assert key is not None  # noqa: S101 - as `_why_closed` has found; for the type checker
        wanted = self.policy.class_wanted(rule, key.data_class)
        if key.state is KeyState.ACTIVE and key.data_class == wanted:
            return value
        return {_MARK: Mend(path, wanted, value, frozenset({key.key_id}), stood_in_clear=False)}

    def on_clear(self, path: Path, value: AttributeValue, rule: Rule | None, _why: str) -> AttributeValue:
        raw = value.get("B")
        return self._seal_whole(path, value, rule) if raw is None else self.on_binary(path, raw, rule)

    def _seal_whole(self, path: Path, value: AttributeValue, rule: Rule | None) -> AttributeValue:
        sealed = [(raw, in_set) for raw, in_set in _binaries(value) if self._is_sealed(raw)]
        for raw, in_set in sealed:
            why = "a binary set holds a sealed value" if in_set else _why_closed(self.key_states.get(key_id_of(raw)))
            if why:
                return {_MARK: _Left(Trouble(path, why, stood_in_clear=True), value)}
        key_ids = frozenset(key_id_of(raw) for raw, _ in sealed)
        return {_MARK: Mend(path, self.policy.class_of(rule), value, key_ids, stood_in_clear=True)}

    def _is_sealed(self, raw: bytes) -> bool:
        return passes_for_sealed(raw) and not (self.unknown_is_data and key_id_of(raw) not in self.key_states)


def _why_closed(key: KeyStatus | None) -> str:
    """Why nothing under the key can be opened, or ""."""
    if key is None:
        return "sealed under a data key that the tenant does not have"
    if key.state is None:
        return UNREADABLE_ROW
    return "sealed under a destroyed data key" if key.state is KeyState.DESTROYED else ""


def _take_out(marked: AttributeValue, mends: list[Mend], troubles: list[Trouble]) -> Any:
    """The tree with an int for each mend, and what is left as it is."""
    match marked.get(_MARK):
        case Mend() as mend:
            mends.append(mend)
            return len(mends) - 1
        case _Left() as left:
            troubles.append(left.trouble)
            return left.value
    return _over_members(marked, lambda member: _take_out(member, mends, troubles))


def _over_members(value: AttributeValue, function: Callable[[Any], Any]) -> AttributeValue:
    ((tag, content),) = value.items()
    if tag == "M":
        return {"M": {key: function(member) for key, member in content.items()}}
    return {"L": [function(member) for member in content]} if tag == "L" else value


def _binaries(value: AttributeValue) -> Iterator[tuple[bytes, bool]]:
    """Every binary at any depth, and whether it is a member of a set."""
    ((tag, content),) = value.items()
    if tag == "B":
        yield content, False
    elif tag == "BS":
        yield from ((raw, True) for raw in content)
    elif tag in {"M", "L"}:
        for member in content.values() if tag == "M" else content:
            yield from _binaries(member)
