"""STS: who may assume a role and tag its session, what a session's name, tags and length may be."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from ministack.core import iam_evaluator
from ministack.core.router import extract_access_key_id
from ministack.services import iam, sts

Parameters = Mapping[str, str]

_SESSION_NAME: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_TAG_PUNCTUATION: Final = frozenset("_.:/=+-@")
_MAX_TAGS: Final = 50
_MAX_TAG_KEY: Final = 128
_MAX_TAG_VALUE: Final = 256
#: Where the caller is a session itself.
_MAX_CHAINED_SECONDS: Final = 3600

_stock_handle_request = sts.handle_request


def apply() -> None:
    """Look at a request for a session before MiniStack makes it."""
    sts.handle_request = handle_request


def trusts_by_name(role_arn: str, action: str, principal_arn: str) -> bool:
    """AWS: a role that trusts its caller by name, and not the account alone, asks for no identity policy.

    Whether the trust policy's conditions hold is seen when the session is made.
    """
    statements = json.loads(_role(role_arn).get("AssumeRolePolicyDocument") or "{}").get("Statement", [])
    return any(
        statement.get("Effect") == "Allow"
        and iam_evaluator._action_matches(action, _listed(statement.get("Action", [])), [])
        and iam_evaluator._names_caller(statement.get("Principal", {}), principal_arn)
        for statement in _listed(statements)
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _role(arn: str) -> Mapping[str, Any]:
    return iam._roles.get(arn.rsplit("/", 1)[-1]) or {}


async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    """AWS: a session has a name and tags of some form, and an end. Stock takes any.

    Chosen to be unlike AWS: it may be shorter than 15 minutes, so that tests see it end.
    """
    parameters = {name: values[0] for name, values in parse_qs(body.decode(errors="replace"), True).items()}
    if parameters.get("Action") == "AssumeRole":
        is_chained = extract_access_key_id(headers, query) in sts._sessions
        for problem in _problems(parameters, is_chained=is_chained):
            return sts._error(400, "ValidationError", problem, ns="sts")
    return await _stock_handle_request(method, path, headers, body, query)


def _problems(parameters: Parameters, *, is_chained: bool) -> Iterator[str]:
    if not _SESSION_NAME.fullmatch(parameters.get("RoleSessionName", "")):
        yield "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint"
    seconds = int(parameters.get("DurationSeconds") or 0)
    if is_chained and seconds > _MAX_CHAINED_SECONDS:
        yield "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    if seconds > _role(parameters.get("RoleArn", "")).get("MaxSessionDuration", seconds):
        yield "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    keys = _values(parameters, "Key")
    if len(keys) > _MAX_TAGS:
        yield "1 validation error detected: Value at 'tags' failed to satisfy constraint"
    for name, values, least, most in (
        ("key", keys, 1, _MAX_TAG_KEY),
        ("value", _values(parameters, "Value"), 0, _MAX_TAG_VALUE),
    ):
        if not all(least <= len(value) <= most and all(map(_may_stand_in_a_tag, value)) for value in values):
            yield f"1 validation error detected: Value at 'tags.1.member.{name}' failed to satisfy constraint"


def _values(parameters: Parameters, kind: str) -> list[str]:
    return [value for name, value in parameters.items() if re.fullmatch(rf"Tags\.member\.\d+\.{kind}", name)]


def _may_stand_in_a_tag(character: str) -> bool:
    """Letters, separators and digits of any script."""
    return character in _TAG_PUNCTUATION or unicodedata.category(character)[0] in "LZN"
