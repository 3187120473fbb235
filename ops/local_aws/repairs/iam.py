"""IAM: the condition keys that a request gives, each permission it needs, and refusals in AWS's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import error_response_json

from ops.local_aws.repairs import iam_dynamodb, iam_kms, iam_s3, iam_sessions, iam_streams, iam_variables

#: Where the parsed request travels from `request_context` to `enforce`; no policy can name it.
_REQUEST: Final = "local request"
#: Refused with status 400 and a message that names the resource.
_JSON_SERVICES: Final = {"kms", "dynamodb", "dynamodbstreams", "kinesis"}

#: Operations that IAM knows under another name; MiniStack asks for a permission that no policy can give.
_PERMISSION_OF: Final = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}

#: The permission that was last refused in this request: action and resource.
_refused: ContextVar[tuple[str, str]] = ContextVar("refused", default=("", ""))

_stock_resource_arn = iam_actions.extract_resource_arn
_stock_request_context = iam_actions.request_tag_context
_stock_transaction_checks = iam_actions.dynamodb_transaction_checks
_stock_access_denied_response = iam_actions.access_denied_response
_stock_enforce = iam_evaluator.enforce
_stock_combine_resource_policy = iam_evaluator.combine_resource_policy
_stock_pin_request_origin = iam_evaluator.pin_request_origin


def apply() -> None:
    """Make MiniStack's IAM what the repairs of this module and its neighbours say."""
    iam_variables.apply()
    iam_sessions.apply()
    iam_s3.apply()
    iam_actions.extract_resource_arn = resource_arn
    iam_actions.request_tag_context = request_context
    iam_actions.dynamodb_service_context = lambda _body: {}  # request_context says it, knowing the operation
    iam_actions.dynamodb_transaction_checks = transaction_checks
    iam_actions.access_denied_response = access_denied_response
    iam_evaluator.enforce = enforce
    iam_evaluator.combine_resource_policy = combine_resource_policy
    # aws:SecureTransport is true: policies that insist on TLS hold for this loopback server too.
    app.pin_request_origin = lambda source_ip, _secure: _stock_pin_request_origin(source_ip, True)


def resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
    """The ARN of what a request is about; of a stream also where only a shard iterator names it."""
    known = iam_streams.stream_arn(service, _parsed(body)) if service in ("kinesis", "dynamodbstreams") else ""
    return known or str(_stock_resource_arn(service, method, path, headers, body, *rest))


def request_context(service: str, action: str, body: bytes, parameters: Any) -> dict[str, Any]:
    """The condition keys that the request's body gives, beside its tags."""
    context = dict(_stock_request_context(service, action, body, parameters))
    if service == "kms":
        context[_REQUEST] = _parsed(body)
    if service == "dynamodb":
        context |= iam_dynamodb.condition_keys(action.removeprefix("dynamodb:"), _parsed(body))
    return context


def transaction_checks(action: str, body: bytes, region: str, account: str) -> list[tuple[str, str]]:
    """The permission that each item of a transaction, and each PartiQL statement, needs."""
    checks: list[tuple[str, str]] = _stock_transaction_checks(action, body, region, account)
    return checks or iam_dynamodb.partiql_checks(action.removeprefix("dynamodb:"), _parsed(body), region, account)


def enforce(  # the signature is MiniStack's
    access_key_id: str,
    iam_action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: Mapping[str, Any] | None = None,
) -> Any:
    """None where the request is allowed, else what refused it. A KMS request is checked on the key that it means."""
    iam_action = _PERMISSION_OF.get(iam_action, iam_action)
    context = dict(service_context or {})
    request = context.pop(_REQUEST, None)
    if iam_action == "sts:AssumeRole":
        return _may_assume(access_key_id, region, resource_arn, context)
    if request is None:
        _refused.set((iam_action, resource_arn))
        refusal = _stock_enforce(access_key_id, iam_action, service, region, resource_arn, context)
        if refusal is None and service == "s3":
            return iam_s3.refusal_of_root(access_key_id, iam_action, resource_arn, region, context)
        return refusal
    for check in iam_kms.checks(iam_action, request):
        arn = check.key_arn or resource_arn
        _refused.set((check.action, arn))
        refusal = _stock_enforce(access_key_id, check.action, service, region, arn, context | check.condition_keys())
        if refusal and not _granted(check, refusal):
            return refusal
    return None


def _may_assume(access_key_id: str, region: str, role_arn: str, context: Mapping[str, Any]) -> Any:
    """AWS: the caller's policies permit a session, and its tags apart from it, unless the role trusts it by name.

    Stock asks for both policies whatever the role says, and never for the right to tag.
    """
    for action in ("sts:AssumeRole", *(["sts:TagSession"] if "aws:TagKeys" in context else [])):
        _refused.set((action, role_arn))
        refusal = _stock_enforce(access_key_id, action, "sts", region, role_arn, context)
        if refusal and not (
            _is_implicit(refusal) and iam_sessions.trusts_by_name(role_arn, action, refusal.principal_arn)
        ):
            return refusal
    return None


def _is_implicit(refusal: Any) -> bool:
    return isinstance(refusal, iam_evaluator.EvalResult) and refusal.decision == "ImplicitDeny"


def _granted(check: iam_kms.KmsCheck, refusal: Any) -> bool:
    """A grant permits what no policy allows, but nothing that a policy denies."""
    return _is_implicit(refusal) and iam_kms.grant_allows(check, refusal.principal_arn)


def combine_resource_policy(
    identity: Any, context: Any, policy: Any, owner: str | None, *arguments: Any, **options: Any
) -> Any:
    """MiniStack's decision; where only the resource's policy is in the way, the decision says so."""
    result = _stock_combine_resource_policy(identity, context, policy, owner, *arguments, **options)
    if identity.decision == "Allow" and result.decision == "ImplicitDeny":
        result.resource_policy_arn = context.resource_arn
    return result


def access_denied_response(  # the signature is MiniStack's
    service: str, action: str, principal_arn: str, request_id: str, **options: Any
) -> Any:
    """AccessDeniedException that names principal, action, resource and the kind of policy, as AWS words it."""
    if service == "sts" and not options.get("error_code"):
        action = _refused.get()[0]  # TagSession is asked for by AssumeRole
    if service not in _JSON_SERVICES or options.get("error_code") or options.get("message"):
        return _stock_access_denied_response(service, action, principal_arn, request_id, **options)
    refused_action, resource = _refused.get()
    article, policy = (
        ("a", "resource-based policy") if options.get("resource_policy_arn") else ("an", "identity-based policy")
    )
    reason = (
        f"with an explicit deny in {article} {policy}"
        if options.get("explicit_deny")
        else f"because no {policy} allows the {refused_action} action"
    )
    message = f"User: {principal_arn} is not authorized to perform: {refused_action} on resource: {resource} {reason}"
    return error_response_json("AccessDeniedException", message, 400)


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}
