from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.local_aws.support import ACCOUNT, REGION, LocalAws, make_role, unique, wait_until

TABLE = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
RECOVERY = {"PointInTimeRecoveryEnabled": True}
LOCK: Any = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}}
EXPIRY = {"AttributeName": "expires_at", "Enabled": True}


@dataclass
class Deployed:
    outputs: dict[str, str]
    key_arn: str
    before: dict[str, str]


def template(role: str, key_arn: str, *, bare: bool = False) -> dict[str, Any]:
    """One resource of each type with the properties that stock MiniStack drops; `bare` leaves these out."""

    def resource(kind: str, properties: dict[str, Any], dropped: dict[str, Any]) -> dict[str, Any]:
        return {"Type": kind, "Properties": properties if bare else {**properties, **dropped}}

    replica = {"Region": REGION}
    full_replica = {
        **replica,
        "PointInTimeRecoverySpecification": RECOVERY,
        "SSESpecification": {"KMSMasterKeyId": key_arn},
        "Tags": [{"Key": "owner", "Value": "test"}],
    }
    resources = {
        "Table": resource(
            "AWS::DynamoDB::Table",
            TABLE,
            {
                "TimeToLiveSpecification": EXPIRY,
                "PointInTimeRecoverySpecification": RECOVERY,
                "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key_arn},
            },
        ),
        "GlobalTable": resource(
            "AWS::DynamoDB::GlobalTable",
            {**TABLE, "Replicas": [replica if bare else full_replica]},
            {"TimeToLiveSpecification": EXPIRY, "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"}},
        ),
        "Stream": resource(
            "AWS::Kinesis::Stream",
            {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
            {"StreamEncryption": {"EncryptionType": "KMS", "KeyId": key_arn}},
        ),
        "Bucket": resource(
            "AWS::S3::Bucket",
            {"ObjectLockEnabled": True, "VersioningConfiguration": {"Status": "Enabled"}},
            {"Tags": [{"Key": "owner", "Value": "test"}], "ObjectLockConfiguration": LOCK},
        ),
        "Function": resource(
            "AWS::Lambda::Function",
            {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": role,
                "Code": {"ZipFile": "def handler(event, context): pass"},
            },
            {
                "ReservedConcurrentExecutions": 7,
                "KmsKeyArn": key_arn,
                "DeadLetterConfig": {"TargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"},
            },
        ),
    }
    return {"Resources": resources, "Outputs": {name: {"Value": {"Ref": name}} for name in resources}}


@pytest.fixture(scope="module", params=["created", "updated"])
def deployed(local_aws: LocalAws, request: pytest.FixtureRequest) -> Iterator[Deployed]:
    client = local_aws.client("cloudformation")
    stack, role = unique("stack"), make_role(local_aws)
    key_arn = local_aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    if request.param == "updated":
        client.create_stack(StackName=stack, TemplateBody=json.dumps(template(role, key_arn, bare=True)))
        before = settle(local_aws, stack, "CREATE_COMPLETE")
        client.update_stack(StackName=stack, TemplateBody=json.dumps(template(role, key_arn)))
        outputs = settle(local_aws, stack, "UPDATE_COMPLETE")
    else:
        client.create_stack(StackName=stack, TemplateBody=json.dumps(template(role, key_arn)))
        outputs = before = settle(local_aws, stack, "CREATE_COMPLETE")
    yield Deployed(outputs, key_arn, before)
    client.delete_stack(StackName=stack)


def settle(aws: LocalAws, stack: str, wanted: str) -> dict[str, str]:
    def described() -> Any:
        answer = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return None if answer["StackStatus"].endswith("_IN_PROGRESS") else answer

    answer = wait_until(described)
    assert wanted == answer["StackStatus"], answer.get("StackStatusReason")
    return {output["OutputKey"]: output["OutputValue"] for output in answer["Outputs"]}


@pytest.mark.parametrize("deployed", ["updated"], indirect=True)
def test_an_update_replaces_nothing(deployed: Deployed) -> None:
    assert deployed.before == deployed.outputs


@pytest.mark.parametrize("table", ["Table", "GlobalTable"])
def test_a_table_has_time_to_live_recovery_and_key_of_its_template(
    local_aws: LocalAws, deployed: Deployed, table: str
) -> None:
    client, name = local_aws.client("dynamodb"), deployed.outputs[table]
    expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"} == expiry
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert "ENABLED" == backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    encryption = client.describe_table(TableName=name)["Table"]["SSEDescription"]
    assert {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": deployed.key_arn} == encryption


def test_a_global_tables_replica_has_its_tags(local_aws: LocalAws, deployed: Deployed) -> None:
    client = local_aws.client("dynamodb")
    arn = client.describe_table(TableName=deployed.outputs["GlobalTable"])["Table"]["TableArn"]
    assert {"Key": "owner", "Value": "test"} in client.list_tags_of_resource(ResourceArn=arn)["Tags"]


def test_a_stream_is_encrypted_under_the_key_of_its_template(local_aws: LocalAws, deployed: Deployed) -> None:
    client = local_aws.client("kinesis")
    summary = client.describe_stream_summary(StreamName=deployed.outputs["Stream"])["StreamDescriptionSummary"]
    assert ("KMS", deployed.key_arn) == (summary["EncryptionType"], summary["KeyId"])


def test_a_bucket_has_its_tags(local_aws: LocalAws, deployed: Deployed) -> None:
    tags = local_aws.client("s3").get_bucket_tagging(Bucket=deployed.outputs["Bucket"])["TagSet"]
    assert {"Key": "owner", "Value": "test"} in tags


def test_a_bucket_locks_its_objects(local_aws: LocalAws, deployed: Deployed) -> None:
    client, name = local_aws.client("s3"), deployed.outputs["Bucket"]
    assert LOCK == client.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    put = client.put_object(Bucket=name, Key="k", Body=b"1")
    version = {"Bucket": name, "Key": "k", "VersionId": put["VersionId"]}
    assert "GOVERNANCE" == client.get_object_retention(**version)["Retention"]["Mode"]
    client.delete_object(**version, BypassGovernanceRetention=True)


def test_a_function_has_its_concurrency_key_and_dead_letter_target(local_aws: LocalAws, deployed: Deployed) -> None:
    client, name = local_aws.client("lambda"), deployed.outputs["Function"]
    assert 7 == client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"]
    configuration = client.get_function_configuration(FunctionName=name)
    assert deployed.key_arn == configuration["KMSKeyArn"]
    assert f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead" == configuration["DeadLetterConfig"]["TargetArn"]
