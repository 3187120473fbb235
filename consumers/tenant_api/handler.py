"""Entry point of the tenant API's Lambda: wire, call, answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from consumers.tenant_api.api import TenantApi
from consumers.tenant_api.problems import Problem, ProblemType
from consumers.tenant_api.request import Request, problem_answer
from consumers.tenant_api.wiring import wire
from shared.runtime.batch import Context, attempt
from shared.runtime.settings import TenantApiSettings


@cache
def _api() -> TenantApi:
    return wire(TenantApiSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Answer one request of an HTTP API, payload 2.0; what nobody foresaw is answered 500."""
    request = Request.of(event)
    answers: list[dict[str, Any]] = []
    if attempt(request.request_id, lambda: answers.append(_api().answer(request, context)), named="request_id"):
        return answers[0]
    return problem_answer(Problem(ProblemType.UNFORESEEN), request.request_id)
