"""Ensure-keys is asked for a tenant's keys; that it could not is an outage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.aws.ensure_keys_function import EnsureKeysFunction
from shared.errors import StoreUnavailable


class FakeLambda:
    """Answers every invocation so; an exception is raised."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.invocations: list[Any] = []

    def invoke(self, **request: Any) -> Any:
        self.invocations.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_it_is_asked_for_a_tenants_keys_by_class():
    fake: Any = FakeLambda({"StatusCode": 200})

    EnsureKeysFunction(fake, "ensure-keys").ensure("acme", {"pii", "pci"})

    (request,) = fake.invocations
    assert "ensure-keys" == request["FunctionName"]
    assert {"tenant_id": "acme", "data_classes": ["pci", "pii"]} == json.loads(request["Payload"])


@pytest.mark.parametrize(
    "answer",
    [
        {"StatusCode": 200, "FunctionError": "Unhandled"},
        ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "canary"}}, "Invoke"),
    ],
)
def test_a_function_that_fails_or_does_not_answer_is_an_outage_and_quotes_nothing(answer):
    failing: Any = FakeLambda(answer)

    with pytest.raises(StoreUnavailable, match="data keys of tenant acme") as caught:
        EnsureKeysFunction(failing, "ensure-keys").ensure("acme", ["pii"])
    assert "canary" not in str(caught.value)
