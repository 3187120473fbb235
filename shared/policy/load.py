"""Reads policy.toml and refuses whatever is not surely meant: every error says file, line, rule and what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Any, Final, TypeVar

from shared.errors import PolicyError
from shared.model import ITEM_ID, TENANT_ID, ListElement
from shared.policy.compiled import (
    PLAIN_TYPES,
    DataClass,
    Defaults,
    ItemRules,
    KeepPlain,
    Policy,
    Rule,
    SealAs,
    Undeclared,
    UnknownOrder,
    compile_policy,
)
from shared.policy.detect.names import DEFAULT_DETECTORS, Detector
from shared.policy.lines import Key, key_lines
from shared.policy.paths import Pattern, PatternError, parse_pattern

VERSION: Final = 1
DEFAULT_DATA_CLASS: Final = "restricted"
_DATASET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CLASS_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_ERROR_LINE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_Choice = TypeVar("_Choice", bound=StrEnum)


def load_policy(path: FilePath | str) -> Policy:
    """Read a policy file.

    Raises:
        PolicyError: it cannot be read, or a rule is broken.
    """
    try:
        raw = FilePath(path).read_bytes()
    except OSError as error:
        raise PolicyError(f"{path}:1: the policy file must be readable: {error.strerror}") from None
    try:
        source = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PolicyError(f"{path}:{line}: the policy file is UTF-8: save it in that encoding") from None
    return parse_policy(source, str(path))


def parse_policy(source: str, file: str) -> Policy:
    """Read a policy from its text; `file` is what errors call it.

    Raises:
        PolicyError: a rule is broken.
    """
    top = _parse(source, file)
    top.only("version", "dataset", "detect", "item", "defaults", "classes", "attributes")
    version = top.content.get("version")
    if type(version) is not int or version != VERSION:
        raise top.error("version", f"the policy's format has a version: write version = {VERSION}")
    dataset = top.text("dataset")
    if not _DATASET.fullmatch(dataset):
        raise top.error("dataset", f"a dataset name is {_DATASET.pattern}: choose a name of that form")
    detect = _detect(top)
    item = _item(top.table("item"))
    defaults = _defaults(top.table("defaults"))
    classes = _classes(top.table("classes"), defaults)
    rules = _rules(top.table("attributes"), classes)
    _check_item_attributes(item, top, rules.values())
    if item.order is not None:
        pattern = Pattern(anywhere=False, components=(item.order,))
        implied = Rule(pattern, KeepPlain(frozenset({"S", "N"})), top.table("item").line("order"))
        rules.setdefault(pattern, implied)
    _check_reachable(top.table("attributes"), rules)
    return compile_policy(
        dataset=dataset,
        item=item,
        defaults=defaults,
        classes=classes.values(),
        rules=rules.values(),
        detect=detect,
        source=source,
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of the file, which knows where its keys stand."""

    file: str
    lines: Mapping[Key, int]
    key: Key
    content: Mapping[str, Any]

    def line(self, name: str | None = None) -> int:
        """Of the key, or of the first one inside it, or of the nearest table around it that the file has."""
        key = self.key if name is None else (*self.key, name)
        if key in self.lines:
            return self.lines[key]
        inside = [line for other, line in self.lines.items() if other[: len(key)] == key]
        if key and inside:
            return min(inside)
        return replace(self, key=key[:-1]).line() if key else 1

    def error(self, name: str | None, rule: str) -> PolicyError:
        return PolicyError(f"{self.file}:{self.line(name)}: {rule}")

    def only(self, *names: str) -> None:
        for name in self.content:
            if name not in names:
                where = f"[{'.'.join(self.key)}]" if self.key else "the policy"
                raise self.error(name, f"{where} has only {', '.join(names)}: remove or correct {_shown(name)}")

    def table(self, name: str) -> _Table:
        content = self.content.get(name, {})
        if not isinstance(content, dict):
            raise self.error(name, f"{_shown(name)} is a table: write [{'.'.join((*self.key, name))}]")
        return replace(self, key=(*self.key, name), content=content)

    def text(self, name: str, default: str | None = None) -> str:
        value = self.content.get(name, default)
        if value is None:
            raise self.error(name, f'{name} is required: add {name} = "…"')
        if not isinstance(value, str):
            raise self.error(name, f'{name} is a string: write {name} = "…"')
        return value

    def choice(self, name: str, choices: type[_Choice], default: _Choice) -> _Choice:
        value = self.text(name, default)
        if value not in list(choices):
            raise self.error(name, f"{name} is none of {_one_of(choices)}: write one of them")
        return choices(value)


