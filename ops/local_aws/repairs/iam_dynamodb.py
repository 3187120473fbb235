"""IAM for DynamoDB: the condition keys of fine-grained access control, and PartiQL's own actions.

`dynamodb:LeadingKeys` holds the partition key values that a request names (of the index, where it queries one) and
`dynamodb:Attributes` all top-level attributes that it names, the primary key's among them: what it reads, writes or
evaluates in any expression. A request that reads says in `dynamodb:Select` whether it projects.
Source: "Using IAM policy conditions for fine-grained access control" in the DynamoDB developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ministack.core.iam_actions import _dynamodb_table_arn
from ministack.services import dynamodb

Request = Mapping[str, Any]

_READS: Final = {"GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan"}
_WRITES: Final = {"PutItem", "UpdateItem", "DeleteItem"}
_PARTIQL: Final = {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}
_EXPRESSIONS: Final = (
    "ProjectionExpression",
    "FilterExpression",
    "ConditionExpression",
    "UpdateExpression",
    "KeyConditionExpression",
)
_LEGACY_PARAMETERS: Final = ("AttributesToGet", "AttributeUpdates", "Expected", "KeyConditions", "QueryFilter")
#: A name at the top level: no nested part, no value, no function.
_TOP_LEVEL_NAME: Final = re.compile(r"(?<![\w.:#])(#\w+|[A-Za-z_]\w*)\b(?!\s*\()")
_KEYWORDS: Final = {"and", "or", "not", "in", "between", "set", "remove", "add", "delete"}
_EQUALITY: Final = re.compile(r"(#?\w+)\s*=\s*(:\w+)|(:\w+)\s*=\s*(#?\w+)")


def condition_keys(operation: str, request: Request) -> dict[str, Any]:
    """The condition keys of one request; a key that does not apply is absent."""
    if operation in _PARTIQL:
        parsed = list(_statements(request))
        leading = [value for statement in parsed for value in _statement_leading_keys(statement)]
        attributes = {name for statement in parsed for name in _statement_attributes(statement)}
        reads_all = any(statement["op"] == "SELECT" and not statement["projections"] for statement in parsed)
        select = "ALL_ATTRIBUTES" if reads_all else "SPECIFIC_ATTRIBUTES"
    else:
        parts = list(_parts(request))
        leading = [value for table, part in parts for value in _leading_keys(table, part)]
        attributes = {name for _, part in parts for name in _attributes(part)}
        select = _select(request, parts) if operation in _READS else ""
    keys: dict[str, Any] = {
        "dynamodb:LeadingKeys": leading,
        "dynamodb:Attributes": sorted(attributes),
        "dynamodb:Select": select,
        "dynamodb:ReturnValues": request.get("ReturnValues", "NONE") if operation in _WRITES else "",
    }
    return {name: value for name, value in keys.items() if value}


def _parts(request: Request) -> Iterator[tuple[str, Request]]:
    """Each table that a request addresses, with the parameters that hold for it; one entry per written item."""
    if "TableName" in request:
        yield request["TableName"], request
    for table, wanted in (request.get("RequestItems") or {}).items():
        if isinstance(wanted, dict):
            yield table, wanted
        else:
            yield from ((table, detail) for write in wanted for detail in write.values())
    for item in request.get("TransactItems") or []:
        yield from ((detail.get("TableName", ""), detail) for detail in item.values())


def _items(part: Request) -> Iterator[Mapping[str, Any]]:
    """The keys and items that a request spells out."""
    yield from (part[field] for field in ("Key", "Item") if field in part)
    yield from part.get("Keys") or []


def _leading_keys(table_name: str, part: Request) -> Iterator[str]:
    name = _partition_key(table_name, part.get("IndexName"))
    yield from (_text(item[name]) for item in _items(part) if name in item)
    values = part.get("ExpressionAttributeValues") or {}
    for left, value, other_value, right in _EQUALITY.findall(part.get("KeyConditionExpression") or ""):
        if _resolved(left or right, part) == name and (value or other_value) in values:
            yield _text(values[value or other_value])
    legacy = (part.get("KeyConditions") or {}).get(name) or {}
    yield from (_text(value) for value in legacy.get("AttributeValueList") or [])


def _partition_key(table_name: str, index_name: str | None) -> str:
    table = dynamodb._tables.get(dynamodb._normalize_table_name(table_name))
    return str(dynamodb._resolve_index_keys(table, index_name)[0]) if table else ""


def _text(value: Mapping[str, Any]) -> str:
    """A key value as a policy writes it."""
    return str(next(iter(value.values()), ""))


def _attributes(part: Request) -> Iterator[str]:
    for item in _items(part):
        yield from item
    for parameter in _LEGACY_PARAMETERS:
        yield from part.get(parameter) or []
    for parameter in _EXPRESSIONS:
        names = _TOP_LEVEL_NAME.findall(part.get(parameter) or "")
        yield from (_resolved(name, part) for name in names if name.lower() not in _KEYWORDS)


def _resolved(name: str, part: Request) -> str:
    return str((part.get("ExpressionAttributeNames") or {}).get(name, name))


def _select(request: Request, parts: Iterable[tuple[str, Request]]) -> str:
    if request.get("Select"):
        return str(request["Select"])
    if all("ProjectionExpression" in part or "AttributesToGet" in part for _, part in parts):
        return "SPECIFIC_ATTRIBUTES"
    return "ALL_PROJECTED_ATTRIBUTES" if request.get("IndexName") else "ALL_ATTRIBUTES"


def partiql_checks(operation: str, request: Request, region: str, account: str) -> list[tuple[str, str]]:
    """The permission that each PartiQL statement needs, on its table or index: `dynamodb:PartiQLInsert` and so on.

    None for an operation that runs no statement.
    """
    if operation not in _PARTIQL:
        return []
    return [
        (
            f"dynamodb:PartiQL{statement['op'].capitalize()}",
            _dynamodb_table_arn(statement["table"], region, account)
            + (f"/index/{statement['index']}" if statement["index"] else ""),
        )
        for statement in _statements(request)
    ]


def _statements(request: Request) -> Iterator[dict[str, Any]]:
    """The parsed statements; one that does not parse is left out, for DynamoDB to refuse."""
    entries = request.get("Statements") or request.get("TransactStatements") or [request]
    for entry in entries:
        try:
            statement = dynamodb._parse_partiql(entry.get("Statement", ""), entry.get("Parameters"))
        except ValueError:
            continue
        yield statement["select"] if statement["op"] == "EXISTS" else statement


def _statement_leading_keys(statement: Mapping[str, Any]) -> Iterator[str]:
    name = _partition_key(statement["table"], statement["index"])
    if name in statement.get("item", {}):
        yield _text(statement["item"][name])
    for attribute, operator, value in statement["conditions"]:
        if attribute == name and operator in ("=", "IN"):
            yield from (_text(it) for it in (value if isinstance(value, list) else [value]))


def _statement_attributes(statement: Mapping[str, Any]) -> Iterator[str]:
    yield from statement.get("item", {})
    yield from (attribute for attribute, _, _ in statement["conditions"])
    yield from (path[0] for path, _ in statement.get("assignments", []))
    yield from (path[0] for path in statement.get("removes", []))
    yield from (re.split(r"[.\[]", path, maxsplit=1)[0] for path in statement.get("projections") or [])
