"""State machines as rotation uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.support import LocalAws, make_function, make_role, unique, wait_until

# Notes that it ran, then does what the event wishes for.
FUNCTION = """
import json, os, time

def handler(event, context):
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(json.dumps(event) + "\\n")
    with open(os.environ["SEEN"]) as seen:
        count = sum(json.loads(line).get("name") == event.get("name") for line in seen)
    time.sleep(event.get("sleep", 0))
    while "until" in event and not os.path.exists(event["until"]):
        time.sleep(0.01)
    if count <= event.get("failures", 0):
        raise type(event.get("error", "Wished"), (Exception,), {})("wished for")
    return {"count": count, "done": count >= event.get("rounds", 1), "event": event}
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("functions") / "seen"
    path.touch()
    return path


@pytest.fixture(scope="module")
def function(local_aws: LocalAws, seen: Path) -> str:
    name = make_function(local_aws, FUNCTION, environment={"SEEN": str(seen)}, timeout_seconds=30)
    return str(local_aws.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"])


@pytest.fixture
def machines(local_aws: LocalAws) -> Iterator[Machines]:
    made = Machines(local_aws)
    yield made
    for arn in made.arns:
        local_aws.client("stepfunctions").delete_state_machine(stateMachineArn=arn)


class Machines:
    """Makes and runs the state machines of one test."""

    def __init__(self, aws: LocalAws) -> None:
        self.client = aws.client("stepfunctions")
        self.arns: list[str] = []
        self._aws = aws

    def make(self, start: str, states: Mapping[str, Any], role: str | None = None) -> str:
        definition = json.dumps({"StartAt": start, "States": states})
        answer = self.client.create_state_machine(
            name=unique("machine"), definition=definition, roleArn=role or make_role(self._aws)
        )
        self.arns.append(answer["stateMachineArn"])
        return self.arns[-1]

    def start(self, machine: str, event: Any = None, **options: Any) -> str:
        text = json.dumps({} if event is None else event)
        return str(self.client.start_execution(stateMachineArn=machine, input=text, **options)["executionArn"])

    def end(self, execution: str) -> Any:
        """The description of the execution once it has ended."""

        def ended() -> Any:
            answer = self.client.describe_execution(executionArn=execution)
            return None if answer["status"] == "RUNNING" else answer

        return wait_until(ended, deadline_seconds=20)

    def run(self, start: str, states: Mapping[str, Any], event: Any = None, role: str | None = None) -> Any:
        return self.end(self.start(self.make(start, states, role), event))

    def output(self, start: str, states: Mapping[str, Any], event: Any = None) -> Any:
        answer = self.run(start, states, event)
        assert "SUCCEEDED" == answer["status"], answer
        return json.loads(answer["output"])


def invoke(function: str, payload: Any = None, **fields: Any) -> dict[str, Any]:
    """A task as the CDK's LambdaInvoke makes it."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"} | ({"Payload": payload} if payload else {}),
        **({} if "Next" in fields else {"End": True}),
        **fields,
    }


@pytest.mark.also_on_stock
def test_a_task_s_result_is_selected(machines: Machines, function: str) -> None:
    states = {
        "Invoke": invoke(
            function,
            {"name.$": "$.who", "run.$": "$$.Execution.Name"},
            ResultSelector={"count.$": "$.Payload.count"},
            ResultPath="$.result",
            Next="Directly",
        ),
        "Directly": {"Type": "Task", "Resource": function, "ResultPath": "$.direct", "Next": "Pass"},
        "Pass": {
            "Type": "Pass",
            "Parameters": {"text.$": "States.Format('{}/{}', $.who, $.result.count)", "all.$": "$.direct.event"},
            "OutputPath": "$",
            "End": True,
        },
    }
    who = unique("who")
    answer = machines.output("Invoke", states, {"who": who})
    assert {"text": f"{who}/1", "all": {"who": who, "result": {"count": 1}}} == answer


@pytest.mark.also_on_stock
def test_a_choice_loops_until_a_task_says_it_is_done(machines: Machines, function: str) -> None:
    states = {
        "Step": invoke(function, OutputPath="$.Payload", Next="Done?"),
        "Done?": {
            "Type": "Choice",
            "Choices": [
                {
                    "And": [{"Variable": "$.done", "IsPresent": True}, {"Variable": "$.done", "BooleanEquals": True}],
                    "Next": "Yes",
                }
            ],
            "Default": "Again",
        },
        "Again": {"Type": "Pass", "InputPath": "$.event", "Next": "Step"},
        "Yes": {"Type": "Succeed"},
    }
    assert 3 == machines.output("Step", states, {"name": unique("loop"), "rounds": 3})["count"]


@pytest.mark.also_on_stock
def test_a_wait_takes_seconds_and_a_moment_from_the_input(machines: Machines) -> None:
    states = {
        "Seconds": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Moment"},
        "Moment": {"Type": "Wait", "TimestampPath": "$.at", "Next": "End"},
        "End": {"Type": "Succeed"},
    }
    begin = datetime.now(UTC)
    at = begin + timedelta(seconds=2)
    machines.output("Seconds", states, {"seconds": 1, "at": at.strftime("%Y-%m-%dT%H:%M:%SZ")})
    assert timedelta(seconds=1) < datetime.now(UTC) - begin < timedelta(seconds=6)


@pytest.mark.parametrize("matched", ["Odd", "States.TaskFailed", "States.ALL"])
def test_an_error_is_retried_and_then_caught(machines: Machines, function: str, matched: str) -> None:
    retry = [{"ErrorEquals": [matched], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1}]
    catch = [{"ErrorEquals": ["Odd"], "ResultPath": "$.error", "Next": "Failed"}]
    states = {
        "Step": invoke(function, Retry=retry, Catch=catch),
        "Failed": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
    }
    recovered = machines.run("Step", states, {"name": unique("retry"), "failures": 1, "error": "Odd"})
    assert "SUCCEEDED" == recovered["status"]
    failed = machines.run("Step", states, {"name": unique("retry"), "failures": 2, "error": "Odd"})
    assert ("FAILED", "Odd") == (failed["status"], failed["error"])
    assert "wished for" == json.loads(failed["cause"])["errorMessage"]


def distributed(function: str, **fields: Any) -> dict[str, Any]:
    return {
        "Map": {
            "Type": "Map",
            "ItemsPath": "$.segments",
            "ItemSelector": {"name.$": "$.run", "segment.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index"},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Work",
                "States": {"Work": invoke(function, OutputPath="$.Payload.event")},
            },
            "Label": "Map",
            "End": True,
            **fields,
        }
    }


@pytest.mark.also_on_stock
def test_a_distributed_map_runs_a_child_for_each_item(machines: Machines, function: str) -> None:
    states = distributed(function, MaxConcurrency=2, ResultPath="$.results")
    name = unique("map")
    machine = machines.make("Map", states)
    execution = machines.start(machine, {"segments": [{"n": 3}, {"n": 4}, {"n": 5}], "run": name})
    results = json.loads(machines.end(execution)["output"])["results"]
    assert [{"name": name, "segment": {"n": 3 + i}, "index": i} for i in range(3)] == results
    run = machines.client.list_map_runs(executionArn=execution)["mapRuns"][0]["mapRunArn"]
    described = machines.client.describe_map_run(mapRunArn=run)
    assert ("SUCCEEDED", 2, 3) == (
        described["status"],
        described["maxConcurrency"],
        described["itemCounts"]["succeeded"],
    )
    children = machines.client.list_executions(mapRunArn=run)["executions"]
    assert ["SUCCEEDED"] * 3 == [child["status"] for child in children]


@pytest.mark.also_on_stock
@pytest.mark.parametrize(("tolerated", "status"), [(50, "SUCCEEDED"), (49, "FAILED"), (0, "FAILED")])
def test_a_distributed_map_tolerates_a_percentage_of_failures(
    machines: Machines, function: str, tolerated: int, status: str
) -> None:
    states = distributed(
        function,
        ToleratedFailurePercentage=tolerated,
        ItemSelector={"name.$": "$$.Map.Item.Value", "failures.$": "$$.Map.Item.Index"},
    )
    answer = machines.run("Map", states, {"segments": [unique("a"), unique("b")]})
    assert status == answer["status"]
    if status == "FAILED":
        assert "States.ExceedToleratedFailureThreshold" == answer["error"]


@pytest.mark.parametrize(
    ("kilobytes", "status"), [pytest.param(200, "SUCCEEDED", marks=pytest.mark.also_on_stock), (300, "FAILED")]
)
def test_a_state_holds_256_kilobytes(
    machines: Machines, local_aws: LocalAws, function: str, kilobytes: int, status: str
) -> None:
    large = make_function(local_aws, f"def handler(event, context): return 'x' * {kilobytes * 1024 // 2}")
    item_processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Work",
        "States": {"Work": invoke(large, OutputPath="$.Payload")},
    }
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    states = distributed(function, ItemProcessor=item_processor, Catch=catch) | {"Caught": {"Type": "Succeed"}}
    answer = machines.run("Map", states, {"segments": [1, 2], "run": "large"})
    assert status == answer["status"]
    if status == "FAILED":
        assert "States.DataLimitExceeded" == answer["error"]


def test_an_execution_that_runs_is_not_started_again(machines: Machines, function: str, tmp_path: Path) -> None:
    let_go = tmp_path / "let go"
    machine = machines.make("Step", {"Step": invoke(function)})
    event = {"name": unique("once"), "until": str(let_go)}
    first = machines.start(machine, event, name="once")
    assert first == machines.start(machine, event, name="once")
    with pytest.raises(ClientError) as error:
        machines.start(machine, {"another": "input"}, name="once")
    assert "ExecutionAlreadyExists" == error.value.response["Error"]["Code"]
    let_go.touch()
    assert 1 == json.loads(machines.end(first)["output"])["Payload"]["count"]
    with pytest.raises(ClientError) as error:
        machines.start(machine, event, name="once")
    assert "ExecutionAlreadyExists" == error.value.response["Error"]["Code"]


@pytest.mark.parametrize("resource", ["integration", "function"])
def test_a_task_needs_the_right_to_invoke(
    local_aws: LocalAws, machines: Machines, function: str, resource: str
) -> None:
    states = {"Step": invoke(function)}
    if resource == "function":
        states = {"Step": {"Type": "Task", "Resource": function, "End": True}}
    role = make_role(local_aws, policy("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:000000000000:function:other"))
    refused = machines.run("Step", states, {"name": "refused"}, role)
    assert ("FAILED", "Lambda.AWSLambdaException") == (refused["status"], refused["error"])
    assert "not authorized to perform: lambda:InvokeFunction" in refused["cause"]
    role = make_role(local_aws, policy("lambda:InvokeFunction", function))
    assert "SUCCEEDED" == machines.run("Step", states, {"name": "allowed"}, role)["status"]


def test_a_distributed_map_needs_the_right_to_start_its_children(
    local_aws: LocalAws, machines: Machines, function: str
) -> None:
    role = make_role(local_aws, policy("lambda:InvokeFunction", function))
    refused = machines.run("Map", distributed(function), {"segments": [1], "run": "refused"}, role)
    assert ("FAILED", "States.Permissions") == (refused["status"], refused["error"])


def policy(action: str, resource: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}


def test_a_function_without_capacity_is_an_error_of_its_own(local_aws: LocalAws, machines: Machines) -> None:
    function = make_function(local_aws, FUNCTION)
    local_aws.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    answer = machines.run("Step", {"Step": invoke(function)})
    assert ("FAILED", "Lambda.TooManyRequestsException") == (answer["status"], answer["error"])


def test_a_stopped_execution_stays_aborted_and_its_children_begin_nothing_more(
    machines: Machines, function: str, seen: Path, tmp_path: Path
) -> None:
    let_go, name = tmp_path / "let go", unique("stopped")
    states = distributed(
        function,
        MaxConcurrency=1,
        ItemSelector={"name.$": "$.run", "until.$": "$.until", "failures": 100},
    )
    execution = machines.start(machines.make("Map", states), {"segments": [1, 2], "run": name, "until": str(let_go)})
    wait_until(lambda: name in seen.read_text())
    machines.client.stop_execution(executionArn=execution)
    let_go.touch()
    run = machines.client.list_map_runs(executionArn=execution)["mapRuns"][0]["mapRunArn"]
    wait_until(lambda: machines.client.describe_map_run(mapRunArn=run)["status"] != "RUNNING")
    assert "ABORTED" == machines.client.describe_execution(executionArn=execution)["status"]
    assert 1 == seen.read_text().count(name)