def _parse(source: str, file: str) -> _Table:
    try:
        content = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at = _ERROR_LINE.search(message)
        line = int(at[1]) if at and at[1] else max(1, len(source.splitlines()))
        said = _ERROR_LINE.sub("", message)
        raise PolicyError(f"{file}:{line}: the policy is TOML, each key once: correct it ({said})") from None
    except RecursionError:
        raise PolicyError(f"{file}:1: the policy is TOML without deep nesting: correct it") from None
    return _Table(file, key_lines(source), (), content)


def _detect(top: _Table) -> frozenset[Detector]:
    names = top.content.get("detect")
    if names is None:
        return DEFAULT_DETECTORS
    if not isinstance(names, list):
        raise top.error("detect", 'detect is a list: write detect = ["card", …], above the first table')
    for place, name in enumerate(names):
        if not isinstance(name, str) or name not in list(Detector):
            shown = _shown(name) if isinstance(name, str) else "that is no string"
            raise top.error("detect", f"detect names {_one_of(Detector)}: remove or correct {shown}")
        if name in names[:place]:
            raise top.error("detect", f"detect names each detector once: remove one {name}")
    return frozenset(map(Detector, names))


def _item(table: _Table) -> ItemRules:
    table.only("tenant", "id", "order", "unknown_order")
    tenant = _top_name(table, "tenant")
    item_id = _top_name(table, "id")
    order = _top_name(table, "order") if "order" in table.content else None
    if item_id == tenant:
        raise table.error("id", "tenant and id are two attributes: name another one")
    if order in {tenant, item_id}:
        raise table.error("order", "order is an attribute of its own: name one that is neither tenant nor id")
    unknown_order = table.choice("unknown_order", UnknownOrder, UnknownOrder.QUARANTINE)
    return ItemRules(tenant=tenant, id=item_id, order=order, unknown_order=unknown_order)


def _top_name(table: _Table, name: str) -> str:
    pattern = _pattern(table, name, table.text(name))
    first, *deeper = pattern.components
    if deeper or pattern.anywhere or isinstance(first, ListElement):
        raise table.error(name, f"{name} names one attribute at the top of the record: name it, quoted if it has dots")
    if first.startswith("_"):
        raise table.error(name, "a name that starts with _ is reserved: name another attribute")
    return first


def _defaults(table: _Table) -> Defaults:
    table.only("undeclared", "data_class")
    undeclared = table.choice("undeclared", Undeclared, Undeclared.SEAL)
    data_class = table.text("data_class", DEFAULT_DATA_CLASS)
    _check_class_name(table, "data_class", data_class)
    return Defaults(undeclared=undeclared, data_class=data_class)


def _classes(table: _Table, defaults: Defaults) -> dict[str, DataClass]:
    """The declared classes and the default one, which needs no table of its own."""
    classes = {defaults.data_class: DataClass(defaults.data_class, None)}
    for name in table.content:
        _check_class_name(table, name, name)
        one = table.table(name)
        one.only("rotate_after_days")
        days = one.content.get("rotate_after_days")
        if days is not None and (type(days) is not int or days < 1):
            raise one.error("rotate_after_days", "rotate_after_days is a positive whole number: write days")
        classes[name] = DataClass(name, days)
    return classes


