"""Entry point of the tenant API's Lambda: wire, call, report, answer."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from consumers.tenant_api.api import TenantApi
from consumers.tenant_api.problems import Problem, ProblemType
from consumers.tenant_api.report import Tally, report_request
from consumers.tenant_api.request import Request, problem_answer
from consumers.tenant_api.wiring import wire
from shared.aws.audited import audited
from shared.errors import RetryLater
from shared.runtime.batch import Context, NamedContext, attempt
from shared.runtime.log import log_failure
from shared.runtime.settings import TenantApiSettings


@cache
def _api() -> TenantApi:
    return wire(TenantApiSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], context: NamedContext) -> dict[str, Any]:
    """Answer one request of an HTTP API, payload 2.0; what nobody foresaw is answered 500.

    Where what is to be told cannot be kept, nobody is told anything but that it is not available.
    """
    try:
        return _answer(event, context)
    except RetryLater as error:
        request_id = Request.of(event).request_id
        log_failure(error, request_id=request_id)
        return problem_answer(Problem(ProblemType.UNAVAILABLE), request_id)


@audited
def _answer(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    request, tally = Request.of(event), Tally()
    answers: list[dict[str, Any]] = []
    attempt(request.request_id, lambda: answers.append(_api().answer(request, context, tally)), named="request_id")
    report_request(tally, at=time.time())
    return answers[0] if answers else problem_answer(Problem(ProblemType.UNFORESEEN), request.request_id)
