"""Step Functions: executions act under their state machine's role, start once for one name, and stop when told.

And EventBridge starts them under the role that its rule names.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from ministack.core.responses import json_response
from ministack.services import eventbridge, lambda_svc, stepfunctions

from ops.local_aws.roles import first_refused, session_arn

_SESSION: Final = "execution"
#: What a state may return at most, as JSON.
_MAX_OUTPUT_BYTES: Final = 262_144
_log = logging.getLogger(__name__)

#: The role of the state machine that runs in this thread; the threads of its branches inherit it.
_role: ContextVar[str] = ContextVar("role", default="")


def apply() -> None:
    """Replace MiniStack's functions; once, before the first request."""
    _start_once()
    _run_under_role()
    _stop_children()
    _limit_output()
    _start_under_rules_role()


def _start_once() -> None:
    """AWS: starting an execution again under its name, with the same input and while it runs, answers with that one."""
    stock = stepfunctions._start_execution

    def start(request: dict[str, Any]) -> Any:
        machine = stepfunctions._state_machines.get(request.get("stateMachineArn", ""))
        if machine and request.get("name"):
            arn = f"{machine['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{request['name']}"
            running = stepfunctions._executions.get(arn)
            if running and running["status"] == "RUNNING" and running["input"] == request.get("input", "{}"):
                return json_response({"executionArn": arn, "startDate": running["startDate"]})
        return stock(request)

    stepfunctions._start_execution = start


def _run_under_role() -> None:
    """AWS: a task that invokes a function, and a distributed map, need their permission in the state machine's role.

    Stock looks at no role. Other integrations than Lambda's are still not looked at.
    """
    stock_run, stock_call = stepfunctions._run_execution, stepfunctions._call_lambda
    stock_map = stepfunctions._run_distributed_map

    def run(execution_arn: str) -> None:
        execution = stepfunctions._executions.get(execution_arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn", "")) or {}
        _role.set(machine.get("roleArn", ""))
        stock_run(execution_arn)

    def call(function: str, event: Any) -> Any:
        configuration = lambda_svc._get_func_record_for_ref(function)[1]
        if configuration:
            _require("lambda:InvokeFunction", configuration["FunctionArn"], "Lambda.AWSLambdaException")
        try:
            return stock_call(function, event)
        except stepfunctions._ExecutionError as error:
            if error.error == "Lambda.Unknown" and "TooManyRequestsException" in error.cause:
                raise stepfunctions._ExecutionError("Lambda.TooManyRequestsException", error.cause) from None
            raise

    def distributed_map(
        state: Any, raw: Any, effective: Any, iterator: Any, execution: Mapping[str, Any], context: Any
    ) -> Any:
        _require("states:StartExecution", execution["stateMachineArn"], "States.Permissions")
        return stock_map(state, raw, effective, iterator, execution, context)

    stepfunctions._run_execution, stepfunctions._call_lambda = run, call
    stepfunctions._run_distributed_map = distributed_map


def _require(action: str, resource_arn: str, error: str) -> None:
    role = _role.get()
    if first_refused(role, _SESSION, [action], resource_arn):
        cause = (
            f"User: {session_arn(role, _SESSION)} is not authorized to perform: {action} on resource: {resource_arn} "
            f"because no identity-based policy allows the {action} action"
        )
        raise stepfunctions._ExecutionError(error, cause)


def _stop_children() -> None:
    """AWS: what is stopped stays ABORTED and begins nothing more, nor do the children of its distributed maps."""
    stock_fail, stock_task = stepfunctions._fail_execution, stepfunctions._execute_task

    def fail(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            stock_fail(execution, error, cause)

    def task(state: Any, raw_input: Any, execution: Mapping[str, Any], context: Any) -> Any:
        if _root(execution)["status"] == "ABORTED":
            raise stepfunctions._ExecutionError("States.Aborted", "the execution was stopped")
        return stock_task(state, raw_input, execution, context)

    stepfunctions._fail_execution, stepfunctions._execute_task = fail, task


def _root(execution: Mapping[str, Any]) -> Mapping[str, Any]:
    while "mapRunArn" in execution:
        execution = stepfunctions._executions[stepfunctions._map_runs[execution["mapRunArn"]]["executionArn"]]
    return execution


def _limit_output() -> None:
    """AWS: a task or map whose state would hold more than 256 KB fails, whatever its Catch says."""
    stock_task, stock_map = stepfunctions._execute_task, stepfunctions._execute_map

    def task(*arguments: Any) -> Any:
        return _within_limit(stock_task(*arguments))

    def map_(*arguments: Any) -> Any:
        return _within_limit(stock_map(*arguments))

    stepfunctions._execute_task, stepfunctions._execute_map = task, map_


def _within_limit(ended: tuple[Any, Any]) -> tuple[Any, Any]:
    if len(json.dumps(ended[0], ensure_ascii=False).encode()) > _MAX_OUTPUT_BYTES:
        cause = "The state returned a result with a size exceeding the maximum number of bytes service limit."
        raise stepfunctions._ExecutionError("States.DataLimitExceeded", cause)
    return ended


def _start_under_rules_role() -> None:
    """AWS: a rule starts a state machine under its target's role, or not at all; stock looks at no role."""
    stock = eventbridge._invoke_target

    def invoke_target(target: Mapping[str, Any], *rest: Any, **options: Any) -> None:
        arn = target.get("Arn", "")
        if ":stateMachine:" in arn and first_refused(
            target.get("RoleArn", ""), "events", ["states:StartExecution"], arn
        ):
            _log.warning("a rule may not start %s", arn)
            return
        stock(target, *rest, **options)

    eventbridge._invoke_target = invoke_target


def settings_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A template's logging and tracing as DescribeStateMachine says them."""
    return {
        _small(name): _with_small_names(properties[name])
        for name in ("LoggingConfiguration", "TracingConfiguration")
        if name in properties
    }


def _with_small_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {_small(name): _with_small_names(member) for name, member in value.items()}
    return [_with_small_names(member) for member in value] if isinstance(value, list) else value


def _small(name: str) -> str:
    return name[:1].lower() + name[1:]
