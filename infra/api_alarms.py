"""Alarms about the tenant API: callers without an answer, and callers who ask for what is not theirs."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.alarm import TEN_MINUTES, AlarmGroup
from infra.metrics import PERIOD, Metrics
from infra.settings import Settings
from shared.runtime.metrics import Metric

DENIED_IN_A_PERIOD: Final = 20
"""More than a client that was set up wrongly asks before somebody looks at its answers."""
NAMES: Final = ("tenant-api-5xx", "tenant-api-errors", "access-denied")
"""For the dashboard, which is in another stack."""


class ApiAlarms(AlarmGroup):
    """What the gateway cannot answer, what ends the function, what the function turns away."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        topic: sns.ITopic,
        http: apigateway.HttpApi,
    ) -> None:
        super().__init__(scope, id, settings=settings, topic=topic)
        metrics = Metrics(settings)
        failing, killed, denied = NAMES
        self.add(
            failing,
            "Callers of the tenant API are answered 5xx, for ten minutes now",
            http.metric_server_error(statistic="Sum", period=PERIOD),
            lasting=TEN_MINUTES,
            runbook="the-tenant-api-fails",
        )
        self.add_event(
            killed,
            "The tenant API's function is killed, by its timeout or for want of memory",
            metrics.of_lambda("tenant-api", "Errors"),
            runbook="the-tenant-api-fails",
        )
        self.add(
            denied,
            f"Over {DENIED_IN_A_PERIOD} requests in {PERIOD.to_minutes():g} minutes had a token that does not give"
            " what they asked for",
            metrics.own("tenant-api", Metric.ACCESS_DENIED),
            above=DENIED_IN_A_PERIOD,
            runbook="access-is-denied",
        )
