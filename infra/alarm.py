"""Alarms: each is told to the deployment's topic, and says which section of the runbook is about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.metrics import PERIOD, calculated
from infra.settings import Settings

TOO_MUCH: Final = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
TOO_LITTLE: Final = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


@dataclass(frozen=True, slots=True)
class Lasting:
    """In how many of so many periods the metric must be out of bounds; one may be without a batch and still count."""

    datapoints: int = 1
    periods: int = 1


AT_ONCE: Final = Lasting()
TEN_MINUTES: Final = Lasting(2, 3)
FIFTEEN_MINUTES: Final = Lasting(3, 4)


class AlarmGroup(Construct):
    """Alarms of one stack, which are told when they begin and, of what lasts, when they are over."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, topic: sns.ITopic) -> None:  # noqa: A002
        super().__init__(scope, id)
        self._settings = settings
        self._action = actions.SnsAction(topic)
        self.names: list[str] = []

    def add(
        self,
        name: str,
        what: str,
        metric: cloudwatch.IMetric,
        *,
        runbook: str,
        above: float = 0,
        lasting: Lasting = AT_ONCE,
    ) -> None:
        """An alarm on too much of something.

        Args:
            name: after the deployment's prefix.
            what: is the matter, for who is woken by it.
            metric: of what.
            runbook: the anchor of its section.
            above: so much is not too much.
            lasting: for how long it must be so.
        """
        # where nothing comes there are no batches and no requests, and so no metrics
        missing = cloudwatch.TreatMissingData.NOT_BREACHING
        self._add(name, what, metric, runbook, TOO_MUCH, above, lasting, missing)

    def add_event(self, name: str, what: str, metric: cloudwatch.IMetric, *, runbook: str) -> None:
        """An alarm on what happens, once is enough; arguments as of `add`.

        Nobody is told that it is over: no other such event in the next minutes does not say that anything was mended.
        """
        missing = cloudwatch.TreatMissingData.NOT_BREACHING
        self._add(name, what, metric, runbook, TOO_MUCH, 0, AT_ONCE, missing, tells_end=False)

    def add_silence(
        self,
        name: str,
        what: str,
        metric: cloudwatch.IMetric,
        *,
        runbook: str,
        lasting: Lasting,
        period: cdk.Duration = PERIOD,
    ) -> None:
        """An alarm on what should come by the clock and does not; arguments as of `add`.

        A period without a value is filled with 0: one that is missing would not count before the last value has left
        all that CloudWatch looks at, which is more periods than are judged. Where there never was any, it rings.
        """
        told = calculated("FILL(told, 0)", {"told": metric}, label=name, period=period)
        self._add(name, what, told, runbook, TOO_LITTLE, 1, lasting, cloudwatch.TreatMissingData.BREACHING)

    def _add(
        self,
        name: str,
        what: str,
        metric: cloudwatch.IMetric,
        runbook: str,
        comparison: cloudwatch.ComparisonOperator,
        threshold: float,
        lasting: Lasting,
        missing: cloudwatch.TreatMissingData,
        *,
        tells_end: bool = True,
    ) -> None:
        self.names.append(name)
        alarm = cloudwatch.Alarm(
            self,
            "".join(word.capitalize() for word in name.split("-")),
            alarm_name=self._settings.name_of(name),
            alarm_description=f"{what}; runbook: {self._settings.watch.runbook}#{runbook}",
            metric=metric,
            threshold=threshold,
            comparison_operator=comparison,
            evaluation_periods=lasting.periods,
            datapoints_to_alarm=lasting.datapoints,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(self._action)
        if tells_end:
            alarm.add_ok_action(self._action)
