"""The alarms that are deployed, held against what is published and against the runbook's list."""

from __future__ import annotations

import re

import pytest

from shared.runtime.metrics import NAMESPACE, Metric
from tests.infra.synthesis import ROOT
from tests.unit.docs.pages import table

RUNBOOK = ROOT / "docs" / "runbook.md"


@pytest.fixture
def alarms(cloud):
    return _alarms(cloud, "sealstream")


def _alarms(synthesis, prefix):
    return {
        alarm.properties["AlarmName"].removeprefix(f"{prefix}-"): alarm.properties
        for alarm in synthesis.resources("AWS::CloudWatch::Alarm")
    }


def _watched(alarm):
    return alarm["Namespace"], alarm["MetricName"], *(one["Value"] for one in alarm["Dimensions"])


def test_what_is_given_up_and_what_stands_still_is_told(cloud, alarms):
    letters = "AWS/SQS", "ApproximateNumberOfMessagesVisible"
    queues = {
        name: cloud.one("AWS::SQS::Queue", under=under).logical_id
        for name, under in (
            ("findings", "FindingsDeadLetters"),
            ("landing", "LandingDeadLetters"),
            ("landing queue", "LandingQueue"),
            ("encryptor", "SealingDeadLetters"),
            ("auditor", "AuditingDeadLetters"),
        )
    }

    assert {
        "findings-given-up": (*letters, queues["findings"]),
        "landing-dead-letters": (*letters, queues["landing"]),
        "landing-failed": (NAMESPACE, Metric.LANDING_FAILED_OBJECTS, "sealstream-landing-ingest"),
        "landing-untagged": (NAMESPACE, Metric.LANDING_UNTAGGED_OBJECTS, "sealstream-landing-ingest"),
        "landing-retries": (NAMESPACE, Metric.LANDING_RETRIED, "sealstream-landing-ingest"),
        "landing-errors": ("AWS/Lambda", "Errors", "sealstream-landing-ingest"),
        "landing-behind": ("AWS/SQS", "ApproximateAgeOfOldestMessage", queues["landing queue"]),
        "encryptor-dead-letters": (*letters, queues["encryptor"]),
        "auditor-dead-letters": (*letters, queues["auditor"]),
        "rotation-failed": ("AWS/States", "ExecutionsFailed", cloud.one("AWS::StepFunctions::StateMachine").arn),
        "encryptor-behind": ("AWS/Lambda", "IteratorAge", "sealstream-encryptor"),
        "auditor-behind": ("AWS/Lambda", "IteratorAge", "sealstream-auditor"),
        "encryptor-retries": (NAMESPACE, Metric.RECORDS_RETRIED, "sealstream-encryptor"),
        "auditor-retries": (NAMESPACE, Metric.RECORDS_RETRIED, "sealstream-auditor"),
        "quarantined": (NAMESPACE, Metric.RECORDS_QUARANTINED, "sealstream-encryptor"),
        "kms-failures": (NAMESPACE, Metric.KMS_FAILURES, "sealstream-encryptor"),
        "tenant-api-5xx": ("AWS/ApiGateway", "5xx", cloud.one("AWS::ApiGatewayV2::Api").logical_id),
        "tenant-api-errors": ("AWS/Lambda", "Errors", "sealstream-tenant-api"),
        "access-denied": (NAMESPACE, Metric.ACCESS_DENIED, "sealstream-tenant-api"),
    } == {name: _watched(alarm) for name, alarm in alarms.items()}


def test_the_alarms_of_two_deployments_in_one_account_read_different_metrics(alarms, other_and_unacceptable):
    others = _alarms(other_and_unacceptable, "acme")
    named = {name for name, alarm in alarms.items() if alarm["Namespace"] in {NAMESPACE, "AWS/Lambda"}}

    of_the_api = {"tenant-api-5xx", "tenant-api-errors", "access-denied"}
    assert alarms.keys() - of_the_api == others.keys(), "the other deployment has no API"
    named -= of_the_api
    assert {"encryptor-retries", "auditor-retries", "quarantined", "kms-failures"} < named
    assert {f"acme-{_watched(alarms[name])[2].removeprefix('sealstream-')}" for name in named} == {
        _watched(others[name])[2] for name in named
    }
    assert not [name for name in named if _watched(alarms[name]) == _watched(others[name])]


