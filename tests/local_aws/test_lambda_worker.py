from __future__ import annotations

import base64
import time

from tests.local_aws.support import LocalAws, invoke, make_function

SOURCE = """
import os

def handler(event, context):
    print(event.get("log", ""), end=event.get("end", ""))
    if event.get("raise"):
        {}[event["raise"]]
    return os.getpid()
"""


def test_a_handlers_exception_reaches_the_caller_with_its_type_and_trace(local_aws: LocalAws) -> None:
    function = make_function(local_aws, SOURCE)
    error = invoke(local_aws, function, {"raise": "boom"})
    assert "KeyError" == error["errorType"]
    assert "'boom'" == error["errorMessage"]
    assert 'in handler\n    {}[event["raise"]]' in error["stackTrace"][-1]
    assert not any("_worker.py" in frame for frame in error["stackTrace"])


def test_the_execution_environment_survives_a_handlers_exception(local_aws: LocalAws) -> None:
    function = make_function(local_aws, SOURCE)
    before = invoke(local_aws, function, {})
    invoke(local_aws, function, {"raise": "boom"})
    assert before == invoke(local_aws, function, {})


def test_the_exception_is_in_the_functions_log(local_aws: LocalAws) -> None:
    function = make_function(local_aws, SOURCE)
    client = local_aws.client("lambda")
    response = client.invoke(FunctionName=function, Payload=b'{"raise": "boom"}', LogType="Tail")
    assert "Unhandled" == response["FunctionError"]
    assert "[ERROR] KeyError: 'boom'" in base64.b64decode(response["LogResult"]).decode()


def test_a_log_belongs_to_its_own_invocation_also_where_its_last_line_is_unfinished(local_aws: LocalAws) -> None:
    function = make_function(local_aws, SOURCE)
    client = local_aws.client("lambda")
    for number in range(3):
        response = client.invoke(FunctionName=function, Payload=f'{{"log": "line {number}"}}'.encode(), LogType="Tail")
        log = base64.b64decode(response["LogResult"]).decode()
        assert [f"line {number}"] == [line for line in log.splitlines() if "line" in line]


def test_a_log_that_takes_long_to_read_belongs_to_its_own_invocation(local_aws: LocalAws) -> None:
    function = make_function(local_aws, "def handler(event, context):\n    print(*range(event), sep='\\n')\n")
    client = local_aws.client("lambda")
    for lines in (150_000, 1):
        response = client.invoke(FunctionName=function, Payload=str(lines).encode(), LogType="Tail")
        log = base64.b64decode(response["LogResult"]).decode()
        assert str(lines - 1) == [line for line in log.splitlines() if line.isdecimal()][-1]


def test_a_silent_handler_does_not_wait_for_a_log(local_aws: LocalAws) -> None:
    function = make_function(local_aws, "def handler(event, context):\n    return 1\n")
    invoke(local_aws, function)

    def seconds() -> float:
        start = time.perf_counter()
        invoke(local_aws, function)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.05  # stock waits that long for a first line
