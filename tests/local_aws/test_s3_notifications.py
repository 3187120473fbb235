"""What the landing ingest asks of S3's event notifications: each new object is told to a queue that lets S3 in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.support import ACCOUNT, REGION, LocalAws, invoke, make_function, unique, wait_until

ODD_KEY = "tenant=acme/año 1/a+b&c=%2F(1).ndjson"
TLS_ONLY = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "sqs:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def lets_s3_in(bucket: str, *, account: str = ACCOUNT, action: str = "sqs:SendMessage") -> dict[str, Any]:
    """The statement by which a queue or key takes what S3 tells about one bucket, of one account."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": action,
        "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
        },
    }


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass
class Landing:
    """A versioned bucket, and a queue that may be told of it."""

    aws: LocalAws
    bucket: str
    queue_url: str
    queue_arn: str

    def tell(self, **rule: Any) -> None:
        rule = {"QueueArn": self.queue_arn, "Events": ["s3:ObjectCreated:*"], **rule}
        self.aws.client("s3").put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"QueueConfigurations": [rule]}
        )

    def put(self, key: str, body: bytes = b"{}\n") -> dict[str, Any]:
        answer: dict[str, Any] = self.aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return answer

    def messages(self, number: int) -> list[dict[str, Any]]:
        """The next `number` bodies of the queue, decoded; fails where there are not as many."""
        found: list[dict[str, Any]] = []

        def received() -> bool:
            answer = self.aws.client("sqs").receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                self.aws.client("sqs").delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
            return len(found) >= number

        wait_until(received)
        assert number == len(found)
        return found

    def told(self, number: int) -> list[dict[str, Any]]:
        """The next `number` records; each message has one."""
        records = [record for message in self.messages(number) for record in message["Records"]]
        assert number == len(records)
        return records


def make_landing(aws: LocalAws) -> Landing:
    bucket = unique("landing")
    aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    attributes = {"Policy": policy(lets_s3_in(bucket))}
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=unique("queue"), Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Landing(aws, bucket, url, arn)


@pytest.fixture
def landing(local_aws: LocalAws) -> Landing:
    """A bucket whose new objects are told, its test event taken from the queue."""
    landing = make_landing(local_aws)
    landing.tell(Id="rule")
    landing.messages(1)
    return landing


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.mark.also_on_stock
def test_setting_up_a_notification_sends_a_test_event(local_aws: LocalAws) -> None:
    landing = make_landing(local_aws)
    landing.tell()
    (event,) = landing.messages(1)
    assert {"Service", "Event", "Time", "Bucket", "RequestId", "HostId"} == set(event)
    assert ("Amazon S3", "s3:TestEvent", landing.bucket) == (event["Service"], event["Event"], event["Bucket"])


@pytest.mark.also_on_stock
def test_a_new_object_is_told_with_its_version_and_an_encoded_key(landing: Landing) -> None:
    put = landing.put(ODD_KEY, b"0123456789")
    (record,) = landing.told(1)
    assert ("aws:s3", REGION, "ObjectCreated:Put") == (
        record["eventSource"],
        record["awsRegion"],
        record["eventName"],
    )
    assert "2" == record["eventVersion"].split(".")[0]
    assert record["eventTime"].endswith("Z")
    assert {"name", "ownerIdentity", "arn"} == set(record["s3"]["bucket"])
    assert (landing.bucket, f"arn:aws:s3:::{landing.bucket}") == (
        record["s3"]["bucket"]["name"],
        record["s3"]["bucket"]["arn"],
    )
    assert ("1.0", "rule") == (record["s3"]["s3SchemaVersion"], record["s3"]["configurationId"])
    told = record["s3"]["object"]
    assert {
        "key": "tenant%3Dacme/a%C3%B1o+1/a%2Bb%26c%3D%252F%281%29.ndjson",
        "size": 10,
        "eTag": put["ETag"].strip('"'),
        "versionId": put["VersionId"],
        "sequencer": told["sequencer"],
    } == told
    assert int(told["sequencer"], 16) > 0


@pytest.mark.also_on_stock
def test_sequencers_of_one_key_grow_with_its_versions(landing: Landing) -> None:
    versions = [landing.put("one")["VersionId"] for _ in range(12)]
    told = [record["s3"]["object"] for record in landing.told(12)]
    told.sort(key=lambda it: it["sequencer"].zfill(32))
    assert versions == [it["versionId"] for it in told]
    assert 12 == len({it["sequencer"] for it in told})


