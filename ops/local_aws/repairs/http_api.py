"""API Gateway's HTTP APIs: what becomes of a path, what the function gets, and what its caller is answered."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway, lambda_svc
from ministack.services.cloudformation import provisioners

from ops.local_aws.repairs import http_api_tokens

Response = tuple[int, dict[str, Any], bytes]

_PAYLOAD_BYTES: Final = 10 * 2**20
_INVALID_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})")

_stock_handle_execute = apigateway.handle_execute
_stock_preflight = apigateway._cors_preflight_response
_stock_invoke = apigateway._invoke_lambda_proxy
_stock_run = apigateway.run_reentrant
_stock_proxy_response = lambda_svc.lambda_execute_result_to_api_proxy_response
_stock_stage_props = provisioners._apigw_v2_stage_props


def apply() -> None:
    """Replace what MiniStack does otherwise than an HTTP API."""
    http_api_tokens.apply()
    apigateway.decode_http_api_path = decoded_once
    apigateway.handle_execute = handle_execute
    apigateway._cors_preflight_response = preflight
    apigateway._invoke_lambda_proxy = invoke
    apigateway.run_reentrant = run
    lambda_svc.lambda_execute_result_to_api_proxy_response = proxy_response
    provisioners._apigw_v2_stage_props = stage_properties
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    handlers["create"] = _with_reachable_endpoint(handlers["create"])


def _with_reachable_endpoint(stock_create: Callable[..., Any]) -> Callable[..., Any]:
    """AWS: an API's endpoint is a URL that works. Stock's has a name under `localhost`, which not all resolve."""

    def create(*arguments: Any, **options: Any) -> Any:
        api_id, attributes = stock_create(*arguments, **options)
        api = apigateway._apis[api_id]
        if api["protocolType"] == "HTTP":
            api["apiEndpoint"] = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/_aws/execute-api/{api_id}"
        return api_id, {**attributes, "ApiEndpoint": api["apiEndpoint"]}

    return create


def decoded_once(raw_path: str) -> str:
    """The first half of what AWS does to a path: decode it, and take what follows a `?` that appears for a query."""
    return unquote(raw_path).partition("?")[0]


async def handle_execute(
    api_id: str, stage: str, path: str, method: str, headers: Any, body: bytes, *rest: Any, **options: Any
) -> Response:
    """AWS: a path is decoded a second time, or refused; a body has 10 MB. Stock decodes once, and has no limit."""
    if _INVALID_ESCAPE.search(path):
        return _message(400, "Bad Request")
    if len(body or b"") > _PAYLOAD_BYTES:
        return _message(413, "Request Entity Too Large")
    answer: Response = await _stock_handle_execute(
        api_id, stage, unquote(path), method, headers, body, *rest, **options
    )
    return answer


def preflight(cors: Mapping[str, Any], origin: str) -> Response:
    """AWS: OPTIONS is a method like others where CORS is not configured; here without routes of its own."""
    answer: Response = _stock_preflight(cors, origin) if cors else apigateway._http_api_not_found()
    return answer


async def invoke(
    integration: Mapping[str, Any], api_id: str, stage: str, path: str, method: str, *rest: Any, **options: Any
) -> Response:
    """AWS: a function's policy has to let the API in. Stock never looks."""
    route_key = options.get("route_key") or rest[3]
    function = apigateway._extract_lambda_ref_from_integration_uri(integration.get("integrationUri", ""))
    if not _may_invoke(function, f"{api_id}/{stage}/{route_key.replace(' ', '', 1)}"):
        return _message(500, "Internal Server Error")
    answer: Response = await _stock_invoke(integration, api_id, stage, path, method, *rest, **options)
    return answer


def _may_invoke(function: str, route: str) -> bool:
    policy, _ = lambda_svc.function_policy_for_arn(function) or (None, "")
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=function,
        region=get_region(),
        service_context={
            "aws:sourcearn": f"arn:aws:execute-api:{get_region()}:{get_account_id()}:{route}",
            "aws:sourceaccount": get_account_id(),
        },
    )
    decision: str = evaluate_resource_policy(policy, context, service="apigateway.amazonaws.com").decision
    return decision == "Allow"


async def run(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Run what stock would, with an event of payload format 2.0 as AWS sends it."""
    return await _stock_run(
        function,
        *(_completed(it) if isinstance(it, dict) and "rawPath" in it else it for it in arguments),
        **options,
    )


def _completed(event: dict[str, Any]) -> dict[str, Any]:
    """AWS: cookies are apart from the headers, what there is none of is left out, a domain has a prefix."""
    context = event["requestContext"]
    headers = dict(event["headers"])
    cookies = headers.pop("cookie", None)
    completed = {
        **{name: value for name, value in event.items() if value is not None},
        "headers": headers,
        "requestContext": {**context, "domainPrefix": context["apiId"]},
    }
    if cookies:
        completed["cookies"] = [part.strip() for part in cookies.split(";")]
    return completed


def proxy_response(result: dict[str, Any]) -> tuple[dict[str, Any], None]:
    """AWS: whatever is wrong with a function or its answer is one error, without details. Stock shows them."""
    failed = {"statusCode": 500, "body": json.dumps({"message": "Internal Server Error"})}
    if result.get("error"):
        return failed, None
    answer, _ = _stock_proxy_response(result)
    status = str(answer.get("statusCode", 200))
    return (answer | {"statusCode": int(status)} if status.isdecimal() else failed), None


def stage_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """AWS: a stage has the throttling of its template. Stock keeps it in a spelling that its own API cannot read."""
    stage: dict[str, Any] = _stock_stage_props(properties)
    stage["defaultRouteSettings"] = _as_answered(stage["defaultRouteSettings"])
    stage["routeSettings"] = {route: _as_answered(it) for route, it in stage["routeSettings"].items()}
    return stage


def _as_answered(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: value for name, value in settings.items()}


def _message(status: int, text: str) -> Response:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": text}, separators=(",", ":")).encode()
