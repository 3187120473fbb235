"""A function runs with its role's permissions and with no others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_aws.support import ACCOUNT, REGION, LocalAws, invoke, make_function, make_role, unique

_SOURCE = """
import boto3
from botocore.exceptions import ClientError

def handler(calls, context):
    return {service: outcome(boto3.client(service), *call) for service, call in calls.items()}

def outcome(client, operation, parameters):
    try:
        getattr(client, operation)(**parameters)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"]["Message"]]
    return ["", ""]
"""


@pytest.fixture(scope="module")
def resources(local_aws: LocalAws) -> dict[str, str]:
    name = unique("resource")
    local_aws.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    local_aws.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    local_aws.client("s3").create_bucket(Bucket=name)
    local_aws.client("logs").create_log_group(logGroupName=name)
    queue = local_aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    key = local_aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    return {"name": name, "queue": queue, "key": key}


def _calls(resources: dict[str, str]) -> dict[str, Any]:
    name = resources["name"]
    return {
        "dynamodb": ("put_item", {"TableName": name, "Item": {"id": {"S": "1"}}}),
        "kinesis": ("put_record", {"StreamName": name, "Data": "x", "PartitionKey": "p"}),
        "s3": ("put_object", {"Bucket": name, "Key": "k", "Body": "x"}),
        "logs": ("create_log_stream", {"logGroupName": name, "logStreamName": unique("stream")}),
        "sqs": ("send_message", {"QueueUrl": resources["queue"], "MessageBody": "x"}),
        "kms": ("generate_data_key", {"KeyId": resources["key"], "KeySpec": "AES_256"}),
    }


def _role(aws: LocalAws, *statements: dict[str, Any]) -> str:
    return make_role(aws, {"Version": "2012-10-17", "Statement": list(statements)})


def test_a_function_whose_role_permits_nothing_is_refused_by_every_service(local_aws, resources):
    role = _role(local_aws, {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"})
    function = make_function(local_aws, _SOURCE, role=role)
    outcomes = invoke(local_aws, function, _calls(resources))

    assert {code for code, _ in outcomes.values()} == {"AccessDenied", "AccessDeniedException"}
    assert outcomes["dynamodb"][1] == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/{function} is not authorized to perform: "
        f"dynamodb:PutItem on resource: arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{resources['name']} "
        "because no identity-based policy allows the dynamodb:PutItem action"
    )


def test_a_function_s_role_is_what_a_key_policy_names(local_aws, resources):
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    named, other = _role(local_aws, everything), _role(local_aws, everything)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            everything | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}},
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "kms:GenerateDataKey",
                "Resource": "*",
                "Condition": {"ArnNotEquals": {"aws:PrincipalArn": named}},
            },
        ],
    }
    local_aws.client("kms").put_key_policy(KeyId=resources["key"], PolicyName="default", Policy=json.dumps(policy))
    functions = [make_function(local_aws, _SOURCE, role=role) for role in (named, other)]
    outcomes = [invoke(local_aws, function, _calls(resources)) for function in functions]

    assert dict.fromkeys(outcomes[0], "") == {service: code for service, (code, _) in outcomes[0].items()}
    assert {service: code for service, (code, _) in outcomes[1].items() if code} == {"kms": "AccessDeniedException"}


def test_a_batch_of_messages_needs_the_right_to_send_one(local_aws, resources):
    role = _role(local_aws, {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"})
    entries = [{"Id": "1", "MessageBody": "x"}]
    call = {"sqs": ("send_message_batch", {"QueueUrl": resources["queue"], "Entries": entries})}
    outcomes = invoke(local_aws, make_function(local_aws, _SOURCE, role=role), call)

    assert outcomes == {"sqs": ["", ""]}
