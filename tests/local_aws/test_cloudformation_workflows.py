"""Templates of what rotation is made of: queue, mapping, state machine, rules, alarms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_aws.support import ACCOUNT, REGION, LocalAws, make_role, unique, wait_until

CODE = """
def handler(event, context):
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event.get("Records", [])]}
"""


def template(role: str, *, seconds: int) -> dict[str, Any]:
    """`seconds` is what an update changes."""
    definition = {
        "Fn::Join": [
            "",
            [
                '{"StartAt":"Step","States":{"Step":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",',
                '"Parameters":{"FunctionName":"',
                {"Fn::GetAtt": ["Function", "Arn"]},
                '","Payload.$":"$"},"ResultPath":"$.answer","Next":"Wait"},',
                '"Wait":{"Type":"Wait","Seconds":${Seconds},"End":true}}}',
            ],
        ]
    }
    target = {"Arn": {"Ref": "Machine"}, "Id": "machine", "RoleArn": role}
    resources = {
        "DeadLetters": {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": 1_209_600}},
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "VisibilityTimeout": seconds,
                "KmsMasterKeyId": "alias/aws/sqs",
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]},
                    "maxReceiveCount": 1,
                },
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": role,
                "Timeout": 1,
                "Code": {"ZipFile": CODE},
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionName": {"Ref": "Function"},
                "BatchSize": 5,
                "MaximumBatchingWindowInSeconds": 0,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "ScalingConfig": {"MaximumConcurrency": 2 + seconds},
            },
        },
        "LogGroup": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": unique("/aws/vendedlogs/states")}},
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": role,
                "StateMachineType": "STANDARD",
                "DefinitionString": definition,
                "DefinitionSubstitutions": {"Seconds": str(seconds - 1)},
                "LoggingConfiguration": {
                    "Level": "ERROR",
                    "IncludeExecutionData": False,
                    "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["LogGroup", "Arn"]}}}],
                },
                "TracingConfiguration": {"Enabled": True},
            },
        },
        "Schedule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "ScheduleExpression": f"rate({seconds + 1} days)",
                "State": "ENABLED",
                "Targets": [{**target, "Input": '{"by":"schedule"}'}],
            },
        },
        "Rotated": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["aws.kms"], "detail-type": ["KMS CMK Rotation"]},
                "State": "ENABLED",
                "Targets": [{**target, "InputPath": "$.detail"}],
            },
        },
        "DeadLetterAlarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "AWS/SQS",
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetters", "QueueName"]}}],
                "Statistic": "Maximum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": seconds,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "TreatMissingData": "notBreaching",
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        },
    }
    return {"Resources": resources, "Outputs": {name: {"Value": {"Ref": name}} for name in resources}}


@pytest.fixture(scope="module", params=["created", "updated"])
def deployed(local_aws: LocalAws, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    client = local_aws.client("cloudformation")
    stack, role = unique("stack"), make_role(local_aws)
    client.create_stack(StackName=stack, TemplateBody=json.dumps(template(role, seconds=1)))
    outputs = settle(local_aws, stack, "CREATE_COMPLETE")
    if request.param == "updated":
        client.update_stack(StackName=stack, TemplateBody=json.dumps(template(role, seconds=2)))
        updated = settle(local_aws, stack, "UPDATE_COMPLETE")
        assert {**updated, "LogGroup": ""} == {**outputs, "LogGroup": ""}
        outputs = updated
    yield {**outputs, "seconds": "2" if request.param == "updated" else "1"}
    client.delete_stack(StackName=stack)


def settle(aws: LocalAws, stack: str, wanted: str) -> dict[str, str]:
    def described() -> Any:
        answer = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return None if answer["StackStatus"].endswith("_IN_PROGRESS") else answer

    answer = wait_until(described)
    assert wanted == answer["StackStatus"], answer.get("StackStatusReason")
    return {output["OutputKey"]: output["OutputValue"] for output in answer["Outputs"]}


@pytest.mark.also_on_stock
def test_a_failed_message_goes_through_mapping_and_queue_to_the_dead_letters(
    local_aws: LocalAws, deployed: dict[str, str]
) -> None:
    client = local_aws.client("sqs")
    client.send_message(QueueUrl=deployed["Queue"], MessageBody="failing")
    mapping = local_aws.client("lambda").get_event_source_mapping(UUID=deployed["Mapping"])
    assert {"MaximumConcurrency": 2 + int(deployed["seconds"])} == mapping["ScalingConfig"]
    attributes = client.get_queue_attributes(QueueUrl=deployed["Queue"], AttributeNames=["All"])["Attributes"]
    assert deployed["seconds"] == attributes["VisibilityTimeout"]
    received = wait_until(
        lambda: client.receive_message(QueueUrl=deployed["DeadLetters"], WaitTimeSeconds=1).get("Messages")
    )
    assert ["failing"] == [message["Body"] for message in received]


def test_a_state_machine_has_definition_logging_and_tracing_of_its_template(
    local_aws: LocalAws, deployed: dict[str, str]
) -> None:
    client = local_aws.client("stepfunctions")
    machine = client.describe_state_machine(stateMachineArn=deployed["Machine"])
    assert int(deployed["seconds"]) - 1 == json.loads(machine["definition"])["States"]["Wait"]["Seconds"]
    assert ("ERROR", False) == (
        machine["loggingConfiguration"]["level"],
        machine["loggingConfiguration"]["includeExecutionData"],
    )
    group = machine["loggingConfiguration"]["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"]
    assert deployed["LogGroup"] in group
    assert {"enabled": True} == machine["tracingConfiguration"]


def test_a_rotated_key_starts_the_state_machine(local_aws: LocalAws, deployed: dict[str, str]) -> None:
    kms = local_aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.rotate_key_on_demand(KeyId=key)
    wait_until(lambda: {"key-id": key} in inputs(local_aws, deployed["Machine"]))


def inputs(aws: LocalAws, machine: str) -> list[Any]:
    """Of all executions."""
    client = aws.client("stepfunctions")
    executions = client.list_executions(stateMachineArn=machine)["executions"]
    return [json.loads(client.describe_execution(executionArn=one["executionArn"])["input"]) for one in executions]


def test_a_rule_starts_nothing_that_its_role_may_not_start(local_aws: LocalAws, deployed: dict[str, str]) -> None:
    events = local_aws.client("events")
    rule = unique("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["test"]}))

    def names(role: str) -> None:
        target = {"Id": "machine", "Arn": deployed["Machine"], "RoleArn": role, "InputPath": "$.detail"}
        events.put_targets(Rule=rule, Targets=[target])

    def send(**detail: str) -> None:
        events.put_events(Entries=[{"Source": "test", "DetailType": "test", "Detail": json.dumps(detail)}])

    statement = {"Effect": "Allow", "Action": "states:DescribeExecution", "Resource": "*"}
    names(make_role(local_aws, {"Version": "2012-10-17", "Statement": [statement]}))
    send(under="no right")
    names(make_role(local_aws))
    send(under="all rights")
    wait_until(lambda: {"under": "all rights"} in inputs(local_aws, deployed["Machine"]))
    assert {"under": "no right"} not in inputs(local_aws, deployed["Machine"])
    events.remove_targets(Rule=rule, Ids=["machine"])


@pytest.mark.also_on_stock
def test_a_schedule_names_the_state_machine_and_its_input(local_aws: LocalAws, deployed: dict[str, str]) -> None:
    client = local_aws.client("events")
    rule = client.describe_rule(Name=deployed["Schedule"])
    assert (f"rate({int(deployed['seconds']) + 1} days)", "ENABLED") == (rule["ScheduleExpression"], rule["State"])
    targets = client.list_targets_by_rule(Rule=deployed["Schedule"])["Targets"]
    assert [(deployed["Machine"], '{"by":"schedule"}')] == [(target["Arn"], target["Input"]) for target in targets]
    assert all(target["RoleArn"].startswith(f"arn:aws:iam::{ACCOUNT}:role/") for target in targets)


@pytest.mark.also_on_stock
def test_an_alarm_has_metric_and_threshold_of_its_template(local_aws: LocalAws, deployed: dict[str, str]) -> None:
    alarms = local_aws.client("cloudwatch").describe_alarms(AlarmNames=[deployed["DeadLetterAlarm"]])["MetricAlarms"]
    assert [("AWS/SQS", float(deployed["seconds"]), "notBreaching")] == [
        (alarm["Namespace"], alarm["Threshold"], alarm["TreatMissingData"]) for alarm in alarms
    ]
    assert REGION in alarms[0]["AlarmArn"]


@pytest.mark.also_on_stock
def test_a_table_needs_no_sort_key(local_aws: LocalAws, deployed: dict[str, str]) -> None:
    table = local_aws.client("dynamodb").describe_table(TableName=deployed["Table"])["Table"]
    assert [{"AttributeName": "id", "KeyType": "HASH"}] == table["KeySchema"]