def _check_class_name(table: _Table, key: str, name: str) -> None:
    if not _CLASS_NAME.fullmatch(name):
        raise table.error(key, f"a data class's name is {_CLASS_NAME.pattern}: choose a name of that form")


def _rules(table: _Table, classes: Mapping[str, DataClass]) -> dict[Pattern, Rule]:
    rules: dict[Pattern, Rule] = {}
    for text in table.content:
        pattern = _pattern(table, text, text)
        rule = Rule(pattern, _treatment(table.table(text), classes), table.line(text))
        earlier = rules.setdefault(pattern, rule)
        if earlier.treatment != rule.treatment:
            raise table.error(
                text, f"a path is treated in one way: line {earlier.line} treats {pattern} in another, keep one of them"
            )
    return rules


def _treatment(table: _Table, classes: Mapping[str, DataClass]) -> SealAs | KeepPlain:
    match dict(table.content):
        case {"seal": str() as data_class, **other} if not other:
            if data_class not in classes:
                raise table.error(
                    "seal", f"a data class is declared: add [classes.{_shown(data_class)}] or use one that is"
                )
            return SealAs(data_class)
        case {"plain": str() as plain, **other} if not other:
            if plain not in PLAIN_TYPES:
                raise table.error("plain", f"plain says its type: write {_one_of(PLAIN_TYPES)}")
            return KeepPlain(frozenset({PLAIN_TYPES[plain]}))
        case _:
            raise table.error(
                None,
                'an attribute is { seal = "class" } or { plain = "type" }: write one of them, the whole path in quotes',
            )


def _pattern(table: _Table, key: str, text: str) -> Pattern:
    try:
        return parse_pattern(text)
    except PatternError as error:
        raise table.error(key, str(error)) from None


def _check_item_attributes(item: ItemRules, top: _Table, rules: Iterable[Rule]) -> None:
    """The attributes that [item] names are plain by nature; names of the system's own attributes are nobody's."""
    by_nature = {item.tenant: {"S"}, item.id: {"S"}}
    if item.order is not None:
        by_nature[item.order] = {"S", "N"}
    for rule in rules:
        first = rule.pattern.components[0]
        if rule.pattern.anywhere or isinstance(first, ListElement):
            continue
        where = f"{top.file}:{rule.line}"
        if first in by_nature:
            match rule.treatment:
                case KeepPlain(tags) if len(rule.pattern.components) == 1 and tags <= by_nature[first]:
                    continue
            raise PolicyError(
                f"{where}: what [item] names is plain by nature, tenant and id as the item's keys and order in its"
                f" source position: remove {rule.pattern}"
            )
        if first.startswith("_") or first in {TENANT_ID, ITEM_ID}:
            raise PolicyError(
                f"{where}: names starting with _, {TENANT_ID} and {ITEM_ID} are reserved: remove {rule.pattern}"
            )


def _check_reachable(table: _Table, rules: Mapping[Pattern, Rule]) -> None:
    """A sealed parent seals its whole subtree: a rule underneath would never be asked."""
    for rule in rules.values():
        components = rule.pattern.components
        for length in range(1, len(components)):
            parent = _winner(rules, replace(rule.pattern, components=components[:length]))
            if parent is not None and isinstance(parent.treatment, SealAs):
                raise PolicyError(
                    f"{table.file}:{rule.line}: a sealed parent seals all underneath as one value: {rule.pattern} lies"
                    f" under {parent.pattern} of line {parent.line}, remove one of them"
                )


def _winner(rules: Mapping[Pattern, Rule], pattern: Pattern) -> Rule | None:
    """The most exact of the rules that are about every path of this pattern."""
    if exact := rules.get(pattern):
        return exact
    endings = (pattern.components[start:] for start in range(len(pattern.components)))
    candidates = (rules.get(Pattern(anywhere=True, components=ending)) for ending in endings)
    return next((rule for rule in candidates if rule), None)


def _one_of(choices: Iterable[str]) -> str:
    return ", ".join(f'"{choice}"' for choice in choices)


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)
