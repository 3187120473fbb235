"""Alarms of the pipeline: what is exposed, what stands still, what is lost, and nobody would see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.alarm import FIFTEEN_MINUTES, TEN_MINUTES, AlarmGroup, Lasting
from infra.data_stack import DataStack
from infra.metrics import HOUR, PERIOD, Metrics, calculated, kms_used
from infra.settings import Settings
from shared.runtime.metrics import Metric

AUDITING: Final = ("auditor", "reauditor", "reconciler")
"""The functions that judge items."""
SEALING: Final = ("encryptor", "redriver", "reencryptor", "sweeper")
"""The functions that ask KMS for data keys."""
ON_THE_WAY: Final = (*SEALING, *AUDITING, "landing-ingest")
"""The functions that records and items go through."""
BEHIND_MINUTES: Final = 5
"""Far above a batch's time, far below the hours after which records go to the dead letters."""
FINDING_BEHIND_MINUTES: Final = 15
"""A finding that fails is taken again after nine minutes."""
LANDING_BEHIND_HOURS: Final = 1
QUOTA_PERCENT: Final = 80
UNSETTLED_MINUTES: Final = 30
STANDSTILL: Final = cdk.Duration.minutes(30)
"""Twice as long as a call of a worker lasts, which stores how far it is page after page."""

OVERDUE: Final = cdk.Duration.days(2)
"""One is begun every day, and ends at once where no key is due."""
_LOOKS: Final = 5
"""Of six in a standstill's time."""
_TWICE: Final = Lasting(2, 8)
"""Of what comes again after sixteen minutes: it failed, and failed again."""
_AN_HOUR: Final = Lasting(12, 12)
_FIVE_IN_A_ROW: Final = Lasting(5, 5)
_THREE_IN_A_ROW: Final = Lasting(3, 3)
_TWO_IN_A_ROW: Final = Lasting(2, 2)
_BEHIND: Final = "A record waited over {} minutes for the {}: a lane of its stream stands or lags"


def asking(settings: Settings) -> tuple[str, ...]:
    """The functions that ask KMS for anything."""
    return (*SEALING, "rotation", "notary", *_of_the_api(settings))


def beside(settings: Settings) -> tuple[str, ...]:
    """All functions but those `ON_THE_WAY`."""
    return ("rotation", "reopener", "notary", *_of_the_api(settings))


def _of_the_api(settings: Settings) -> tuple[str, ...]:
    return ("tenant-api", "ensure-keys") if settings.api else ()


