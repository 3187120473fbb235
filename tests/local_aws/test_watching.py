"""What watches a deployment, as a template makes it: alarms on expressions, saved queries, a dashboard, a topic."""

from __future__ import annotations

import json
from typing import Any

from tests.local_aws.support import LocalAws, unique, wait_until


def settle(aws: LocalAws, stack: str, wanted: str) -> None:
    def described() -> Any:
        answer = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return None if answer["StackStatus"].endswith("_IN_PROGRESS") else answer

    answer = wait_until(described)
    assert wanted == answer["StackStatus"], answer.get("StackStatusReason")


def alarm(name: str, threshold: int) -> dict[str, Any]:
    stat = {"Metric": {"Namespace": "Mine", "MetricName": "Came"}, "Period": 300, "Stat": "Sum"}
    return {
        "AlarmName": name,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": threshold,
        "EvaluationPeriods": 3,
        "TreatMissingData": "notBreaching",
        "Metrics": [
            {"Id": "expr_1", "Expression": "IF(came > 0, 1, 0)", "Label": "came", "ReturnData": True},
            {"Id": "came", "MetricStat": stat, "ReturnData": False},
        ],
    }


def template(name: str, *, threshold: int, text: str) -> str:
    resources = {
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm(name, threshold)},
        "Query": {
            "Type": "AWS::Logs::QueryDefinition",
            "Properties": {"Name": f"{name}/slow", "QueryString": text, "LogGroupNames": ["/aws/lambda/mine"]},
        },
    }
    return json.dumps({"Resources": resources})


def found(aws: LocalAws, name: str) -> tuple[list[Any], list[Any]]:
    return (
        aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"],
        aws.client("logs").describe_query_definitions(queryDefinitionNamePrefix=f"{name}/")["queryDefinitions"],
    )


def test_an_alarm_on_an_expression_and_a_saved_query_are_made_changed_and_deleted(local_aws: LocalAws) -> None:
    stacks, name = local_aws.client("cloudformation"), unique("watch")
    stacks.create_stack(StackName=name, TemplateBody=template(name, threshold=0, text="limit 1"))
    settle(local_aws, name, "CREATE_COMPLETE")

    ((first,), (query,)) = found(local_aws, name)
    assert alarm(name, 0)["Metrics"] == first["Metrics"]
    assert ("INSUFFICIENT_DATA", None) == (first["StateValue"], first.get("MetricName"))
    assert ("limit 1", ["/aws/lambda/mine"]) == (query["queryString"], query["logGroupNames"])

    stacks.update_stack(StackName=name, TemplateBody=template(name, threshold=5, text="limit 2"))
    settle(local_aws, name, "UPDATE_COMPLETE")

    ((changed,), (other,)) = found(local_aws, name)
    assert (5, "limit 2") == (changed["Threshold"], other["queryString"])
    assert query["queryDefinitionId"] == other["queryDefinitionId"]

    stacks.delete_stack(StackName=name)
    wait_until(lambda: found(local_aws, name) == ([], []))
