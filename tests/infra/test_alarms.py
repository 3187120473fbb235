"""The alarms that are deployed, held against what is published and against the runbook."""

from __future__ import annotations

import operator
import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from random import Random

import pytest

from infra.watch_settings import RUNBOOK
from shared.runtime.metrics import NAMESPACE, Metric
from tests.infra.synthesis import ROOT
from tests.infra.watching import alarms_of, emitted, own_of, read_by
from tests.unit.docs.pages import anchors, table

PAGE = ROOT / RUNBOOK
OF_THE_API = {"tenant-api-5xx", "tenant-api-errors", "access-denied"}
JUDGING = ("auditor", "reauditor", "reconciler")
SEALING = ("encryptor", "redriver", "reencryptor", "sweeper")


@pytest.fixture
def alarms(cloud):
    return alarms_of(cloud)


def _own(metric, *functions):
    return {(NAMESPACE, metric, f"sealstream-{function}") for function in functions}


def _of_lambda(metric, function):
    return {("AWS/Lambda", metric, f"sealstream-{function}")}


def _watched(alarm):
    return {(read.namespace, read.name, *(value for _, value in read.dimensions)) for read in read_by(alarm)}


def test_what_is_exposed_stands_still_or_is_given_up_is_told(cloud, alarms):
    queues = {
        name: cloud.one("AWS::SQS::Queue", under=under).logical_id
        for name, under in (
            ("findings", "FindingsQueue"),
            ("given up", "FindingsDeadLetters"),
            ("landing", "LandingQueue"),
            ("landing letters", "LandingDeadLetters"),
            ("encryptor", "SealingDeadLetters"),
            ("auditor", "AuditingDeadLetters"),
        )
    }
    machine = cloud.one("AWS::StepFunctions::StateMachine").arn
    stream = cloud.one("AWS::Kinesis::Stream").logical_id
    arrived_or_received = {("AWS/Kinesis", "IncomingRecords", stream), *_own(Metric.RECORDS_RECEIVED, "encryptor")}
    written_or_seen = _own(Metric.RECORDS_WRITTEN, "encryptor", "redriver") | _own(Metric.RECORDS_RECEIVED, "auditor")

    def letters(of):
        return {("AWS/SQS", "ApproximateNumberOfMessagesVisible", queues[of])}

    def waiting(of):
        return {("AWS/SQS", "ApproximateAgeOfOldestMessage", queues[of])}

    assert {
        "plaintext-found": _own(Metric.ITEMS_PLAINTEXT, *JUDGING),
        "census-found-plaintext": _own(Metric.VALUES_IN_CLEAR, "sweeper"),
        "malformed": _own(Metric.ITEMS_MALFORMED, *JUDGING),
        "undeclared-sensitive": _own(Metric.ITEMS_UNDECLARED, *JUDGING),
        "stale": _own(Metric.ITEMS_STALE, "auditor"),
        "findings-left": _own(Metric.ITEMS_LEFT, "reencryptor"),
        "exposures-known": _own(Metric.EXPOSURES_KNOWN, "rotation"),
        "findings-behind": waiting("findings"),
        "findings-given-up": letters("given up"),
        "trail-verification-failed": _own(Metric.TRAIL_VERIFICATION_FAILED, "notary"),
        "notary-silent": _own(Metric.MANIFESTS_WRITTEN, "notary"),
        "notary-behind": _own(Metric.MANIFESTS_COMPLETE, "notary"),
        "item-events-dropped": _own(Metric.AUDIT_EVENTS_DROPPED, *SEALING, *JUDGING, "landing-ingest"),
        "key-events-dropped": _own(
            Metric.AUDIT_EVENTS_DROPPED, "rotation", "reopener", "notary", "tenant-api", "ensure-keys"
        ),
        "landing-dead-letters": letters("landing letters"),
        "encryptor-dead-letters": letters("encryptor"),
        "auditor-dead-letters": letters("auditor"),
        "encryptor-behind": _of_lambda("IteratorAge", "encryptor"),
        "auditor-behind": _of_lambda("IteratorAge", "auditor"),
        "encryptor-retries": _own(Metric.RECORDS_RETRIED, "encryptor"),
        "auditor-retries": _own(Metric.RECORDS_RETRIED, "auditor"),
        "encryptor-errors": _of_lambda("Errors", "encryptor"),
        "auditor-errors": _of_lambda("Errors", "auditor"),
        "reencryptor-errors": _of_lambda("Errors", "reencryptor"),
        "quarantined": _own(Metric.RECORDS_QUARANTINED, "encryptor"),
        "quarantine-held": _own(Metric.QUARANTINE_HELD, "rotation"),
        "encryptor-silent": arrived_or_received,
        "encryptor-silent-for-hours": arrived_or_received,
        "auditor-silent": written_or_seen,
        "auditor-silent-for-hours": written_or_seen,
        "landing-failed": _own(Metric.LANDING_FAILED_OBJECTS, "landing-ingest"),
        "landing-untagged": _own(Metric.LANDING_UNTAGGED_OBJECTS, "landing-ingest"),
        "landing-retries": _own(Metric.LANDING_RETRIED, "landing-ingest"),
        "landing-errors": _of_lambda("Errors", "landing-ingest"),
        "landing-behind": waiting("landing"),
        "kms-failures": _own(Metric.KMS_FAILURES, *SEALING, "rotation", "notary", "tenant-api", "ensure-keys"),
        "kms-quota": {("AWS/Usage", "CallCount", "None", "CryptographicOperationsSymmetric", "KMS", "API")},
        "rotation-failed": {
            ("AWS/States", f"Executions{ended}", machine) for ended in ("Failed", "Aborted", "TimedOut")
        },
        "rotation-overdue": _own(Metric.ROTATION_AGE_SECONDS, "rotation"),
        "rotation-errors": _of_lambda("Errors", "rotation"),
        "rotation-stuck": _own(Metric.RUN_STEPS, "rotation"),
        "rotation-unwatched": _own(Metric.RUNS_UNDER_WAY, "rotation"),
        "keys-kept": _own(Metric.KEYS_KEPT, "rotation"),
        "keys-failed": _own(Metric.KEYS_FAILED, "rotation"),
        "keys-corrupt": _own(Metric.KEYS_CORRUPT, "rotation"),
        "tenant-api-5xx": {("AWS/ApiGateway", "5xx", cloud.one("AWS::ApiGatewayV2::Api").logical_id)},
        "tenant-api-errors": _of_lambda("Errors", "tenant-api"),
        "access-denied": _own(Metric.ACCESS_DENIED, "tenant-api"),
    } == {name: _watched(alarm) for name, alarm in alarms.items()}


