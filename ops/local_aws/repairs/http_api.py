"""API Gateway's HTTP APIs: an endpoint that is reached, what a function gets, and what its caller is answered."""

from __future__ import annotations

import os
from typing import Any

from ministack.services import apigateway
from ministack.services.cloudformation import provisioners


def apply() -> None:
    """Replace what MiniStack does otherwise than an HTTP API."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    stock_create = handlers["create"]

    def create(*arguments: Any, **options: Any) -> Any:
        api_id, attributes = stock_create(*arguments, **options)
        return api_id, {**attributes, "ApiEndpoint": _reachable(api_id)}

    handlers["create"] = create


def _reachable(api_id: str) -> str:
    """AWS: an API's endpoint is a URL that works. Stock's has a name under `localhost`, which not all resolve."""
    api: dict[str, Any] = apigateway._apis[api_id]
    if api["protocolType"] == "HTTP":
        api["apiEndpoint"] = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/_aws/execute-api/{api_id}"
    endpoint: str = api["apiEndpoint"]
    return endpoint
