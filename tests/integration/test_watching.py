"""What watches a deployment is there, reads what functions really write, and tells whoever subscribed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from shared.aws.clients import client
from shared.runtime.metrics import NAMESPACE, Metric
from tests.infra.emitted import emitted_by
from tests.integration.support import ARRIVES_WITHIN_SECONDS, Deployment, unique
from tests.local_aws.support import wait_until

CANARY = "canary-378282246310005"


def _cloudwatch() -> Any:
    return client("cloudwatch")


def _written() -> set[tuple[str, str]]:
    """Function and name of each metric that there are data of."""
    pages = _cloudwatch().get_paginator("list_metrics").paginate(Namespace=NAMESPACE)
    return {(one["Dimensions"][0]["Value"], one["MetricName"]) for page in pages for one in page["Metrics"]}


def _alarms() -> list[dict[str, Any]]:
    pages = _cloudwatch().get_paginator("describe_alarms").paginate(AlarmNamePrefix="sealstream-")
    return [alarm for page in pages for alarm in page["MetricAlarms"]]


def test_dashboard_alarms_and_saved_queries_are_deployed(deployment: Deployment):
    body = json.loads(_cloudwatch().get_dashboard(DashboardName="sealstream")["DashboardBody"])
    (board,) = (widget for widget in body["widgets"] if widget["type"] == "alarm")
    queries = client("logs").describe_query_definitions(queryDefinitionNamePrefix="sealstream/")["queryDefinitions"]
    alarms = _alarms()

    assert sorted(board["properties"]["alarms"]) == sorted(alarm["AlarmArn"] for alarm in alarms)
    assert {(deployment["ALARM_TOPIC"],)} == {tuple(alarm["AlarmActions"]) for alarm in alarms}
    assert len(queries) > 10


def test_functions_write_the_metrics_that_their_code_is_read_to_write(deployment: Deployment):
    """The dashboard is held against that reading (`tests/infra/test_dashboard.py`)."""
    tenant, item = unique("watched"), unique("item")
    deployment.put_json({"tenant_id": tenant, "id": item, "ssn": CANARY})
    deployment.put(b"no record", partition_key=item)
    deployment.put_in_clear(tenant, unique("rogue"), {"ssn": CANARY})

    wanted = {
        ("sealstream-encryptor", Metric.RECORDS_WRITTEN),
        ("sealstream-encryptor", Metric.RECORDS_QUARANTINED),
        ("sealstream-auditor", Metric.ITEMS_PLAINTEXT),
        ("sealstream-auditor", Metric.PUT_TO_VERIFIED_SECONDS),
        ("sealstream-reencryptor", Metric.ITEMS_MENDED),
    }
    wait_until(lambda: wanted <= _written(), ARRIVES_WITHIN_SECONDS, 0.2)
    handlers = {function: client("lambda").get_function(FunctionName=function) for function, _ in _written()}
    read = {
        (function, name)
        for function, answer in handlers.items()
        for name in emitted_by(answer["Configuration"]["Handler"])
    }
    assert set() == _written() - read


def test_a_look_tells_how_many_runs_there_are_and_what_waits_in_quarantine(deployment: Deployment):
    function = deployment["ROTATION"]
    answer = client("lambda").invoke(FunctionName=function, Payload=json.dumps({"operation": "look"}).encode())

    assert {"under_way"} == json.loads(answer["Payload"].read()).keys()
    wanted = {(function, Metric.RUNS_UNDER_WAY), (function, Metric.QUARANTINE_HELD)}
    wait_until(lambda: wanted <= _written(), ARRIVES_WITHIN_SECONDS, 0.1)


@pytest.fixture
def told(deployment: Deployment) -> Iterator[str]:
    """A queue that has subscribed to the alarms."""
    sqs, sns, topic = client("sqs"), boto3.client("sns"), deployment["ALARM_TOPIC"]
    url = sqs.create_queue(QueueName=unique("told"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    yield url
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=url)


def test_whoever_subscribed_is_told_when_an_alarm_begins_and_when_it_is_over(told: str):
    for state in ("ALARM", "OK"):
        _cloudwatch().set_alarm_state(AlarmName="sealstream-quarantine-held", StateValue=state, StateReason="a test")

        def message() -> Any:
            return client("sqs").receive_message(QueueUrl=told, WaitTimeSeconds=1).get("Messages")

        (received,) = wait_until(message, ARRIVES_WITHIN_SECONDS, 0.1)
        alarm = json.loads(json.loads(received["Body"])["Message"])
        assert ("sealstream-quarantine-held", state) == (alarm["AlarmName"], alarm["NewStateValue"])
        assert alarm["AlarmDescription"].endswith("; runbook: docs/runbook.md#records-in-quarantine")