def test_the_alarms_of_two_deployments_in_one_account_read_different_metrics(alarms, other_and_unacceptable):
    others = alarms_of(other_and_unacceptable, "acme")
    named = {
        name
        for name, alarm in alarms.items()
        if name not in OF_THE_API and {read.namespace for read in read_by(alarm)} <= {NAMESPACE, "AWS/Lambda"}
    }

    assert alarms.keys() - OF_THE_API == others.keys(), "the other deployment has no API"
    assert {"encryptor-retries", "plaintext-found", "auditor-silent", "kms-failures"} < named
    for name in named:
        ours = {read for read in _watched(alarms[name]) if not read[-1].endswith(("-tenant-api", "-ensure-keys"))}
        renamed = {(*what, function.replace("sealstream-", "acme-")) for *what, function in ours}
        assert renamed == _watched(others[name])


def test_every_dead_letter_queue_has_its_alarm(cloud, alarms):
    letters = {queue.logical_id for queue in cloud.resources("AWS::SQS::Queue") if "DeadLetters" in queue.logical_id}

    assert letters == {
        queue
        for alarm in alarms.values()
        for _, name, queue, *_ in (one for one in _watched(alarm) if len(one) == 3)
        if name == "ApproximateNumberOfMessagesVisible"
    }


def test_whoever_may_give_up_events_of_the_audit_trail_is_watched(cloud, alarms):
    watched = own_of(read for name in ("item-events-dropped", "key-events-dropped") for read in read_by(alarms[name]))

    assert {(name, metric) for name, metric in emitted(cloud) if metric == Metric.AUDIT_EVENTS_DROPPED} == watched


