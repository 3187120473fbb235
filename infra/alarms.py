"""Alarms about what nobody would see otherwise; whom they tell is the operator's choice, so they tell nobody."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.settings import Settings


class Alarms(Construct):
    """Findings that were given up, and rotations that failed."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        findings_dead_letters: sqs.IQueue,
        machine: sfn.IStateMachine,
    ) -> None:
        super().__init__(scope, id)
        _above_zero(
            self,
            "FindingsGivenUp",
            alarm_name=settings.name_of("findings-given-up"),
            alarm_description="Findings lie in the dead letters: items that may be in clear are not mended",
            metric=findings_dead_letters.metric_approximate_number_of_messages_visible(statistic="Maximum"),
        )
        _above_zero(
            self,
            "RotationFailed",
            alarm_name=settings.name_of("rotation-failed"),
            alarm_description="An execution of the rotation failed; the next one goes on with its run",
            metric=machine.metric_failed(),
        )


def _above_zero(
    scope: Construct,
    name: str,
    *,
    alarm_name: str,
    alarm_description: str,
    metric: cloudwatch.IMetric,
) -> None:
    cloudwatch.Alarm(
        scope,
        name,
        alarm_name=alarm_name,
        alarm_description=alarm_description,
        metric=metric,
        threshold=0,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
