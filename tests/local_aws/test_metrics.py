from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.local_aws.support import LocalAws, invoke, make_function, unique, wait_until

SOURCE = """
def handler(event, context):
    print(event)
"""


def embedded(namespace: str, dimensions: list[list[str]], **values: Any) -> str:
    metrics = [{"Name": name, "Unit": "Count"} for name in ("Records", "Retries")]
    directive = {"Namespace": namespace, "Dimensions": dimensions, "Metrics": metrics}
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": metadata, **values})


def sums(aws: LocalAws, namespace: str, name: str, dimensions: dict[str, str]) -> list[float]:
    now = datetime.now(UTC)
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )
    return [point["Sum"] for point in answer["Datapoints"]]


def test_a_lambdas_log_line_in_embedded_metric_format_becomes_metric_data(local_aws: LocalAws) -> None:
    namespace = unique("Namespace")
    function = make_function(local_aws, SOURCE)
    for records in (5, 7):
        invoke(local_aws, function, embedded(namespace, [["Outcome"]], Outcome="written", Records=records, Other=1))
    assert [12.0] == wait_until(lambda: sums(local_aws, namespace, "Records", {"Outcome": "written"}))
    assert [] == sums(local_aws, namespace, "Other", {"Outcome": "written"})


def test_values_may_be_a_list_and_each_dimension_set_has_its_own_data(local_aws: LocalAws) -> None:
    namespace = unique("Namespace")
    function = make_function(local_aws, SOURCE)
    invoke(
        local_aws, function, embedded(namespace, [["Outcome"], []], Outcome="written", Records=[1, 2.5], Retries="no")
    )
    assert [3.5] == wait_until(lambda: sums(local_aws, namespace, "Records", {"Outcome": "written"}))
    listed = local_aws.client("cloudwatch").list_metrics(Namespace=namespace)["Metrics"]
    assert [("Records", []), ("Records", [{"Name": "Outcome", "Value": "written"}])] == sorted(
        (metric["MetricName"], metric.get("Dimensions", [])) for metric in listed
    )


def test_malformed_metrics_are_mere_log_lines(local_aws: LocalAws) -> None:
    namespace = unique("Namespace")
    function = make_function(local_aws, SOURCE)
    for line in ('{"_aws": 1}', '{"_aws": {"CloudWatchMetrics": 1}}', '{"_aws"', '["_aws"]'):
        assert invoke(local_aws, function, line) is None
    invoke(local_aws, function, embedded(namespace, [["Missing"]], Records=1))
    invoke(local_aws, function, embedded(namespace, [[]], Records=1))
    assert [1.0] == wait_until(lambda: sums(local_aws, namespace, "Records", {}))