def test_no_alarm_is_on_more_metrics_than_cloudwatch_takes(alarms):
    """Amazon CloudWatch API Reference, PutMetricAlarm: ten that are retrieved, and ten expressions."""
    assert {} == {name: len(read_by(alarm)) for name, alarm in alarms.items() if len(read_by(alarm)) > 10}


def test_no_alarm_looks_back_further_than_cloudwatch_does_by_the_minute(alarms):
    """Amazon CloudWatch User Guide: one day; what looks back further is judged once an hour."""
    assert {} == {name: how for name, how in _lasting(alarms).items() if how[1] * how[3] > 86_400}


def test_no_metric_is_no_alarm_but_of_what_comes_by_the_clock(alarms):
    by_the_clock = {name for name, alarm in alarms.items() if alarm["TreatMissingData"] == "breaching"}

    assert {"notary-silent", "notary-behind", "rotation-unwatched"} == by_the_clock
    for name, alarm in alarms.items():
        compared = (
            ("LessThanThreshold", "breaching") if name in by_the_clock else ("GreaterThanThreshold", "notBreaching")
        )
        assert compared == (alarm["ComparisonOperator"], alarm["TreatMissingData"]), name


def test_how_much_and_how_long_it_takes(alarms):
    """Threshold, seconds of a period, and in how many of how many periods."""

    def all_of(names, how):
        return dict.fromkeys(names.split(), how)

    assert {
        **all_of(
            "plaintext-found census-found-plaintext malformed undeclared-sensitive findings-left findings-given-up"
            " trail-verification-failed quarantined landing-dead-letters encryptor-dead-letters auditor-dead-letters"
            " landing-failed landing-untagged rotation-failed keys-kept keys-failed keys-corrupt tenant-api-errors"
            " exposures-known quarantine-held item-events-dropped key-events-dropped",
            (0, 300, 1, 1),
        ),
        **all_of("encryptor-behind auditor-behind", (300_000, 300, 1, 1)),
        **all_of("findings-behind", (900, 300, 1, 1)),
        **all_of("landing-behind", (3_600, 300, 1, 1)),
        **all_of("rotation-overdue", (172_800, 300, 1, 1)),
        **all_of("access-denied", (20, 300, 1, 1)),
        **all_of("kms-failures tenant-api-5xx", (0, 300, 2, 3)),
        **all_of(
            "encryptor-retries auditor-retries encryptor-errors auditor-errors reencryptor-errors rotation-errors",
            (0, 300, 3, 4),
        ),
        **all_of("encryptor-silent auditor-silent", (0, 300, 3, 3)),
        **all_of("encryptor-silent-for-hours auditor-silent-for-hours", (0, 3_600, 2, 2)),
        **all_of("notary-silent rotation-unwatched", (1, 300, 3, 3)),
        **all_of("notary-behind", (1, 300, 6, 6)),
        **all_of("landing-retries landing-errors", (0, 300, 2, 8)),
        **all_of("stale", (0, 300, 12, 12)),
        **all_of("kms-quota", (80, 60, 5, 5)),
        **all_of("rotation-stuck", (0, 1_800, 2, 2)),
    } == _lasting(alarms)


def _lasting(alarms):
    return {
        name: (
            alarm["Threshold"],
            *{alarm.get("Period") or query["MetricStat"]["Period"] for query in _stats(alarm)},
            alarm["DatapointsToAlarm"],
            alarm["EvaluationPeriods"],
        )
        for name, alarm in alarms.items()
    }


def _stats(alarm):
    return [query for query in alarm.get("Metrics", []) if "MetricStat" in query] or [{}]


