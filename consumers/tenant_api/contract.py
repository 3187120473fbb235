"""openapi.json is the contract: which operations there are, and what their parameters and bodies must be."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from consumers.tenant_api.problems import ProblemType, Refused
from consumers.tenant_api.request import Request

_FILE: Final = Path(__file__).with_name("openapi.json")
_METHODS: Final = ("get", "post", "delete")
_INTEGER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_PRECONDITIONS: Final = frozenset({"if-match", "if-unmodified-since"})
"""Of RFC 9110, those that keep an operation from being done; of a read the others say only what a cache holds."""
_BODY_RULES: Final[Mapping[str, str]] = {
    "maxProperties": "it has more attributes than an item may have",
    "anyOf": "a marker that stands for a value cannot be stored",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation.

    Attributes:
        says: what the document says of it.
    """

    name: str
    where: str
    says: str
    is_integer: bool
    required: bool
    default: Any
    validator: Any = field(repr=False)

    def read(self, request: Request) -> Any:
        """Its value, or the default.

        Raises:
            Refused: invalid-request; the value is not quoted.
        """
        given = {"path": request.path, "query": request.query, "header": request.headers}[self.where]
        text = given.get(self.name.lower() if self.where == "header" else self.name)
        if text is None and not self.required:
            return self.default
        value: Any = int(text) if self.is_integer and text is not None and _INTEGER.fullmatch(text) else text
        if not self.validator.is_valid(value):
            raise Refused(
                ProblemType.INVALID_REQUEST,
                f"{self.where} parameter {self.name} is not as the document says: {self.says}",
            )
        return value


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document.

    Attributes:
        scope: that a token must have; "" where none is needed.
        body: validates what is sent; None where nothing is.
    """

    name: str
    scope: str
    parameters: tuple[Parameter, ...]
    body: Any = field(repr=False)

    def read(self, request: Request) -> dict[str, Any]:
        """The parameters by their names.

        Raises:
            Refused: invalid-request, also for a query that the operation does not have: part of a path may be in it;
                and for a precondition that it does not have: it would be done without.
        """
        known = {one.name for one in self.parameters if one.where == "query"}
        if request.query.keys() - known or (request.raw_query and not known):
            raise Refused(ProblemType.INVALID_REQUEST, "the operation has no such query parameter")
        if _PRECONDITIONS & request.headers.keys() - {one.name.lower() for one in self.parameters}:
            raise Refused(ProblemType.INVALID_REQUEST, "the operation has no such precondition")
        return {one.name: one.read(request) for one in self.parameters}

    def check_body(self, value: Any) -> None:
        """Hold a decoded body against its schema.

        Raises:
            Refused: invalid-item, with the rule that it breaks and nothing of it.
        """
        for error in self.body.iter_errors(value):
            rule = next((part for part in reversed(error.schema_path) if part in _BODY_RULES), "")
            raise Refused(ProblemType.INVALID_ITEM, _BODY_RULES.get(rule, "the body is not as the document says"))


def document_text() -> str:
    """The document as it is served."""
    return _FILE.read_text(encoding="utf-8")


@cache
def operations() -> Mapping[str, Operation]:
    """Every operation by its route, such as `GET /tenants/{tenant_id}/items`."""
    document = json.loads(document_text())
    return {
        f"{method.upper()} {path}": _operation(document, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    }


def _operation(document: Mapping[str, Any], described: Mapping[str, Any]) -> Operation:
    parameters = [_resolved(document, one) for one in described["parameters"]]
    content = described.get("requestBody", {}).get("content", {})
    return Operation(
        name=described["operationId"],
        scope=next((scope for one in described["security"] for scope in one["token"]), ""),
        parameters=tuple(
            Parameter(
                name=one["name"],
                where=one["in"],
                says=one["description"],
                is_integer=one["schema"].get("type") == "integer",
                required=one["required"],
                default=one["schema"].get("default"),
                validator=_validator(document, one["schema"]),
            )
            for one in parameters
        ),
        body=_validator(document, content["application/json"]["schema"]) if content else None,
    )


def _resolved(document: Mapping[str, Any], described: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = described.get("$ref")
    return document["components"]["parameters"][reference.rpartition("/")[2]] if reference else described


def _validator(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator({"components": document["components"], **schema})
