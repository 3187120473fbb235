"""Alarms about the tenant API: callers without an answer, and callers who ask for what is not theirs."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.alarm import PERIOD, TEN_MINUTES, add_alarm, own_metric
from infra.settings import Settings

DENIED_IN_A_PERIOD: Final = 20
"""More than a client that was set up wrongly asks before somebody looks at its answers."""


class ApiAlarms(Construct):
    """What the gateway cannot answer, what ends the function, what the function turns away; none has an action."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        http: apigateway.HttpApi,
        function: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, id)
        add_alarm(
            self,
            settings,
            "tenant-api-5xx",
            "Callers of the tenant API are answered 5xx, for ten minutes now; runbook: The tenant API fails",
            http.metric_server_error(statistic="Sum", period=PERIOD),
            lasting=TEN_MINUTES,
        )
        add_alarm(
            self,
            settings,
            "tenant-api-errors",
            "The tenant API's function is killed, by its timeout or for want of memory; runbook: The tenant API fails",
            function.metric_errors(statistic="Sum", period=PERIOD),
        )
        add_alarm(
            self,
            settings,
            "access-denied",
            f"Over {DENIED_IN_A_PERIOD} requests in {PERIOD.to_minutes():g} minutes had a token that does not give"
            " what they asked for; runbook: Access is denied",
            own_metric(function, "AccessDenied"),
            above=DENIED_IN_A_PERIOD,
        )