@dataclass(frozen=True, eq=False)
class _Point:  # noqa: PLW1641 - equal at moments, and never hashed
    """A time series at one moment, by the rules of "Using math expressions with CloudWatch metrics"."""

    value: float | None

    def _with(self, other, calculate):
        if not isinstance(other, _Point):
            return _Point(None if self.value is None else calculate(self.value, other))
        if self.value is None and other.value is None:
            return self
        return _Point(calculate(self.value or 0, other.value or 0))  # of two series, one that is missing counts as 0

    def __add__(self, other):
        return self._with(other, operator.add)

    def __gt__(self, other):
        return self._with(other, operator.gt)

    def __ge__(self, other):
        return self._with(other, operator.ge)

    def __eq__(self, other):
        return self._with(other, operator.eq)

    def __and__(self, other):
        return self._with(other, lambda one, another: bool(one) and bool(another))


def _if(condition, yes, no=_Point(None)):
    if condition.value is None:
        return condition
    chosen = yes if condition.value else no
    return chosen if isinstance(chosen, _Point) else _Point(chosen)


def _evaluated(expression, **values):
    """What CloudWatch makes of one of the alarms' expressions at one moment; None is missing."""
    points = {name: _Point(value) for name, value in values.items()}
    return eval(expression.replace("AND", "&"), {"__builtins__": {}, "IF": _if}, points).value  # noqa: S307


def _expression(alarm):
    (expression,) = (query["Expression"] for query in alarm["Metrics"] if query.get("ReturnData"))
    return expression


def _ringing(alarm, measured, minutes, *, spare=2):
    """In which minutes it does, judged in each: missing is in bounds where not enough values are found further back.

    Args:
        alarm: on an expression.
        measured: the metrics' values by their ids, from one minute to another.
        minutes: for how many.
        spare: so many periods CloudWatch goes back for values; its guide says some, and shows two.
    """
    expression, period = _expression(alarm), _stats(alarm)[0]["MetricStat"]["Period"] // 60
    values = {
        end: _evaluated(expression, **measured(end - period, end))
        for end in range(-period * (alarm["EvaluationPeriods"] + spare), minutes)
    }
    for now in range(minutes):
        found = [values[now - period * index] for index in range(alarm["EvaluationPeriods"] + spare)]
        judged = [value for value in found if value is not None][: alarm["EvaluationPeriods"]]
        if sum(value > alarm["Threshold"] for value in judged) >= alarm["DatapointsToAlarm"]:
            yield now


def _sums(**told):
    """Of metrics that were told at those seconds; of one that was not told there is no sum."""
    seconds = {name: sorted(second for second, _ in points) for name, points in told.items()}
    totals = {name: list(accumulate((number for _, number in sorted(told[name])), initial=0)) for name in told}

    def measured(since, until):
        within = {name: [bisect_left(seconds[name], 60 * minute) for minute in (since, until)] for name in told}
        return {
            name: totals[name][end] - totals[name][begin] if begin < end else None
            for name, (begin, end) in within.items()
        }

    return measured


_DAY = 24 * 60
SILENT = ("encryptor-silent", "auditor-silent")
FOR_HOURS = ("encryptor-silent-for-hours", "auditor-silent-for-hours")


@pytest.mark.parametrize(
    ("came", "seen", "told"),
    [
        (5, None, 1),
        (5, 0, 1),
        (5, 5, 0),
        (5, 1, 0),
        (0, 3, 0),
        (None, 3, 0),
        (0, None, None),
        (0, 0, None),
        (None, 0, None),
        (None, None, None),
    ],
)
def test_who_sees_nothing_is_noticed_only_while_something_comes(alarms, came, seen, told):
    for name in SILENT + FOR_HOURS:
        assert told == _evaluated(_expression(alarms[name]), came=came, seen=seen)


