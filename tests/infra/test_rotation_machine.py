"""The rotation's state machine, run by MiniStack's Step Functions with functions that answer what a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from ministack.services import stepfunctions

from shared.errors import NeedsAttention
from tests.infra.synthesis import ACCOUNT, REGION

BEGUN = {"run_id": "ab" * 16, "phase": "prepare", "joined": False}
RUN = {"run_id": "ab" * 16, "kind": "rotation", "worker": "sweeper", "workers": 2, "counts": {}}
DONE = {**RUN, "phase": "done", "verdict": "retired"}
WORKERS = {"sweeper", "reconciler"}
MINISTACK = "us-east-1:000000000000"
"""Its region and account."""


@dataclass
class Functions:
    """Rotation and the workers.

    Attributes:
        advances: what `advance` answers, one after the other; a name of an error is raised.
        scan: what a worker answers to (segment, how often it was asked for it before).
    """

    advances: list[dict[str, Any] | str]
    scan: Callable[[int, int], dict[str, Any] | str] = lambda _segment, _asked: {"done": True}
    begins: list[dict[str, Any] | str] = field(default_factory=lambda: [BEGUN])
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, function_arn: str, payload: dict[str, Any]) -> Any:
        name = function_arn.rpartition("-")[2]
        with self.lock:
            asked = sum(call == (name, payload) for call in self.calls)
            self.calls.append((name, payload))
        if name in WORKERS:
            answer = self.scan(payload["segment"], asked)
        else:
            answer = (self.begins if payload["operation"] == "begin" else self.advances).pop(0)
        if isinstance(answer, str):
            raise stepfunctions._ExecutionError(answer, "{}")
        return answer

    def scanned(self, worker: str = "sweeper") -> list[int]:
        return sorted(payload["segment"] for name, payload in self.calls if name == worker)

    def operations(self) -> list[str]:
        return [payload["operation"] for name, payload in self.calls if name == "rotation"]


@pytest.fixture(scope="module")
def definition(cloud) -> str:
    text = cloud.one("AWS::StepFunctions::StateMachine").properties["DefinitionString"]
    return text.replace(f"{REGION}:{ACCOUNT}", MINISTACK)


@pytest.fixture
def waits(monkeypatch) -> list[Any]:
    """What was waited for; nothing is."""
    waited: list[Any] = []
    monkeypatch.setattr(stepfunctions, "_sleep_until", waited.append)
    monkeypatch.setattr(stepfunctions, "_scaled_sleep", waited.append)
    return waited


@pytest.fixture
def run(definition, waits, monkeypatch):
    """Runs an execution to its end and gives its record."""

    def run(functions: Functions, **options: Any) -> dict[str, Any]:
        monkeypatch.setattr(stepfunctions, "_call_lambda", functions.invoke)
        arn = f"arn:aws:states:{MINISTACK}:stateMachine:sealstream-rotation"
        execution_arn = arn.replace(":stateMachine:", ":execution:") + ":one"
        monkeypatch.setitem(stepfunctions._state_machines, arn, {"definition": definition, "name": "x", "roleArn": "r"})
        execution = {
            "executionArn": execution_arn,
            "stateMachineArn": arn,
            "name": "one",
            "status": "RUNNING",
            "startDate": "2026-01-01T00:00:00.000Z",
            "input": json.dumps(options),
            "events": [],
        }
        monkeypatch.setitem(stepfunctions._executions, execution_arn, execution)
        stepfunctions._run_execution(execution_arn)
        return execution

    return run


def test_a_run_goes_through_its_phases_and_is_asked_for_what_the_execution_was(run, waits):
    until = "2026-01-01T00:30:00Z"
    functions = Functions(
        advances=[
            {**RUN, "phase": "prepare"},
            {**RUN, "phase": "sweep", "segments": [0, 1, 2]},
            {**RUN, "phase": "barrier", "wait_until": until, "wait_seconds": 1800},
            {**RUN, "phase": "census", "segments": [0, 1, 2]},
            DONE,
        ]
    )

    ended = run(functions, kind="rotation", tenant_id="acme")

    assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
    assert functions.calls[0] == ("rotation", {"kind": "rotation", "tenant_id": "acme", "operation": "begin"})
    assert functions.calls[1] == ("rotation", {"operation": "advance", "run_id": RUN["run_id"]})
    assert functions.operations() == ["begin"] + 5 * ["advance"]
    assert functions.scanned() == [0, 0, 1, 1, 2, 2]
    assert waits == [until]


def test_who_is_given_a_run_drives_that_one_and_begins_none(run):
    functions = Functions(begins=[], advances=[{**RUN, "phase": "prepare"}, {**RUN, "phase": "done"}])

    assert run(functions, run_id=RUN["run_id"])["status"] == "SUCCEEDED"
    assert functions.calls == 2 * [("rotation", {"operation": "advance", "run_id": RUN["run_id"]})]


def test_a_segment_is_scanned_until_it_is_done_and_tells_the_run_nothing(run):
    functions = Functions(
        advances=[{**RUN, "phase": "sweep", "segments": [5]}, DONE],
        scan=lambda _segment, asked: {"run_id": RUN["run_id"], "segment": 5, "done": asked == 3, "overtaken": False},
    )

    ended = run(functions, kind="rotation")

    assert json.loads(ended["output"]) == DONE
    assert functions.scanned() == [5, 5, 5, 5]
    assert ("sweeper", {"run_id": RUN["run_id"], "segment": 5}) == functions.calls[2]


def test_each_segment_is_the_work_of_the_runs_own_worker(run):
    functions = Functions(
        advances=[{**RUN, "worker": "reconciler", "phase": "census", "segments": [0, 1]}, DONE],
        scan=lambda _segment, asked: {"done": asked == 1, "overtaken": False},
    )

    assert run(functions, kind="reconciliation")["status"] == "SUCCEEDED"
    assert ([0, 0, 1, 1], []) == (functions.scanned("reconciler"), functions.scanned("sweeper"))


def test_a_worker_that_nobody_knows_ends_the_execution(run):
    functions = Functions(advances=[{**RUN, "worker": "dreamer", "phase": "census", "segments": [0]}])

    assert run(functions)["status"] == "FAILED"
    assert functions.operations() == ["begin", "advance"]


def test_a_segment_that_somebody_else_scans_is_left_alone_for_a_while(run, waits):
    functions = Functions(
        advances=[{**RUN, "phase": "census", "segments": [0]}, DONE],
        scan=lambda _segment, asked: {"done": asked == 1, "overtaken": asked == 0},
    )

    assert run(functions)["status"] == "SUCCEEDED"
    assert waits == [60]


def test_an_outage_is_waited_out(run, waits):
    functions = Functions(
        begins=["StoreUnavailable", "Lambda.TooManyRequestsException", "Sandbox.Timedout", BEGUN],
        advances=["KeyServiceUnavailable", DONE],
    )

    assert run(functions)["status"] == "SUCCEEDED"
    assert len(waits) == 4


def test_a_segment_that_fails_does_not_end_the_run_and_is_taken_again(run):
    functions = Functions(
        advances=[
            {**RUN, "phase": "sweep", "segments": [0, 1, 2]},
            {**RUN, "phase": "sweep", "segments": [1]},
            DONE,
        ],
        scan=lambda segment, asked: "KeyStoreCorrupt" if (segment, asked) == (1, 0) else {"done": True},
    )

    assert run(functions)["status"] == "SUCCEEDED"
    assert functions.scanned() == [0, 1, 1, 2]


def test_where_no_segment_gets_through_the_execution_fails(run):
    functions = Functions(
        advances=[{**RUN, "phase": "sweep", "segments": [0, 1]}, DONE],
        scan=lambda _segment, _asked: "SettingsError",
    )

    ended = run(functions)

    assert ("FAILED", "States.ExceedToleratedFailureThreshold") == (ended["status"], ended["error"])


@pytest.mark.parametrize(
    "error", [each.__name__ for each in NeedsAttention.__subclasses__() if each.__module__ == NeedsAttention.__module__]
)
def test_what_no_repetition_mends_ends_the_execution_at_once(run, waits, error):
    functions = Functions(begins=[error], advances=[])

    ended = run(functions, kind="destruction")

    assert ("FAILED", error) == (ended["status"], ended["error"])
    assert waits == []


def test_a_phase_that_nobody_knows_ends_the_execution(run):
    ended = run(Functions(advances=[{**RUN, "phase": "later"}]))

    assert ("FAILED", "UnknownPhase") == (ended["status"], ended["error"])


def test_as_many_segments_at_a_time_as_the_run_has_workers_each_as_an_execution_of_its_own(definition):
    scan = json.loads(definition)["States"]["Scan segments"]

    assert scan["MaxConcurrencyPath"] == "$.workers"
    assert scan["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def test_the_log_tells_of_every_step_and_of_no_input(cloud):
    logging = cloud.one("AWS::StepFunctions::StateMachine").properties["LoggingConfiguration"]

    assert ("ALL", False) == (logging["Level"], logging["IncludeExecutionData"])
