"""What becomes of requests between botocore and the service: its own event `before-send` answers, fails or kills."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import cycle
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from tests.chaos.records import CANARY, REFUSED_ITEM
from tests.chaos.turns import CALLER, Fate, Killed, Turns

_THROTTLED = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "kms": "ThrottlingException",
    "kinesis": "LimitExceededException",
    "s3": "SlowDown",
    "sqs": "RequestThrottled",
}


class Wire:
    """Between clients and moto.

    Args:
        turns: what becomes of each request that an invocation makes; others pass.
        stored: told of each item that was put, as JSON has it.
    """

    def __init__(self, turns: Turns, stored: Callable[[dict[str, Any]], None]) -> None:
        self._turns = turns
        self._stored = stored
        self._refusals = cycle(("throttled", "fails", "closed", "silent"))
        self._losses = cycle(("closed", "silent"))
        self._lengths = cycle((1, 3, 3))
        self._outages: dict[str, list[str]] = {}

    def attach(self, client: Any) -> Any:
        """Let the client's requests go this way."""
        client.meta.events.unregister("before-send", botocore_stubber)
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: Any, event_name: str, **_: Any) -> Any:
        caller = CALLER.get()
        if caller is None:
            return self._apply(request, event_name)
        fate = self._turns.next_fate()
        caller.check_time()
        if fate is Fate.REFUSED and not self._outages.get(event_name):
            # once, or at all three tries that botocore makes
            self._outages[event_name] = [next(self._refusals)] * next(self._lengths)
        if outage := self._outages.get(event_name):
            return _refuse(request, event_name.split(".")[1], outage.pop())
        match fate:
            case Fate.UNFORESEEN:
                raise ValueError(CANARY)
            case Fate.KILLED:
                raise Killed
        answer = self._apply(request, event_name)
        caller.wait(fate)
        caller.check_time()
        match fate:
            case Fate.LOST:
                raise _broken(request, next(self._losses))
            case Fate.KILLED_AFTER:
                raise Killed
        return answer

    def _apply(self, request: Any, event_name: str) -> Any:
        put = json.loads(request.body) if event_name == "before-send.dynamodb.PutItem" else {}
        item = put.get("Item", {})
        if item.get("item_id") == {"S": REFUSED_ITEM}:
            return _answer(request, 400, "ValidationException", "Item size has exceeded the maximum allowed size")
        answer = botocore_stubber(event_name, request)
        if answer.status_code == 200 and "item_id" in item:
            self._stored(item)
        return answer


def no_sleep(advance: Callable[[float], None]) -> AbstractContextManager[Any]:
    """Within this, botocore's pauses between its tries pass on another clock."""
    return patch("botocore.endpoint.time", SimpleNamespace(sleep=advance))


def _refuse(request: Any, service: str, how: str) -> AWSResponse:
    if how not in {"throttled", "fails"}:
        raise _broken(request, how)
    status, code = (400, _THROTTLED[service]) if how == "throttled" else (500, "InternalServerError")
    if service == "s3":
        body = f"<Error><Code>{code}</Code><Message>slower</Message></Error>"
        return AWSResponse(request.url, 503, HTTPHeaders(), MockRawResponse(body))
    return _answer(request, status, code, "slower")


def _broken(request: Any, how: str) -> Exception:
    if how == "closed":
        return ConnectionClosedError(endpoint_url=request.url)
    return ReadTimeoutError(endpoint_url=request.url)


def _answer(request: Any, status: int, code: str, message: str) -> AWSResponse:
    body = json.dumps({"__type": code, "message": message})
    return AWSResponse(request.url, status, HTTPHeaders(), MockRawResponse(body))