@pytest.mark.parametrize("spare", [0, 2])
@pytest.mark.parametrize(
    ("every", "within", "names"),
    [(1, 20, SILENT), (5, 20, SILENT), *((every, 180, FOR_HOURS) for every in (1, 5, 12, 15, 20, 30, 60, 90))],
)
def test_who_sees_nothing_is_noticed_however_little_comes(alarms, every, within, names, spare):
    came = [(60 * minute + 30, 1) for minute in range(0, _DAY, every)]
    nothing_new = [(second + 20, 0) for second, _ in came]
    seen = [(second + 1, 1) for second, _ in came if second < 6 * 3_600]
    last = seen[-1][0] // 60

    for name in names:
        rings = list(_ringing(alarms[name], _sums(came=[*came, *nothing_new], seen=seen), _DAY, spare=spare))
        assert last < rings[0] <= last + within + every, name


@pytest.mark.parametrize("spare", [0, 2])
@pytest.mark.parametrize("every", [1, 5, 7, 15, 60, 120, 300])
@pytest.mark.parametrize(
    "later",
    [
        pytest.param(2, id="seen in the next minute"),
        pytest.param(200, id="seen minutes later"),
        pytest.param(-20, id="told after a long batch"),
        pytest.param(-240, id="told after a long replay"),
    ],
)
def test_who_sees_what_comes_is_not_silent_whenever_it_sees_it(alarms, every, later, spare):
    """At the same second of a minute each time, at which it falls into another period."""
    came = [(60 * minute + (59 if later > 0 else 1), 1) for minute in range(10, _DAY, every)]
    seen = [(second + later, 1) for second, _ in came]

    for name in SILENT + FOR_HOURS:
        assert [] == list(_ringing(alarms[name], _sums(came=came, seen=seen), _DAY, spare=spare)), name


@pytest.mark.parametrize("seed", range(5))
def test_who_sees_what_comes_by_chance_is_not_silent(alarms, seed):
    random = Random(seed)
    came = [(random.randrange(_DAY * 60), random.randrange(4)) for _ in range(10 ** (1 + seed % 3))]
    seen = [(second + random.expovariate(1 / 4), number) for second, number in came if number]

    for name in SILENT + FOR_HOURS:
        assert [] == list(_ringing(alarms[name], _sums(came=came, seen=seen), _DAY)), name


@pytest.mark.parametrize("every", [1, 60])
def test_a_silence_is_over_with_the_first_sight(alarms, every):
    came = [(60 * minute + 30, 1) for minute in range(0, _DAY, every)]
    seen = [(12 * 3_600 + 31, 1), *((second + 1, 1) for second, _ in came if second > 12 * 3_600)]

    for name in FOR_HOURS if every > 5 else SILENT + FOR_HOURS:
        rings = list(_ringing(alarms[name], _sums(came=came, seen=seen), _DAY))
        assert rings[-1] == 12 * 60, name


def test_a_silence_does_not_wait_until_the_last_value_is_forgotten(alarms):
    """Of three in a row CloudWatch looks at five, and missing ones count only where values do not suffice."""
    for name in ("notary-silent", "notary-behind", "rotation-unwatched"):
        assert "FILL(told, 0)" == _expression(alarms[name])


MOVES, STANDS, WAITS = "moves", "stands", "waits"


def _steps(*spans):
    """What looks five minutes apart saw, None where there was no run but at its barrier, by the minute."""
    steps = 0
    for what, looks in spans:
        for _ in range(looks):
            steps += what == MOVES
            yield None if what == WAITS else steps


def _rings(alarm, seen):
    """At which minutes it does."""
    looks = [(5 * index, steps) for index, steps in enumerate(seen) if steps is not None]

    def measured(since, until):
        found = [steps for minute, steps in looks if since <= minute < until]
        return {"highest": max(found, default=None), "lowest": min(found, default=None), "looks": len(found) or None}

    return _ringing(alarm, measured, 5 * len(seen) + 120)