@pytest.mark.also_on_stock
def test_each_way_to_make_an_object_is_told_and_none_that_removes_one(landing: Landing) -> None:
    s3, bucket = landing.aws.client("s3"), landing.bucket
    landing.put("a")
    s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="c")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="c", UploadId=upload, PartNumber=1, Body=b"x" * 10)["ETag"]
    s3.complete_multipart_upload(
        Bucket=bucket, Key="c", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]}
    )
    s3.put_object_tagging(Bucket=bucket, Key="a", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    s3.delete_object(Bucket=bucket, Key="a")
    told = {record["s3"]["object"]["key"]: record for record in landing.told(3)}
    assert {
        "a": "ObjectCreated:Put",
        "b": "ObjectCreated:Copy",
        "c": "ObjectCreated:CompleteMultipartUpload",
    } == {key: record["eventName"] for key, record in told.items()}
    versions = {it["Key"]: it["VersionId"] for it in s3.list_object_versions(Bucket=bucket)["Versions"]}
    assert versions == {key: record["s3"]["object"]["versionId"] for key, record in told.items()}
    assert 10 == told["c"]["s3"]["object"]["size"]


def test_a_queue_that_insists_on_tls_is_told(local_aws: LocalAws) -> None:
    landing = make_landing(local_aws)
    queue_policy = policy(TLS_ONLY, lets_s3_in(landing.bucket))
    local_aws.client("sqs").set_queue_attributes(QueueUrl=landing.queue_url, Attributes={"Policy": queue_policy})
    landing.tell()
    assert "s3:TestEvent" == landing.messages(1)[0]["Event"]
    landing.put("told")
    assert ["told"] == [record["s3"]["object"]["key"] for record in landing.told(1)]


@pytest.mark.also_on_stock
def test_only_keys_that_the_filter_names_are_told(local_aws: LocalAws) -> None:
    landing = make_landing(local_aws)
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".ndjson"}]
    landing.tell(Filter={"Key": {"FilterRules": rules}})
    landing.messages(1)
    for key in ("in/a.txt", "out/a.ndjson", "in/a.ndjson"):
        landing.put(key)
    assert ["in/a.ndjson"] == [record["s3"]["object"]["key"] for record in landing.told(1)]


@pytest.mark.also_on_stock
@pytest.mark.parametrize("wrong", ["another service", "another bucket", "another account"])
def test_a_queue_that_does_not_let_s3_in_is_refused(local_aws: LocalAws, wrong: str) -> None:
    landing = make_landing(local_aws)
    statement = {
        "another service": lets_s3_in(landing.bucket) | {"Principal": {"Service": "sns.amazonaws.com"}},
        "another bucket": lets_s3_in("another"),
        "another account": lets_s3_in(landing.bucket, account="111122223333"),
    }[wrong]
    landing.aws.client("sqs").set_queue_attributes(QueueUrl=landing.queue_url, Attributes={"Policy": policy(statement)})
    code, message = refusal(landing.tell)
    assert "InvalidArgument" == code
    assert message.startswith("Unable to validate the following destination configurations")


@pytest.mark.also_on_stock
def test_what_a_queue_does_not_take_any_more_is_told_to_nobody(landing: Landing) -> None:
    sqs = landing.aws.client("sqs")
    allowed = sqs.get_queue_attributes(QueueUrl=landing.queue_url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    sqs.set_queue_attributes(QueueUrl=landing.queue_url, Attributes={"Policy": policy(lets_s3_in("another"))})
    landing.put("lost")
    sqs.set_queue_attributes(QueueUrl=landing.queue_url, Attributes={"Policy": allowed})
    landing.put("told")
    keys = {record["s3"]["object"]["key"] for record in landing.told(1)}
    assert {"told"} == keys


def make_key(aws: LocalAws, *statements: Mapping[str, Any]) -> str:
    """The ARN of a new key whose policy delegates to the account, and says `statements`."""
    delegates = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    arn: str = aws.client("kms").create_key(Policy=policy(delegates, *statements))["KeyMetadata"]["Arn"]
    return arn


def test_an_encrypted_queue_s_key_has_to_let_s3_in_too(local_aws: LocalAws) -> None:
    landing = make_landing(local_aws)
    sqs, kms = local_aws.client("sqs"), local_aws.client("kms")
    key = make_key(local_aws)
    sqs.set_queue_attributes(QueueUrl=landing.queue_url, Attributes={"KmsMasterKeyId": key})
    assert "InvalidArgument" == refusal(landing.tell)[0]

    def let_in(**condition: str) -> None:
        statements = [
            lets_s3_in(landing.bucket, action=f"kms:{name}", **condition) for name in ("GenerateDataKey", "Decrypt")
        ]
        delegates = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Statement"][0]
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(delegates, *statements))

    let_in(account="111122223333")
    assert "InvalidArgument" == refusal(landing.tell)[0]
    let_in()
    landing.tell()
    assert "s3:TestEvent" == landing.messages(1)[0]["Event"]
    landing.put("told")
    assert ["told"] == [record["s3"]["object"]["key"] for record in landing.told(1)]


