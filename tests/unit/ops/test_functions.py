"""A Lambda function's failure is told without what its message may hold."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ops.errors import FunctionFailed, FunctionRefused
from ops.functions import LambdaFunction


class FakeLambda:
    def __init__(self, content=b"null", error=None, function_error=None):
        self.content, self.error, self.function_error = content, error, function_error
        self.invoked = []

    def invoke(self, **call):
        self.invoked.append(call)
        if self.error:
            raise self.error
        failed = {"FunctionError": self.function_error} if self.function_error else {}
        return {"StatusCode": 200, "Payload": io.BytesIO(self.content), **failed}


def function(**how):
    client: Any = FakeLambda(**how)
    return LambdaFunction(client, "the-function", "sweeper", "/aws/lambda/sweeper")


def failed(document):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises((FunctionFailed, FunctionRefused)) as raised:
        function(content=content, function_error="Unhandled")({})
    return raised.value


def code(name):
    return ClientError({"Error": {"Code": name, "Message": "5500005555555559"}}, "Invoke")


def test_it_is_invoked_with_the_payload_and_gives_the_answer():
    invoked = function(content=b'{"done": true}')

    assert {"done": True} == invoked({"run_id": "1", "segment": 3})
    assert [{"FunctionName": "the-function", "Payload": b'{"run_id": "1", "segment": 3}'}] == invoked.client.invoked


def test_an_error_of_this_project_is_shown_with_its_message():
    error = failed({"errorType": "StoreUnavailable", "errorMessage": "reading the key store: Throttling"})
    assert isinstance(error, FunctionFailed)
    assert "StoreUnavailable: reading the key store: Throttling" in str(error)


def test_an_error_that_needs_attention_is_a_refusal():
    error = failed({"errorType": "SettingsError", "errorMessage": "barrier_seconds is for the local AWS"})
    assert isinstance(error, FunctionRefused)
    assert "sweeper: barrier_seconds is for the local AWS" == str(error)


@pytest.mark.parametrize("name", ["KeyError", "Runtime.ExitError", "printable", "annotations", "Enum"])
def test_of_any_other_error_only_the_name_is_shown_and_where_there_is_more(name):
    error = failed({"errorType": name, "errorMessage": "5500005555555559", "stackTrace": ["5500005555555559"]})
    assert isinstance(error, FunctionFailed)
    assert name in str(error)
    assert "/aws/lambda/sweeper" in str(error)
    assert "5500005555555559" not in str(error)


@pytest.mark.parametrize("content", [b"", b"killed", b"[]", b"{}", b'{"errorType": null}'])
def test_a_worker_that_is_killed_leaves_any_payload(content):
    assert isinstance(failed(content), FunctionFailed)


def test_what_a_terminal_takes_for_a_command_is_escaped():
    assert "\x1b" not in str(failed({"errorType": "StoreUnavailable", "errorMessage": "\x1b[2J"}))


@pytest.mark.parametrize("name", ["ServiceException", "TooManyRequestsException", "InternalFailure"])
def test_a_lambda_that_is_down_or_throttles_may_answer_later(name):
    with pytest.raises(FunctionFailed, match=name) as raised:
        function(error=code(name))({})
    assert "5500005555555559" not in str(raised.value)


def test_a_lambda_that_is_not_reached_may_answer_later():
    with pytest.raises(FunctionFailed):
        function(error=EndpointConnectionError(endpoint_url="http://127.0.0.1:1"))({})


@pytest.mark.parametrize("name", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_function_that_is_not_there_or_not_allowed_stays_so(name):
    with pytest.raises(FunctionRefused, match=name):
        function(error=code(name))({})


def test_an_answer_that_is_no_json_is_a_failure():
    with pytest.raises(FunctionFailed, match="JSON"):
        function(content=b"<html>")({})