@pytest.mark.parametrize(
    "spans",
    [
        [(MOVES, 1)],
        [(MOVES, 2)],
        [(MOVES, 40)],
        [(MOVES, 1), (WAITS, 8), (MOVES, 1)],
        [(MOVES, 3), (WAITS, 8), (MOVES, 3)],
        [(MOVES, 1), (WAITS, 288), (MOVES, 1), (WAITS, 288), (MOVES, 1)],
        [(MOVES, 6), (STANDS, 5), (MOVES, 6), (STANDS, 5), (MOVES, 1)],
        [(MOVES, 1), (WAITS, 5), (MOVES, 1), (WAITS, 5), (MOVES, 1), (WAITS, 5)],
    ],
)
def test_a_run_that_moves_or_waits_at_its_barrier_is_not_stuck(alarms, spans):
    assert [] == list(_rings(alarms["rotation-stuck"], list(_steps(*spans))))


@pytest.mark.parametrize("before", [[], [(MOVES, 7)], [(MOVES, 3), (WAITS, 8)]])
def test_a_run_that_takes_no_step_for_an_hour_is_stuck(alarms, before):
    looks = list(_steps(*before, (STANDS, 14)))
    begun = 5 * (len(looks) - 14)

    first = next(_rings(alarms["rotation-stuck"], looks))

    assert begun + 50 <= first <= begun + 61


def test_what_it_looks_at_is_the_same_metric_three_times(alarms):
    assert {"lowest": "Minimum", "highest": "Maximum", "looks": "SampleCount"} == {
        query["Id"]: query["MetricStat"]["Stat"] for query in _stats(alarms["rotation-stuck"])
    }


def test_a_standstill_is_longer_than_a_call_and_seen_by_several_looks(cloud, alarms):
    (look,) = [rule for rule in cloud.resources("AWS::Events::Rule") if rule.properties["Name"].endswith("-look")]
    longest = max(function.properties["Timeout"] for function in cloud.resources("AWS::Lambda::Function"))
    (period,) = {query["MetricStat"]["Period"] for query in _stats(alarms["rotation-stuck"])}

    assert look.properties["ScheduleExpression"] == "rate(5 minutes)"
    assert period >= 2 * longest
    assert period >= 5 * 300


def test_an_object_that_fails_each_time_it_is_delivered_is_told_of_after_the_second(cloud, alarms):
    """SQS's own age of the oldest message does not count one that was received three times."""
    hidden = cloud.one("AWS::SQS::Queue", under="LandingQueue").properties["VisibilityTimeout"]

    for name in ("landing-retries", "landing-errors"):
        alarm = alarms[name]
        within = alarm["Period"] * (alarm["EvaluationPeriods"] - 1)
        assert hidden * (alarm["DatapointsToAlarm"] - 1) < within, name


def test_a_finding_that_failed_once_is_not_told_of(cloud, alarms):
    hidden = cloud.one("AWS::SQS::Queue", under="FindingsQueue").properties["VisibilityTimeout"]

    assert hidden < alarms["findings-behind"]["Threshold"]


def test_what_an_alarm_says_leads_to_a_section_of_the_runbook(alarms):
    told = {name: alarm["AlarmDescription"].rpartition(f"; runbook: {RUNBOOK}#") for name, alarm in alarms.items()}

    assert [] == [name for name, (what, _, anchor) in told.items() if not what or anchor not in anchors(PAGE)]
    assert [] == [name for name, alarm in alarms.items() if len(alarm["AlarmDescription"]) > 1_024]


def test_the_runbook_lists_the_alarms_that_are_deployed_each_with_its_section(alarms):
    listed = {
        name: re.findall(r"\(#([\w-]+)\)", row[3])
        for row in table(PAGE, "alarm")[1:]
        for name in re.findall(r"`([\w-]+)`", row[0])
    }

    assert {name: [alarm["AlarmDescription"].rpartition("#")[2]] for name, alarm in alarms.items()} == listed


def test_the_limits_that_are_known_name_alarms_that_are_deployed(alarms):
    named = {name for row in table(PAGE, "limit")[1:] for name in re.findall(r"`([\w-]+)`", row[2])}

    assert named
    assert named <= alarms.keys()