class Alarms(AlarmGroup):
    """The pipeline's alarms, in the order in which the dashboard asks.

    Args:
        topic: whom they tell.
        dead_letters: each consumer's queue but the re-encryptor's.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        topic: sns.ITopic,
        data: DataStack,
        dead_letters: Mapping[str, sqs.IQueue],
        machine: sfn.IStateMachine,
    ) -> None:
        super().__init__(scope, id, settings=settings, topic=topic)
        self._metrics = Metrics(settings)
        self._exposed(data)
        self._trail(settings)
        self._stuck(dead_letters)
        self._silent(data, "silent", "15 minutes", PERIOD, _THREE_IN_A_ROW)
        self._silent(data, "silent-for-hours", "two hours", HOUR, _TWO_IN_A_ROW)
        self._landing(data)
        self._keys(settings, machine)

    def _exposed(self, data: DataStack) -> None:
        total, own = self._metrics.total, self._metrics.own
        self.add_event(
            "plaintext-found",
            "Something that the policy seals stands in clear in the items table; the re-encryptor seals it in seconds",
            total(AUDITING, Metric.ITEMS_PLAINTEXT),
            runbook="plaintext-found",
        )
        self.add_event(
            "census-found-plaintext",
            "A census, which counts after all was mended, found values in clear",
            own("sweeper", Metric.VALUES_IN_CLEAR),
            runbook="plaintext-found",
        )
        self.add_event(
            "malformed",
            "An item has not the form that sealstream writes: somebody else wrote it, or the key store lost rows",
            total(AUDITING, Metric.ITEMS_MALFORMED),
            runbook="malformed",
        )
        self.add_event(
            "undeclared-sensitive",
            "What is plain by the policy, or undeclared, looks sensitive",
            total(AUDITING, Metric.ITEMS_UNDECLARED),
            runbook="undeclared-sensitive-data",
        )
        self.add(
            "stale",
            "For an hour items were written under an old policy or data key",
            own("auditor", Metric.ITEMS_STALE),
            lasting=_AN_HOUR,
            runbook="stale",
        )
        self.add_event(
            "findings-left",
            "The re-encryptor cannot mend something in an item: it may stay in clear",
            own("reencryptor", Metric.ITEMS_LEFT),
            runbook="what-the-re-encryptor-leaves",
        )
        self.add(
            "exposures-known",
            "The last census or reconciliation found something in clear, or the last reconciliation malformed items",
            own("rotation", Metric.EXPOSURES_KNOWN, statistic="Maximum"),
            runbook="plaintext-found",
        )
        self.add(
            "findings-behind",
            f"A finding has waited for over {FINDING_BEHIND_MINUTES} minutes: what may be in clear is not mended",
            data.findings.queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=PERIOD),
            above=FINDING_BEHIND_MINUTES * 60,
            runbook="findings-wait",
        )
        self.add(
            "findings-given-up",
            "Findings lie in the dead letters: items that may be in clear are not mended",
            _visible(data.findings.dead_letters),
            runbook="findings-given-up",
        )

    def _trail(self, settings: Settings) -> None:
        period = cdk.Duration.minutes(settings.audit.notary_minutes)
        self.add_event(
            "trail-verification-failed",
            "The audit trail is not what was signed: somebody changed or removed what was in it",
            self._metrics.own("notary", Metric.TRAIL_VERIFICATION_FAILED),
            runbook="the-audit-trail-does-not-verify",
        )
        self.add_silence(
            "notary-silent",
            "No manifest was written for three periods: nothing that happens now is signed",
            self._metrics.own("notary", Metric.MANIFESTS_WRITTEN, period=period),
            lasting=_THREE_IN_A_ROW,
            runbook="the-notary-is-silent",
            period=period,
        )
        periods = UNSETTLED_MINUTES // settings.audit.notary_minutes
        self.add_silence(
            "notary-behind",
            f"For {UNSETTLED_MINUTES} minutes each manifest left segments to the next: nothing is known to be foreign",
            self._metrics.own("notary", Metric.MANIFESTS_COMPLETE, period=period),
            lasting=Lasting(periods, periods),
            runbook="the-notary-is-behind",
            period=period,
        )
        # two, since CloudWatch takes ten metrics in an alarm at most
        for name, functions in (("item-events-dropped", ON_THE_WAY), ("key-events-dropped", beside(settings))):
            self.add_event(
                name,
                "The audit bucket took no segments for so long that events were given up: what nobody repeats is"
                " missing in the audit trail",
                self._metrics.total(functions, Metric.AUDIT_EVENTS_DROPPED),
                runbook="audit-events-were-dropped",
            )

    def _stuck(self, dead_letters: Mapping[str, sqs.IQueue]) -> None:
        for name, queue in dead_letters.items():
            self.add(
                f"{name}-dead-letters",
                f"What the {name} could not do in hours lies in its dead letters, which last 14 days at most",
                _visible(queue),
                runbook="dead-letters",
            )
        for name in ("encryptor", "auditor"):
            self.add(
                f"{name}-behind",
                _BEHIND.format(BEHIND_MINUTES, name),
                self._metrics.of_lambda(name, "IteratorAge", statistic="Maximum"),
                above=BEHIND_MINUTES * 60_000,
                runbook="behind",
            )
            self.add(
                f"{name}-retries",
                f"For 15 minutes records of the {name} were delivered again; what is behind them waits",
                self._metrics.own(name, Metric.RECORDS_RETRIED),
                lasting=FIFTEEN_MINUTES,
                runbook="records-are-retried",
            )
        for name in ("encryptor", "auditor", "reencryptor"):
            self.add(
                f"{name}-errors",
                f"For 15 minutes the {name} failed as a whole, or was killed",
                self._metrics.of_lambda(name, "Errors"),
                lasting=FIFTEEN_MINUTES,
                runbook="the-function-fails-as-a-whole",
            )
        self.add_event(
            "quarantined",
            "Records that can never be written as they are came into quarantine",
            self._metrics.own("encryptor", Metric.RECORDS_QUARANTINED),
            runbook="records-in-quarantine",
        )
        self.add(
            "quarantine-held",
            "Records wait in quarantine for a decision; told as over once there is one about each",
            self._metrics.own("rotation", Metric.QUARANTINE_HELD, statistic="Maximum"),
            runbook="records-in-quarantine",
        )

    def _silent(self, data: DataStack, ring: str, so_long: str, period: cdk.Duration, lasting: Lasting) -> None:
        """Who sees nothing fails in nothing, and publishes no iterator age either.

        Only a row of periods shows it. What came at a period's end is seen in the next one, and what a long batch
        wrote is told after it was seen: either leaves one period without a sight, and beside it one with. And where
        little comes the periods must be long: those in which nothing happened have no value, and CloudWatch goes back
        for others by a few at most.
        """
        arrived = data.stream.metric_incoming_records(statistic="Sum", period=period)
        received = self._metrics.own("encryptor", Metric.RECORDS_RECEIVED, period=period)
        written = self._metrics.total(("encryptor", "redriver"), Metric.RECORDS_WRITTEN, period=period)
        seen = self._metrics.own("auditor", Metric.RECORDS_RECEIVED, period=period)
        for name, came, what in (
            ("encryptor", {"came": arrived, "seen": received}, "Records arrive, and the encryptor sees none"),
            ("auditor", {"came": written, "seen": seen}, "Items are written, and the auditor sees no change"),
        ):
            self.add(
                f"{name}-{ring}",
                f"{what}, for {so_long}: its event source mapping is off",
                # what is missing counts as 0 in a sum: more than came, where something was seen
                calculated("IF((came + seen) > came, 0, IF(came > 0, 1))", came, label=what, period=period),
                lasting=lasting,
                runbook="behind",
            )

    def _landing(self, data: DataStack) -> None:
        own = self._metrics.own
        self.add_event(
            "landing-failed",
            "An object of the landing bucket cannot be read to its end; what could be read is in",
            own("landing-ingest", Metric.LANDING_FAILED_OBJECTS),
            runbook="files",
        )
        self.add(
            "landing-behind",
            # SQS does not count a message that was received three times: that one, the two alarms below tell of
            f"An object has waited for over {LANDING_BEHIND_HOURS} h to be ingested",
            data.landing.queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=PERIOD),
            above=LANDING_BEHIND_HOURS * 3_600,
            runbook="files",
        )
        self.add(
            "landing-retries",
            "An object did not get on, and again: S3, Kinesis, SQS or the progress table refuses; its turn comes anew",
            own("landing-ingest", Metric.LANDING_RETRIED),
            lasting=_TWICE,
            runbook="files",
        )
        self.add(
            "landing-errors",
            "The landing ingest is killed again and again, by its timeout or for want of memory",
            self._metrics.of_lambda("landing-ingest", "Errors"),
            lasting=_TWICE,
            runbook="files",
        )
        self.add_event(
            "landing-untagged",
            "An object has ten tags of others: none says that it was ingested, and it never expires",
            own("landing-ingest", Metric.LANDING_UNTAGGED_OBJECTS),
            runbook="files",
        )

    def _keys(self, settings: Settings, machine: sfn.IStateMachine) -> None:
        own = self._metrics.own
        self.add(
            "kms-failures",
            "For ten minutes KMS throttles, refuses or does not answer; data keys at hand last for five minutes",
            self._metrics.total(asking(settings), Metric.KMS_FAILURES),
            lasting=TEN_MINUTES,
            runbook="records-are-retried",
        )
        self.add(
            "kms-quota",
            f"For five minutes the account has used over {QUOTA_PERCENT} % of KMS's quota, whoever it was",
            kms_used(),
            above=QUOTA_PERCENT,
            lasting=_FIVE_IN_A_ROW,
            runbook="kmss-quota",
        )
        self.add_event(
            "rotation-failed",
            "An execution of the rotation failed, or was ended; the next one goes on with its run",
            calculated(
                "failed + aborted + timedout",
                {
                    "failed": machine.metric_failed(statistic="Sum", period=PERIOD),
                    "aborted": machine.metric_aborted(statistic="Sum", period=PERIOD),
                    "timedout": machine.metric_timed_out(statistic="Sum", period=PERIOD),
                },
                label="executions",
            ),
            runbook="rotation",
        )
        self.add(
            "rotation-errors",
            "For 15 minutes the rotation function failed, or was killed: runs are neither led nor looked at",
            self._metrics.of_lambda("rotation", "Errors"),
            lasting=FIFTEEN_MINUTES,
            runbook="rotation",
        )
        self.add(
            "rotation-overdue",
            f"No rotation has run for {OVERDUE.to_days():g} days: keys that are due are not replaced",
            own("rotation", Metric.ROTATION_AGE_SECONDS, statistic="Maximum"),
            above=OVERDUE.to_seconds(),
            runbook="rotation",
        )
        steps = {
            "highest": own("rotation", Metric.RUN_STEPS, statistic="Maximum", period=STANDSTILL),
            "lowest": own("rotation", Metric.RUN_STEPS, statistic="Minimum", period=STANDSTILL),
            "looks": own("rotation", Metric.RUN_STEPS, statistic="SampleCount", period=STANDSTILL),
        }
        self.add(
            "rotation-stuck",
            f"A run that is not done has stored nothing for {2 * STANDSTILL.to_minutes():g} minutes",
            # a run that began, ended or waited at its barrier meanwhile was looked at less often
            calculated(
                f"IF((looks >= {_LOOKS}) AND (highest == lowest), 1, 0)",
                steps,
                label="a run stands still",
                period=STANDSTILL,
            ),
            lasting=_TWO_IN_A_ROW,
            runbook="rotation",
        )
        self.add_silence(
            "rotation-unwatched",
            "Nobody has looked how far runs are, nor what waits in quarantine, for three periods",
            own("rotation", Metric.RUNS_UNDER_WAY, statistic="SampleCount"),
            lasting=_THREE_IN_A_ROW,
            runbook="rotation",
        )
        for name, metric, what in (
            ("keys-kept", Metric.KEYS_KEPT, "A run could not end data keys that it was to end"),
            ("keys-failed", Metric.KEYS_FAILED, "KMS did not wrap data keys anew, or gave them no successor"),
            ("keys-corrupt", Metric.KEYS_CORRUPT, "Rows of data keys contradict themselves: somebody wrote to them"),
        ):
            self.add_event(name, what, own("rotation", metric), runbook="rotation")


def _visible(queue: sqs.IQueue) -> cloudwatch.IMetric:
    return queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=PERIOD)
