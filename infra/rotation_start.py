"""What the clock and AWS's event do about rotation: it is begun, and looked at."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import rights
from infra.metrics import PERIOD
from infra.settings import Settings


class RotationStart(Construct):
    """Two rules begin it: the event is best effort; the daily start finds the change, too, and keys that are due.

    A third has the rotation function look how far runs are, so that one that stands still is noticed.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        machine: sfn.IStateMachine,
        rotation: lambda_.IFunction,
        attribute_key_arns: Sequence[str],
    ) -> None:
        super().__init__(scope, id)
        role = iam.Role(
            self,
            "Role",
            role_name=settings.name_of("rotation-start"),
            assumed_by=iam.ServicePrincipal("events.amazonaws.com"),
            description="Starts the rotation, and nothing else",
        )
        role.add_to_policy(rights.run_machine(machine.state_machine_arn))
        target = targets.SfnStateMachine(
            machine, input=events.RuleTargetInput.from_object({"kind": "rotation"}), role=role.without_policy_updates()
        )
        events.Rule(
            self,
            "Daily",
            rule_name=settings.name_of("rotation-daily"),
            description="Wraps and renews the data keys that are due; ends at once where none is",
            enabled=not settings.local,  # there, runs are begun by who looks at them
            schedule=events.Schedule.rate(cdk.Duration.days(1)),
            targets=[target],
        )
        events.Rule(
            self,
            "KmsRotation",
            rule_name=settings.name_of("rotation-kms"),
            description="KMS has rotated the attribute key: data keys are to be wrapped anew",
            enabled=not settings.local,
            event_pattern=events.EventPattern(
                source=["aws.kms"], detail_type=["KMS CMK Rotation"], resources=list(attribute_key_arns)
            ),
            targets=[target],
        )
        events.Rule(
            self,
            "Look",
            rule_name=settings.name_of("rotation-look"),
            description="Looks how far runs are, and changes nothing",
            enabled=not settings.local,
            schedule=events.Schedule.rate(PERIOD),
            targets=[
                targets.LambdaFunction(
                    rotation, event=events.RuleTargetInput.from_object({"operation": "look"}), retry_attempts=0
                )
            ],
        )
