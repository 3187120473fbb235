"""Metrics that alarms and the dashboard read, by the names that functions have without the deployment's prefix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.settings import Settings
from shared.runtime.metrics import NAMESPACE

PERIOD: Final = cdk.Duration.minutes(5)
HOUR: Final = cdk.Duration.hours(1)
MINUTE: Final = cdk.Duration.minutes(1)
KMS_USED: Final = {
    "Service": "KMS",
    "Type": "API",
    "Resource": "CryptographicOperationsSymmetric",
    "Class": "None",
}
"""What the quota counts: of the whole account in this region, whoever asks."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """A deployment's metrics; by the sum over five minutes, where nothing else is said."""

    settings: Settings

    def own(
        self, function: str, name: str, *, statistic: str = "Sum", label: str = "", period: cdk.Duration = PERIOD
    ) -> cloudwatch.Metric:
        """One that a function writes itself."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"Function": self.settings.name_of(function)},
            statistic=statistic,
            period=period,
            label=label or None,
        )

    def total(
        self, functions: Sequence[str], name: str, *, label: str = "", period: cdk.Duration = PERIOD
    ) -> cloudwatch.IMetric:
        """The sum of what several functions write under one name."""
        ids = {_id(function, name): self.own(function, name, period=period) for function in functions}
        return calculated(" + ".join(ids), ids, label=label or name, period=period)

    def of_lambda(self, function: str, name: str, *, statistic: str = "Sum", label: str = "") -> cloudwatch.Metric:
        """One that Lambda writes about a function."""
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name=name,
            dimensions_map={"FunctionName": self.settings.name_of(function)},
            statistic=statistic,
            period=PERIOD,
            label=label or None,
        )


def calculated(
    expression: str, using: Mapping[str, cloudwatch.IMetric], *, label: str, period: cdk.Duration = PERIOD
) -> cloudwatch.MathExpression:
    """An expression over metrics by their ids; where one has no value at some time, it counts as 0 there.

    Source: Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics".
    """
    return cloudwatch.MathExpression(expression=expression, using_metrics=dict(using), label=label, period=period)


def kms_used() -> cloudwatch.MathExpression:
    """Percent of KMS's quota that the account uses; by the minute, as Service Quotas counts it."""
    used = cloudwatch.Metric(
        namespace="AWS/Usage", metric_name="CallCount", dimensions_map=KMS_USED, statistic="Sum", period=MINUTE
    )
    return calculated(
        "100 * kmscalls / SERVICE_QUOTA(kmscalls)",
        {"kmscalls": used},
        label="KMS: % of the account's quota",
        period=MINUTE,
    )


def _id(function: str, name: str) -> str:
    return f"{function.replace('-', '')}{name}"
