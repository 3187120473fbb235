"""The rotation's state machine: drives a run to its end, and outlives every function that works on it.

    begin ─▶ advance ─▶ prepare: advance again
                ▲       sweep, census: every segment that is not done, by the run's worker ─▶ advance
                │       barrier: wait until it is over ─▶ advance
                └───────done: the end

An execution that is given a run's id begins none: a run that was called off meanwhile must not begin anew by itself.
Nothing of a run is kept here: an execution that was ended is continued by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra import rights
from infra.acknowledge import acknowledge
from infra.settings import Settings
from shared.errors import NeedsAttention

_HOPELESS = [each.__name__ for each in NeedsAttention.__subclasses__() if each.__module__ == NeedsAttention.__module__]
"""Errors of the functions that no repetition mends."""
_ALL_BUT_ALL_PERCENT = 99
"""A segment that failed is taken again after the map; where none got through, the execution fails."""


class RotationMachine(Construct):
    """The state machine, with a role and a log of its own; `workers` by the names that the rotation function gives."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        rotation: lambda_.IFunction,
        workers: Mapping[str, lambda_.IFunction],
        storage_key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        name = settings.name_of("rotation")
        log_group = logs.LogGroup(
            self,
            "Logs",
            # under this prefix CloudWatch needs no policy that grows with every log
            log_group_name=f"/aws/vendedlogs/states/{name}",
            encryption_key=storage_key,
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=settings.removal_policy,
        )
        role = _role(self, settings, functions=[rotation, *workers.values()])
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            comment="Drives one run of sealstream, of whatever kind",
            definition_body=sfn.DefinitionBody.from_chainable(_definition(self, rotation, workers)),
            # the constructs would give rights on every version of the functions
            role=role.without_policy_updates(),
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )
        self.machine.node.add_dependency(role)
        self.machine.node.try_remove_child("DistributedMapPolicy")  # the role has those rights; nobody has this policy
        acknowledge(
            self.machine,
            "SF2",
            reason="A run lasts for hours and tells in the runs table how far it is; traces would need rights on all",
        )


def _role(scope: Construct, settings: Settings, *, functions: Sequence[lambda_.IFunction]) -> iam.Role:
    name = settings.name_of("rotation")
    machine_arn, execution_arns = (
        cdk.Stack.of(scope).format_arn(
            service="states", resource=resource, resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        for resource in ("stateMachine", "execution")
    )
    role = iam.Role(
        scope,
        "Role",
        role_name=settings.name_of("rotation-machine"),
        assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
        description="What the rotation's state machine may do, and nothing else",
    )
    for statement in (
        rights.invoke(*(function.function_arn for function in functions)),
        rights.run_machine(machine_arn),
        rights.control_executions(f"{execution_arns}:*"),
        rights.deliver_machine_log(),
    ):
        role.add_to_policy(statement)
    acknowledge(
        role,
        "IAM5[Resource::*]",
        reason="Step Functions sets up its log with actions that know no resource; they give no read of any log",
    )
    acknowledge(
        role,
        f"IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}:*]",
        reason="The machine's own executions, which have names that nobody knows beforehand",
    )
    return role


def _definition(
    scope: Construct, rotation: lambda_.IFunction, workers: Mapping[str, lambda_.IFunction]
) -> sfn.IChainable:
    options = sfn.Pass(scope, "Options", result=sfn.Result.from_string("begin"), result_path="$.operation")
    begin = _invoke(scope, "Begin", rotation)
    advance = _invoke(scope, "Advance", rotation, payload={"operation": "advance", "run_id": _path("$.run_id")})
    wait = sfn.Wait(scope, "Wait for the barrier", time=sfn.WaitTime.timestamp_path("$.wait_until"))
    segments = sfn.DistributedMap(
        scope,
        "Scan segments",
        label="segments",
        items_path="$.segments",
        item_selector={
            "run_id": _path("$.run_id"),
            "worker": _path("$.worker"),
            "segment": _path("$$.Map.Item.Value"),
        },
        max_concurrency_path="$.workers",
        map_execution_type=sfn.StateMachineType.STANDARD,
        tolerated_failure_percentage=_ALL_BUT_ALL_PERCENT,
        result_path=sfn.JsonPath.DISCARD,
    ).item_processor(_segment(scope, workers))
    phase = (
        sfn.Choice(scope, "Which phase")
        .when(_phase_is("prepare"), advance)
        .when(sfn.Condition.or_(_phase_is("sweep"), _phase_is("census")), segments.next(advance))
        .when(_phase_is("barrier"), wait.next(advance))
        .when(_phase_is("done"), sfn.Succeed(scope, "Done"))
        .otherwise(sfn.Fail(scope, "Unknown phase", error="UnknownPhase"))
    )
    advance.next(phase)
    options.next(begin).next(advance)
    is_begun = sfn.Condition.is_present("$.run_id")
    return sfn.Choice(scope, "Is it begun").when(is_begun, advance).otherwise(options)


def _segment(scope: Construct, workers: Mapping[str, lambda_.IFunction]) -> sfn.IChainable:
    """Scan one segment to its end, call after call; where somebody else works on it, look after it now and then."""
    whose = sfn.Choice(scope, "Whose segment")
    pause = sfn.Wait(scope, "Leave it to the other", time=sfn.WaitTime.duration(cdk.Duration.minutes(1)))
    done = (
        sfn.Choice(scope, "Is it done")
        .when(
            sfn.Condition.boolean_equals("$.scan.done", True),
            sfn.Succeed(scope, "Segment done", output_path=sfn.JsonPath.DISCARD),
        )
        .when(sfn.Condition.boolean_equals("$.scan.overtaken", True), pause.next(whose))
        .otherwise(whose)
    )
    for worker, function in workers.items():
        scan = _invoke(
            scope,
            f"Scan by the {worker}",
            function,
            payload={"run_id": _path("$.run_id"), "segment": _path("$.segment")},
            result_path="$.scan",
        )
        whose.when(sfn.Condition.string_equals("$.worker", worker), scan.next(done))
    return whose.otherwise(sfn.Fail(scope, "Unknown worker", error="UnknownWorker"))


def _invoke(
    scope: Construct,
    name: str,
    function: lambda_.IFunction,
    *,
    payload: dict[str, object] | None = None,
    result_path: str | None = None,
) -> tasks.LambdaInvoke:
    """Call a function until it answers; after twenty repetitions the execution, or the segment, fails.

    The pauses between them are drawn at random: some 40 minutes in all, 75 at the longest.
    """
    task = tasks.LambdaInvoke(
        scope,
        name,
        lambda_function=function,
        payload=sfn.TaskInput.from_object(payload) if payload else None,
        payload_response_only=True,
        result_path=result_path,
        task_timeout=sfn.Timeout.duration(cdk.Duration.minutes(16)),  # a function lives for fifteen
        retry_on_service_exceptions=False,  # what follows holds for those too
    )
    task.add_retry(errors=_HOPELESS, max_attempts=0)
    task.add_retry(
        errors=["States.ALL"],
        interval=cdk.Duration.seconds(5),
        backoff_rate=2,
        max_delay=cdk.Duration.minutes(5),
        max_attempts=20,
        jitter_strategy=sfn.JitterType.FULL,
    )
    return task


def _phase_is(phase: str) -> sfn.Condition:
    return sfn.Condition.string_equals("$.phase", phase)


def _path(path: str) -> str:
    return sfn.JsonPath.string_at(path)
