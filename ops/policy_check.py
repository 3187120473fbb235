"""`sealstream policy check`: does the policy load, and what would become of each attribute of a record.

Attribute names are shown, since it is the operator's own record; values never are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final

from consumers.encryptor.identify import identify
from shared.decode import decode
from shared.errors import PolicyError, RecordRejected
from shared.model import ELEMENT, ITEM_ID, TENANT_ID, Attributes, AttributeValue, InboundRecord, Path
from shared.policy.compiled import PLAIN_TYPES, KeepPlain, Policy, Rule, SealAs, Undeclared, UnknownOrder, rule_at
from shared.policy.load import load_policy
from shared.policy.paths import format_path
from shared.policy.plan import plan
from shared.sealing import ItemAddress, check_sealed_size

_OPERATION: Final = "_op"
_TYPE_NAMES: Final = {tag: name for name, tag in PLAIN_TYPES.items()}
_SOMEWHERE: Final = InboundRecord("0", "shardId-000000000000", 0, b"", 0.0, b"")


_WITHOUT_ORDER: Final = {
    UnknownOrder.QUARANTINE: "none: records of one partition key in Kinesis' order, one of another key is quarantined",
    UnknownOrder.ARRIVAL: "none: records by their time of arrival in Kinesis",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What would become of one attribute.

    Attributes:
        path: in the policy's notation; list elements of one path share a row.
        becomes: sealed, plain or rejected, and as what or why.
        decided_by: the line of the policy or the table that says so.
        rejected: the whole record would go to quarantine.
    """

    path: str
    becomes: str
    decided_by: str
    rejected: bool = False


def policy_check(file: FilePath, record: FilePath | None = None) -> int:
    """Print the policy's summary or, with a JSON record, the fate of its attributes.

    Returns:
        The exit status: 0, or 1 where the policy does not load or the record would be quarantined.
    """
    try:
        policy = load_policy(file)
    except PolicyError as error:
        print(error, file=sys.stderr)
        return 1
    if record is None:
        print("\n".join(summary(policy)))
        return 0
    try:
        rows = describe(policy, decode(record.read_bytes()))
    except OSError as error:
        print(f"{record}: the record file must be readable: {error.strerror}", file=sys.stderr)
        return 1
    except RecordRejected as error:
        print(f"{record}: quarantined: {error}", file=sys.stderr)
        return 1
    print(_table(("attribute", "becomes", "decided by"), ((row.path, row.becomes, row.decided_by) for row in rows)))
    if any(row.rejected for row in rows):
        print(f"{record}: the record would be quarantined", file=sys.stderr)
        return 1
    return 0


def describe(policy: Policy, record: Attributes) -> list[Row]:
    """What would become of each attribute of a decoded record, in its order."""
    rows = list(_record_rows(policy, record))
    for name, value in record.items():
        if name not in {policy.item.tenant, policy.item.id, _OPERATION}:
            rows += _attribute_rows(policy, name, value)
    if not any(row.rejected for row in rows):
        rows += _size_rows(policy, record)
    return list(dict.fromkeys(rows))


def summary(policy: Policy) -> list[str]:
    """The policy in words, one line each."""
    item, defaults = policy.item, policy.defaults
    fate = f"sealed as {defaults.data_class}" if defaults.undeclared is Undeclared.SEAL else "rejected"
    classes = (
        one.name + (f" (new key every {one.rotate_after_days} days)" if one.rotate_after_days else "")
        for one in policy.classes.values()
    )
    rules = _table(
        ("path", "becomes", "decided by"),
        ((str(rule.pattern), _treated(rule), f"line {rule.line}") for rule in policy.rules),
    )
    return [
        f"dataset      {policy.dataset}",
        f"digest       {policy.digest.hex()}",
        f"item         tenant {format_path((item.tenant,))}, id {format_path((item.id,))}, order "
        + (format_path((item.order,)) if item.order else _WITHOUT_ORDER[item.unknown_order]),
        f"undeclared   {fate}",
        f"classes      {', '.join(classes)}",
        f"detected     {', '.join(sorted(policy.detect)) or 'nothing'}",
        "",
        rules,
    ]


def _record_rows(policy: Policy, record: Attributes) -> Iterator[Row]:
    """The keys, and what keeps the record from having a place in the table."""
    for name, key in ((policy.item.tenant, TENANT_ID), (policy.item.id, ITEM_ID)):
        if name in record:
            yield Row(format_path((name,)), f"plain, as the item's {key}", "[item]")
    if _OPERATION in record:
        yield Row(_OPERATION, "not stored: says what to do with the item", "reserved name")
    try:
        identify(_SOMEWHERE, dict(record), policy)
    except RecordRejected as error:
        yield Row("(record)", f"rejected: {error}", "[item]", rejected=True)


def _attribute_rows(policy: Policy, name: str, value: AttributeValue) -> Iterator[Row]:
    """Read off the plan that the encryptor would follow."""
    try:
        planned = plan(policy, {name: value})
    except RecordRejected as error:
        decided_by = "[defaults]" if policy.defaults.undeclared is Undeclared.REJECT else "reserved name"
        yield Row(format_path((name,)), f"rejected: {error}", decided_by, rejected=True)
        return
    slots = iter(planned.slots)
    for path, tag in _leaves((name,), planned.fill([b""] * len(planned.slots))[name]):
        rule = rule_at(policy.place_of(path))
        if tag == "B":
            yield Row(format_path(path), f"sealed as {next(slots).data_class}", _sealed_by(rule))
        else:
            yield Row(format_path(path), f"plain {_type_name(tag)}", _named(rule))


def _size_rows(policy: Policy, record: Attributes) -> Iterator[Row]:
    """Whether the item fits into the table once sealed."""
    identified = identify(_SOMEWHERE, dict(record), policy)
    address = ItemAddress(identified.tenant_id, identified.item_id, identified.position, identified.record.arrived_at)
    try:
        check_sealed_size(address, plan(policy, identified.attributes), policy=policy)
    except RecordRejected as error:
        yield Row("(record)", f"rejected: {error}", "DynamoDB", rejected=True)


def _leaves(path: Path, value: AttributeValue) -> Iterator[tuple[Path, str]]:
    """Path and type tag of each value that holds no other."""
    ((tag, content),) = value.items()
    if tag == "M":
        for key, one in content.items():
            yield from _leaves((*path, key), one)
    elif tag == "L":
        for one in content:
            yield from _leaves((*path, ELEMENT), one)
    else:
        yield path, tag


def _sealed_by(rule: Rule | None) -> str:
    if rule is None:
        return "[defaults]: undeclared"
    if isinstance(rule.treatment, SealAs):
        return _named(rule)
    return f"[defaults]: not the type of {_named(rule)}"


def _named(rule: Rule | None) -> str:
    return f"line {rule.line}: {rule.pattern}" if rule else ""


def _treated(rule: Rule) -> str:
    match rule.treatment:
        case SealAs(data_class):
            return f"sealed as {data_class}"
        case KeepPlain(tags):
            return f"plain {' or '.join(sorted(map(_type_name, tags)))}"


def _type_name(tag: str) -> str:
    return _TYPE_NAMES.get(tag, tag.lower())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Columns as wide as their widest cell."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
