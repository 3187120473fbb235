"""An HTTP request as API Gateway's payload 2.0 brings it, and an answer as it takes one."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from consumers.tenant_api.problems import Problem, ProblemType, Refused

MAX_BODY_BYTES: Final = 400 * 1024
_RETRY_AFTER_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request is looked at.

    Attributes:
        route: method and path template, as of API Gateway's `routeKey`.
        raw_path: as API Gateway tells it, decoded.
        path: the path's parameters, decoded.
        raw_query: what follows the path's `?`.
        headers: names in lower case.
        claims: of the token, as API Gateway's authorizer verified it; none where the route has no authorizer.
        request_id: API Gateway's.
    """

    route: str
    raw_path: str = field(repr=False)
    path: Mapping[str, str] = field(repr=False)
    raw_query: str = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    claims: Mapping[str, str] = field(repr=False)
    request_id: str
    _event: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Request:
        """Read an event; what is absent is empty."""
        context = event.get("requestContext") or {}
        authorizer = context.get("authorizer") or {}
        return cls(
            route=event.get("routeKey") or "",
            raw_path=event.get("rawPath") or "",
            path=event.get("pathParameters") or {},
            raw_query=event.get("rawQueryString") or "",
            query=event.get("queryStringParameters") or {},
            headers={name.lower(): value.strip() for name, value in (event.get("headers") or {}).items()},
            claims=(authorizer.get("jwt") or {}).get("claims") or {},
            request_id=context.get("requestId") or "",
            _event=event,
        )

    def body(self) -> bytes:
        """The body.

        Raises:
            Refused: too-large, or not-json where it is declared as something else.
        """
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise Refused(ProblemType.NOT_JSON, "send it with Content-Type: application/json")
        text = self._event.get("body") or ""
        raw = text.encode("utf-8", "surrogatepass")
        if self._event.get("isBase64Encoded"):
            raw = b64decode(raw)
        if len(raw) > MAX_BODY_BYTES:
            raise Refused(ProblemType.TOO_LARGE, f"over {MAX_BODY_BYTES} bytes")
        return raw


def answer(status: int, body: str = "", *, etag: str | None = None, **headers: str) -> dict[str, Any]:
    """An answer in JSON, not to be kept by anybody on the way."""
    named = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    named |= {"content-type": "application/json"} if body else {}
    named |= {} if etag is None else {"etag": etag}
    named |= {name.replace("_", "-"): text for name, text in headers.items()}
    return {"statusCode": status, "headers": named} | ({"body": body} if body else {})


def problem_answer(problem: Problem, request_id: str) -> dict[str, Any]:
    """A problem's answer."""
    retry = {"retry_after": str(_RETRY_AFTER_SECONDS)} if problem.type is ProblemType.UNAVAILABLE else {}
    body = json.dumps(problem.document(request_id))
    return answer(problem.status, body, content_type="application/problem+json", **retry)
