"""One alarm, without an action: whom it tells is the operator's choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.settings import Settings

PERIOD: Final = cdk.Duration.minutes(5)
_NAMESPACE: Final = "Sealstream"
_DIMENSION: Final = "Function"


@dataclass(frozen=True, slots=True)
class Lasting:
    """In how many of so many periods the metric must be too high; one may be without a batch and still count."""

    datapoints: int = 1
    periods: int = 1


AT_ONCE: Final = Lasting()
TEN_MINUTES: Final = Lasting(2, 3)


def add_alarm(
    scope: Construct,
    settings: Settings,
    name: str,
    description: str,
    metric: cloudwatch.IMetric,
    *,
    above: float = 0,
    lasting: Lasting = AT_ONCE,
) -> None:
    """Add an alarm of this name, after the deployment's prefix."""
    cloudwatch.Alarm(
        scope,
        "".join(word.capitalize() for word in name.split("-")),
        alarm_name=settings.name_of(name),
        alarm_description=description,
        metric=metric,
        threshold=above,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=lasting.periods,
        datapoints_to_alarm=lasting.datapoints,
        # where nothing comes there are no batches and no requests, and so no metrics
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def own_metric(function: lambda_.IFunction, metric_name: str) -> cloudwatch.IMetric:
    """The sum of one of the metrics that a function writes itself."""
    return cloudwatch.Metric(
        namespace=_NAMESPACE,
        metric_name=metric_name,
        dimensions_map={_DIMENSION: function.function_name},
        statistic="Sum",
        period=PERIOD,
    )