def test_what_an_alarm_reads_is_written_under_the_name_of_a_deployed_function(cloud, alarms):
    deployed = {function.properties["FunctionName"] for function in cloud.resources("AWS::Lambda::Function")}

    assert {_watched(alarm)[2] for alarm in alarms.values() if alarm["Namespace"] == NAMESPACE} <= deployed


def test_every_dead_letter_queue_has_its_alarm(cloud, alarms):
    watched = {
        alarm["Dimensions"][0]["Value"]
        for alarm in alarms.values()
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    }

    assert watched == {
        queue.logical_id for queue in cloud.resources("AWS::SQS::Queue") if "DeadLetters" in queue.logical_id
    }


def test_an_alarm_rings_nowhere_until_somebody_says_where_and_a_quiet_stream_is_none(alarms):
    for alarm in alarms.values():
        assert "AlarmActions" not in alarm
        assert ("GreaterThanThreshold", "notBreaching") == (alarm["ComparisonOperator"], alarm["TreatMissingData"])


def test_how_much_and_how_long_it_takes(alarms):
    """Threshold, seconds of a period, and in how many of how many periods."""
    found = {
        name: (alarm["Threshold"], alarm["Period"], alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"])
        for name, alarm in alarms.items()
    }
    given_up = ("findings-given-up", "landing-dead-letters", "encryptor-dead-letters", "auditor-dead-letters")
    objects = ("landing-failed", "landing-untagged")
    at_once = dict.fromkeys((*given_up, *objects, "rotation-failed", "quarantined"), (0, 300, 1, 1))
    behind = dict.fromkeys(("encryptor-behind", "auditor-behind"), (900_000, 300, 1, 1))
    behind["landing-behind"] = (3_600, 300, 1, 1)
    retries = dict.fromkeys(("encryptor-retries", "auditor-retries"), (0, 300, 3, 4))

    retries |= dict.fromkeys(("landing-retries", "landing-errors"), (0, 300, 2, 8))

    at_once |= {"tenant-api-errors": (0, 300, 1, 1), "access-denied": (20, 300, 1, 1)}
    failing = dict.fromkeys(("kms-failures", "tenant-api-5xx"), (0, 300, 2, 3))

    assert at_once | behind | retries | failing == found


def test_an_object_that_fails_each_time_it_is_delivered_is_told_of_after_the_second(cloud, alarms):
    """SQS's own age of the oldest message does not count one that was received three times."""
    hidden = cloud.one("AWS::SQS::Queue", under="LandingQueue").properties["VisibilityTimeout"]

    for name in ("landing-retries", "landing-errors"):
        alarm = alarms[name]
        within = alarm["Period"] * (alarm["EvaluationPeriods"] - 1)
        assert hidden * (alarm["DatapointsToAlarm"] - 1) < within, name


def test_the_runbook_marks_exactly_the_metrics_that_have_an_alarm(alarms):
    rows = table(RUNBOOK, "metric")[1:]
    marked = {name for row in rows if "●" in row[0] for name in re.findall(r"`(\w+)` ?●", row[0])}

    assert {alarm["MetricName"] for alarm in alarms.values()} == marked


def test_what_an_alarm_of_the_api_says_leads_to_a_section_of_the_runbook(cloud):
    told = {
        alarm.properties["AlarmDescription"].rpartition("; runbook: ")[2]
        for alarm in cloud.resources("AWS::CloudWatch::Alarm")
        if alarm.stack == "SealstreamApi"
    }

    assert {"The tenant API fails", "Access is denied"} == told
    assert told <= set(re.findall(r"^## (.+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_limits_that_are_known_name_alarms_that_are_deployed(alarms):
    named = {name for row in table(RUNBOOK, "limit")[1:] for name in re.findall(r"`([\w-]+)`", row[2])}

    assert named
    assert named <= alarms.keys()
