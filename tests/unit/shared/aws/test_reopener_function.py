"""The reopener is asked to reopen a key; that it could not is an outage."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.aws.reopener_function import ReopenerFunction
from shared.errors import StoreUnavailable


class FakeLambda:
    """Answers every invocation so; an exception is raised."""

    def __init__(self, answer):
        self.answer = answer
        self.invocations: list[Any] = []

    def invoke(self, **request):
        self.invocations.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_key_is_reopened_by_its_eight_hex_digits():
    fake: Any = FakeLambda({"StatusCode": 200, "Payload": io.BytesIO(b'{"state": "decrypt_only"}')})
    ReopenerFunction(fake, "reopener").reopen("acme", 0xAB)
    (request,) = fake.invocations
    assert request["FunctionName"] == "reopener"
    assert {"tenant_id": "acme", "key_id": "000000ab"} == json.loads(request["Payload"])


@pytest.mark.parametrize(
    "answer",
    [
        {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "canary"}')},
        ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "canary"}}, "Invoke"),
    ],
)
def test_a_function_that_fails_or_does_not_answer_is_an_outage_and_quotes_nothing(answer):
    failing: Any = FakeLambda(answer)
    with pytest.raises(StoreUnavailable, match="reopening data key 000000ab of tenant acme") as caught:
        ReopenerFunction(failing, "reopener").reopen("acme", 0xAB)
    assert "canary" not in str(caught.value)
