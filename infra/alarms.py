"""Alarms about what is lost, or stands still, and nobody would see; whom they tell is the operator's choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.alarm import AT_ONCE, PERIOD, TEN_MINUTES, Lasting, add_alarm, own_metric
from infra.settings import Settings

BEHIND_MINUTES: Final = 15
"""Far above a batch's time, far below the hours after which records go to the dead letters."""
LANDING_BEHIND_HOURS: Final = 1

_TWICE: Final = Lasting(2, 8)
"""Of what comes again after sixteen minutes: it failed, and failed again."""
_FIFTEEN_MINUTES: Final = Lasting(3, 4)


class Alarms(Construct):
    """What was given up, what waits, what stands still; none of them has an action.

    Args:
        dead_letters: each consumer's queue.
        readers: the functions that read a stream, `encryptor` among them.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        findings_dead_letters: sqs.IQueue,
        landing_queue: sqs.IQueue,
        landing_ingest: lambda_.IFunction,
        dead_letters: Mapping[str, sqs.IQueue],
        readers: Mapping[str, lambda_.IFunction],
        machine: sfn.IStateMachine,
    ) -> None:
        super().__init__(scope, id)
        self._settings = settings
        self._alarm(
            "findings-given-up",
            "Findings lie in the dead letters: items that may be in clear are not mended",
            _visible(findings_dead_letters),
        )
        self._alarm(
            "rotation-failed",
            "An execution of the rotation failed; the next one goes on with its run",
            machine.metric_failed(),
        )
        self._alarm(
            "landing-failed",
            "An object of the landing bucket cannot be read to its end; what could be read is in",
            own_metric(landing_ingest, "LandingFailedObjects"),
        )
        self._alarm(
            "landing-behind",
            # SQS does not count a message that was received three times: that one, the two alarms below tell of
            f"An object has waited for over {LANDING_BEHIND_HOURS} h to be ingested",
            landing_queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=PERIOD),
            above=LANDING_BEHIND_HOURS * 3_600,
        )
        self._alarm(
            "landing-retries",
            "An object did not get on, and again: S3, Kinesis, SQS or the progress table refuses; its turn comes anew",
            own_metric(landing_ingest, "LandingRetried"),
            lasting=_TWICE,
        )
        self._alarm(
            "landing-errors",
            "The landing ingest is killed again and again, by its timeout or for want of memory",
            landing_ingest.metric_errors(statistic="Sum", period=PERIOD),
            lasting=_TWICE,
        )
        self._alarm(
            "landing-untagged",
            "An object has ten tags of others: none says that it was ingested, and it never expires",
            own_metric(landing_ingest, "LandingUntaggedObjects"),
        )
        for name, queue in dead_letters.items():
            self._alarm(
                f"{name}-dead-letters",
                f"What the {name} could not do in hours lies in its dead letters, which last 14 days at most",
                _visible(queue),
            )
        for name, function in readers.items():
            self._alarm(
                f"{name}-behind",
                f"A record waited over {BEHIND_MINUTES} minutes for the {name}: a lane of its stream stands or lags",
                function.metric("IteratorAge", statistic="Maximum", period=PERIOD),
                above=BEHIND_MINUTES * 60_000,
            )
            self._alarm(
                f"{name}-retries",
                f"For 15 minutes records of the {name} were delivered again; what is behind them waits",
                own_metric(function, "RecordsRetried"),
                lasting=_FIFTEEN_MINUTES,
            )
        self._alarm(
            "quarantined",
            "Records can never be written as they are and wait in quarantine for a decision",
            own_metric(readers["encryptor"], "RecordsQuarantined"),
        )
        self._alarm(
            "kms-failures",
            "KMS throttles, refuses or does not answer the encryptor; keys at hand last for five minutes",
            own_metric(readers["encryptor"], "KmsFailures"),
            lasting=TEN_MINUTES,
        )

    def _alarm(
        self, name: str, description: str, metric: cloudwatch.IMetric, *, above: float = 0, lasting: Lasting = AT_ONCE
    ) -> None:
        add_alarm(self, self._settings, name, description, metric, above=above, lasting=lasting)


def _visible(queue: sqs.IQueue) -> cloudwatch.IMetric:
    return queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=PERIOD)