@pytest.mark.also_on_stock
def test_a_function_is_told_through_the_queue(landing: Landing, tmp_path: Any) -> None:
    aws, seen = landing.aws, tmp_path / "seen"
    aws.client("sqs").set_queue_attributes(QueueUrl=landing.queue_url, Attributes={"VisibilityTimeout": "60"})
    function = make_function(
        aws,
        "import json, pathlib\n"
        "def handler(event, context):\n"
        "    for message in event['Records']:\n"
        f"        with pathlib.Path({str(seen)!r}).open('a') as file:\n"
        "            print(json.loads(message['body'])['Records'][0]['s3']['object']['key'], file=file)\n",
    )
    mapping = aws.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=landing.queue_arn, ScalingConfig={"MaximumConcurrency": 2}
    )["UUID"]
    try:
        landing.put("one")
        wait_until(seen.exists)
        assert "one\n" == seen.read_text()
    finally:
        aws.client("lambda").delete_event_source_mapping(UUID=mapping)


@pytest.mark.also_on_stock
def test_a_function_sends_to_its_own_queue(landing: Landing) -> None:
    function = make_function(
        landing.aws,
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('sqs').send_message(QueueUrl=event['url'], MessageBody='{\"again\": true}')\n",
    )
    assert invoke(landing.aws, function, {"url": landing.queue_url}) is None
    assert [{"again": True}] == landing.messages(1)


def template(bucket: str, queue: str, key: str) -> dict[str, Any]:
    """A landing bucket whose new objects are told to an encrypted queue."""
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
    day = {"ExpirationInDays": 1, "Status": "Enabled"}
    return {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": queue, "KmsMasterKeyId": key}},
            "Policy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "Queues": [{"Ref": "Queue"}],
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [TLS_ONLY | {"Resource": queue_arn}, lets_s3_in(bucket) | {"Resource": queue_arn}],
                    },
                },
            },
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "DependsOn": ["Policy"],
                "Properties": {
                    "BucketName": bucket,
                    "VersioningConfiguration": {"Status": "Enabled"},
                    "BucketEncryption": {
                        "ServerSideEncryptionConfiguration": [
                            {
                                "BucketKeyEnabled": True,
                                "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
                            }
                        ]
                    },
                    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                    "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": True},
                    "LifecycleConfiguration": {
                        "Rules": [
                            {"Id": "done", "TagFilters": [{"Key": "state", "Value": "done"}], **day},
                            {
                                "Id": "uploads",
                                "Status": "Enabled",
                                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                                "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                            },
                        ]
                    },
                    "NotificationConfiguration": {
                        "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": queue_arn}]
                    },
                },
            },
        },
        "Outputs": {"QueueUrl": {"Value": {"Ref": "Queue"}}},
    }


def deploy(aws: LocalAws, resources: Mapping[str, Any]) -> dict[str, Any]:
    """What DescribeStacks says of a new stack once it is settled."""
    client, stack = aws.client("cloudformation"), unique("stack")
    client.create_stack(StackName=stack, TemplateBody=json.dumps(resources))

    def settled() -> Any:
        (described,) = client.describe_stacks(StackName=stack)["Stacks"]
        return None if described["StackStatus"].endswith("_IN_PROGRESS") else described

    answer: dict[str, Any] = wait_until(settled)
    return answer


@pytest.fixture
def names(local_aws: LocalAws) -> dict[str, str]:
    bucket = unique("landing")
    statements = [lets_s3_in(bucket, action="kms:GenerateDataKey*"), lets_s3_in(bucket, action="kms:Decrypt")]
    return {"bucket": bucket, "queue": unique("queue"), "key": make_key(local_aws, *statements)}


def test_a_template_s_bucket_tells_its_queue(local_aws: LocalAws, names: dict[str, str]) -> None:
    stack = deploy(local_aws, template(**names))
    assert "CREATE_COMPLETE" == stack["StackStatus"]
    landing = Landing(local_aws, names["bucket"], stack["Outputs"][0]["OutputValue"], "")
    assert "s3:TestEvent" == landing.messages(1)[0]["Event"]
    put = landing.put("told")
    assert [put["VersionId"]] == [record["s3"]["object"]["versionId"] for record in landing.told(1)]
    assert ("aws:kms", names["key"]) == (put["ServerSideEncryption"], put["SSEKMSKeyId"])
    encryption = local_aws.client("s3").get_bucket_encryption(Bucket=names["bucket"])
    (rule,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert names["key"] == rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert rule["BucketKeyEnabled"]


@pytest.mark.also_on_stock
def test_a_template_s_bucket_fails_where_its_queue_does_not_let_it_in(
    local_aws: LocalAws, names: dict[str, str]
) -> None:
    resources = template(**names)
    del resources["Resources"]["Policy"], resources["Resources"]["Bucket"]["DependsOn"]
    resources["Resources"]["Bucket"]["DependsOn"] = ["Queue"]
    stack = deploy(local_aws, resources)
    assert "ROLLBACK_COMPLETE" == stack["StackStatus"]
