"""IAM of S3: conditions of a put, rights to lock, and bucket policies that deny to the root user, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id

_IF: Final = {"if-match": "s3:if-match", "if-none-match": "s3:if-none-match"}
_LOCKS: Final = {
    "x-amz-object-lock-mode": "s3:PutObjectRetention",
    "x-amz-object-lock-retain-until-date": "s3:PutObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
}
_POLICIES_OWN: Final = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})
"""The root user may always mend a policy that locks everybody out."""

_stock_context = iam_actions.s3_service_context
_stock_checks = iam_actions.s3_additional_checks


def apply() -> None:
    """Make MiniStack's IAM know what policies of buckets say about puts."""
    iam_actions.s3_service_context = context
    iam_actions.s3_additional_checks = additional_checks


def context(
    iam_action: str, parameters: Mapping[str, Any] | None, path: str = "", headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """AWS: a policy may ask on what condition something is put. Stock tells it nothing of that."""
    known: dict[str, Any] = _stock_context(iam_action, parameters, path, headers)
    if iam_action == "s3:PutObject":
        known |= {key: headers[name] for name, key in _IF.items() if headers and headers.get(name)}
    return known


def additional_checks(
    method: str, path: str, headers: Mapping[str, str], body: bytes, parameters: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """AWS: who locks what he puts needs the right to lock, too. Stock asks for it in forms of a browser only."""
    checks: list[tuple[str, str]] = _stock_checks(method, path, headers, body, parameters)
    if method != "PUT" or not path.strip("/").partition("/")[2] or parameters:
        return checks
    arn = f"arn:aws:s3:::{path.strip('/')}"
    return [*checks, *((right, arn) for right in sorted({_LOCKS[name] for name in _LOCKS if headers.get(name)}))]


def refusal_of_root(access_key_id: str, iam_action: str, arn: str, region: str, keys: Mapping[str, Any]) -> Any:
    """AWS: what a bucket's policy denies to everybody it denies to the root user as well. Stock asks no policy then.

    None where the caller is not the root user, or nothing is denied.
    """
    if iam_action in _POLICIES_OWN or not arn.startswith("arn:aws:s3:::"):
        return None
    if not iam_evaluator.is_root_access_key(access_key_id):
        return None
    account = get_account_id()
    found = iam_evaluator._resource_policy("s3", arn)
    if found is None or not found[0]:
        return None
    asked = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{account}:root",
        principal_type="Root",
        principal_account=account,
        action=iam_action,
        resource_arn=arn,
        region=region,
        service_context={name.lower(): value for name, value in keys.items()},
        principal_keys={},
    )
    result = iam_evaluator.evaluate_resource_policy(found[0], asked)
    if result.decision != "Deny":
        return None
    result.principal_arn, result.resource_policy_arn = asked.principal_arn, arn
    return result
