"""Alarms: each is told to the deployment's topic, and says which section of the runbook is about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

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
    """Alarms of one stack, which are told when they begin and when they are over."""

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

    def add_silence(
        self, name: str, what: str, metric: cloudwatch.IMetric, *, runbook: str, below: float, lasting: Lasting
    ) -> None:
        """An alarm on what should come by the clock and does not; arguments as of `add`."""
        self._add(name, what, metric, runbook, TOO_LITTLE, below, lasting, cloudwatch.TreatMissingData.BREACHING)

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
        alarm.add_ok_action(self._action)
