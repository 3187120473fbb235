"""Functions that invoke functions, take long, and run several times at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.local_aws.support import LocalAws, invoke, make_function, make_role

CALLER = """
import json, boto3
from botocore.exceptions import ClientError

def handler(event, context):
    try:
        answer = boto3.client("lambda").invoke(FunctionName=event["function"], Payload=json.dumps(event["payload"]))
    except ClientError as error:
        return {"code": error.response["Error"]["Code"]}
    return {
        "status": answer["StatusCode"],
        "error": answer.get("FunctionError"),
        "body": json.loads(answer["Payload"].read()),
    }
"""
CALLED = """
class Odd(Exception):
    pass

def handler(event, context):
    if event == "raise":
        raise Odd("wished for")
    return {"got": event}
"""
#: Ends once as many invocations as the event says have begun.
MEETING = """
import os, time, uuid

def handler(event, context):
    open(os.path.join(event["folder"], uuid.uuid4().hex), "w").close()
    begin = time.monotonic()
    while len(os.listdir(event["folder"])) < event["count"]:
        if time.monotonic() - begin > 20:
            return "alone"
        time.sleep(0.01)
    return "met"
"""


@pytest.fixture(scope="module")
def called(local_aws: LocalAws) -> str:
    name = make_function(local_aws, CALLED)
    return str(local_aws.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"])


def _policy(resource: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.also_on_stock
def test_a_function_invokes_another_with_its_role_s_right(local_aws: LocalAws, called: str) -> None:
    caller = make_function(local_aws, CALLER, role=make_role(local_aws, _policy(called)))
    answer = invoke(local_aws, caller, {"function": called, "payload": {"a": 1}})
    assert {"status": 200, "error": None, "body": {"got": {"a": 1}}} == answer


@pytest.mark.also_on_stock
def test_a_function_does_not_invoke_another_without_the_right(local_aws: LocalAws, called: str) -> None:
    caller = make_function(local_aws, CALLER, role=make_role(local_aws, _policy(f"{called}-other")))
    answer = invoke(local_aws, caller, {"function": called, "payload": {}})
    assert {"code": "AccessDeniedException"} == answer


def test_a_function_s_error_is_told_to_the_one_who_invokes_it(local_aws: LocalAws, called: str) -> None:
    caller = make_function(local_aws, CALLER, role=make_role(local_aws, _policy(called)))
    answer = invoke(local_aws, caller, {"function": called, "payload": "raise"})
    assert (200, "Unhandled") == (answer["status"], answer["error"])
    assert ("Odd", "wished for") == (answer["body"]["errorType"], answer["body"]["errorMessage"])
    assert {"errorMessage", "errorType", "requestId", "stackTrace"} == answer["body"].keys()


@pytest.mark.also_on_stock
def test_a_function_may_take_900_seconds(local_aws: LocalAws) -> None:
    source = "def handler(event, context): return context.get_remaining_time_in_millis()"
    function = make_function(local_aws, source, timeout_seconds=900)
    assert 890_000 < invoke(local_aws, function) <= 900_000


@pytest.mark.also_on_stock
def test_a_function_that_takes_longer_than_it_may_is_ended(local_aws: LocalAws) -> None:
    function = make_function(local_aws, "import time\ndef handler(e, c): time.sleep(60)", timeout_seconds=1)
    answer = local_aws.client("lambda").invoke(FunctionName=function)
    assert "Unhandled" == answer["FunctionError"]
    assert "Task timed out after 1.00 seconds" in json.loads(answer["Payload"].read())["errorMessage"]


@pytest.mark.also_on_stock
def test_invocations_of_one_function_run_at_the_same_time(local_aws: LocalAws, tmp_path: Path) -> None:
    function = make_function(local_aws, MEETING, timeout_seconds=30)
    event = {"folder": str(tmp_path), "count": 6}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: invoke(local_aws, function, event), range(6)))
    assert ["met"] * 6 == answers
