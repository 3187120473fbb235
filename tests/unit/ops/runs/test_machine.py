from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from ops.runs.machine import StepFunctionsMachine
from shared.errors import StoreUnavailable


def code(name):
    return ClientError({"Error": {"Code": name, "Message": "5500005555555559"}}, "StartExecution")


class FakeStepFunctions:
    def __init__(self, raises=None, **answer):
        self.raises, self.answer, self.asked = raises, answer, []

    def start_execution(self, **call):
        return self._do(call)

    def describe_execution(self, **call):
        return self._do(call)

    def _do(self, call):
        self.asked.append(call)
        if self.raises:
            raise self.raises
        return self.answer


def test_the_state_machine_is_started_for_one_run_and_told_nothing_that_could_begin_another():
    client = FakeStepFunctions(executionArn="arn:1")
    assert "arn:1" == StepFunctionsMachine(client, "arn").start("run-1")
    assert [{"stateMachineArn": "arn", "input": '{"run_id": "run-1"}'}] == client.asked


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"status": "RUNNING"}, ""),
        ({"status": "SUCCEEDED"}, ""),
        ({"status": "FAILED", "error": "KeyError", "cause": "5500005555555559"}, "KeyError"),
        ({"status": "ABORTED"}, "ABORTED"),
    ],
)
def test_an_execution_that_ended_badly_is_known_by_its_error(answer, failure):
    assert failure == StepFunctionsMachine(FakeStepFunctions(**answer), "arn").failure("arn:1")


def test_step_functions_that_do_not_answer_may_do_so_later():
    machine = StepFunctionsMachine(FakeStepFunctions(code("ThrottlingException")), "arn")
    with pytest.raises(StoreUnavailable, match="Throttling"):
        machine.start("run-1")
    with pytest.raises(StoreUnavailable, match="Throttling"):
        machine.failure("arn:1")
