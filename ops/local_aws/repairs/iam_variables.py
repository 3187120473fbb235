"""IAM: policy variables like `${aws:PrincipalTag/TenantID}`, and condition keys that describe the caller.

A variable that the request gives no single value makes its statement match nothing, as on AWS. A default
(`${aws:PrincipalTag/TenantID, 'none'}`) stands in for it. The escapes `${*}`, `${?}` and `${$}` are not
supported: they count as variables without a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ministack.core import iam_evaluator
from ministack.services import iam

_VARIABLE: Final = re.compile(r"\$\{\s*([^},]+?)\s*(?:,\s*'([^']*)'\s*)?\}")
_ASSUMED_ROLE: Final = re.compile(r"arn:(aws[\w-]*):sts::(\d{12}):assumed-role/([^/]+)/.+")

_stock_conditions_met = iam_evaluator._conditions_met
_stock_resolve_condition_key = iam_evaluator._resolve_condition_key


class _NoValueError(Exception):
    """A policy variable has no single value in this request."""


def apply() -> None:
    """Replace the functions through which MiniStack matches every statement of every policy."""
    iam_evaluator._first_match = first_match
    iam_evaluator._conditions_met = conditions_met
    iam_evaluator._resolve_condition_key = resolve_condition_key


def first_match(context: Any, statements: Iterable[Any], effect: str) -> Any:
    """The first statement of this effect that matches the request, variables in its resources substituted."""
    for statement in statements:
        if (
            statement.effect == effect
            and iam_evaluator._action_matches(context.action, statement.actions, statement.not_actions)
            and _resource_matches(context, statement)
            and iam_evaluator._conditions_met(statement.conditions, context)
        ):
            return statement
    return None


def _resource_matches(context: Any, statement: Any) -> bool:
    try:
        resources = _substituted_each(statement.resources, context)
        not_resources = _substituted_each(statement.not_resources, context)
    except _NoValueError:
        return False
    return bool(iam_evaluator._resource_matches(context.resource_arn, resources, not_resources))


def conditions_met(conditions: Mapping[str, Any], context: Any) -> bool:
    """Whether all conditions hold, variables in their values substituted."""
    try:
        substituted = {
            operator: {key: _substituted_each(values, context) for key, values in block.items()}
            for operator, block in (conditions or {}).items()
            if isinstance(block, dict)
        }
    except _NoValueError:
        return False
    return bool(_stock_conditions_met(substituted, context))


def _substituted_each(values: Any, context: Any) -> list[str]:
    return [_substituted(str(value), context) for value in (values if isinstance(values, list) else [values])]


def _substituted(text: str, context: Any) -> str:
    def value_of(match: re.Match[str]) -> str:
        key, default = match.groups()
        value = iam_evaluator._resolve_condition_key(key, context)
        if value is not None and not isinstance(value, list):
            return str(value)
        if default is None:
            raise _NoValueError
        return default

    return _VARIABLE.sub(value_of, text)


def resolve_condition_key(key: str, context: Any) -> Any:
    """The request's value for a condition key; for a role's session `aws:PrincipalArn` is the role, not the session."""
    match key.lower():
        case "aws:principalarn":
            return role_of(context.principal_arn)
        case "kms:calleraccount":
            return context.principal_account
        case "aws:tagkeys":
            return _stock_resolve_condition_key(key, context) or None  # a request without tags has no such key
        case _:
            return _stock_resolve_condition_key(key, context)


def role_of(principal_arn: str) -> str:
    """The ARN of the role whose session this is, with its path; any other principal's ARN as it is."""
    session = _ASSUMED_ROLE.fullmatch(principal_arn)
    if session is None:
        return principal_arn
    partition, account, name = session.groups()
    role = iam._roles.get_scoped(account, None, name) or {}
    arn: str = role.get("Arn", f"arn:{partition}:iam::{account}:role/{name}")
    return arn
