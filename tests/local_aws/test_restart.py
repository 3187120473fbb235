"""A local AWS that is ended and started again with its state kept."""

from __future__ import annotations

import json
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ops.local_aws import process
from ops.local_aws.process import LocalAwsError
from tests.local_aws.http_api import deploy_api, running_issuer
from tests.local_aws.support import REGION, LocalAws, invoke, make_function, make_role, unique, wait_until
from tests.local_aws.test_s3_notifications import make_landing

COLLECTOR = """
import base64, json, os

def body_of(record):
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    return record["dynamodb"]["Keys"]["id"]["S"] if "dynamodb" in record else record["body"]

def handler(event, context):
    bodies = [body_of(record) for record in event["Records"]]
    while any(os.path.exists(body) for body in bodies):
        pass
    with open(os.environ["SEEN"], "a") as seen:
        seen.writelines(body + "\\n" for body in bodies)
"""
ECHO = "def handler(event, context):\n    print('asked', event)\n    return event\n"
CONTEXT = {"tenant_id": "acme"}


@dataclass
class World:
    """A local AWS, which may be started anew, and where its functions write what they get."""

    folder: Path
    aws: LocalAws
    seen: Path

    def restart(self) -> None:
        before = process.running(self.folder)
        after = process.restart(self.folder)
        assert before.pid != after.pid
        assert before.port == after.port

    def got(self) -> list[str]:
        return self.seen.read_text().splitlines()

    def wait_for(self, *bodies: str) -> None:
        """Each of them has come, and nothing came twice."""
        wait_until(lambda: set(bodies) <= set(self.got()))
        assert sorted(set(self.got())) == sorted(self.got())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("restarted")
    aws = LocalAws(process.start(folder, keep_state=True).endpoint)
    (folder / "seen").touch()
    try:
        yield World(folder, aws, folder / "seen")
    finally:
        aws.close()
        process.stop(folder)


Scenario: TypeAlias = Callable[[World], Iterator[None]]
SCENARIOS: dict[str, Scenario] = {}


def across_a_restart(scenario: Scenario) -> Scenario:
    """A test that is interrupted where it yields; one restart, which takes seconds, does for all of them."""
    SCENARIOS[scenario.__name__] = scenario
    return scenario


def make_stream(aws: LocalAws) -> tuple[str, str]:
    name = unique("stream")
    aws.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    return name, f"arn:aws:kinesis:{REGION}:000000000000:stream/{name}"


def make_table(aws: LocalAws) -> tuple[str, str]:
    name = unique("table")
    made = aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return name, str(made["TableDescription"]["LatestStreamArn"])


def make_queue(aws: LocalAws, **attributes: str) -> tuple[str, str]:
    sqs = aws.client("sqs")
    url = str(sqs.create_queue(QueueName=unique("queue"), Attributes=attributes)["QueueUrl"])
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@across_a_restart
def records_put_before_and_after_all_arrive_once(world: World) -> Iterator[None]:
    aws = world.aws
    (stream, stream_arn), (table, table_arn), (url, queue_arn) = make_stream(aws), make_table(aws), make_queue(aws)
    function = make_function(aws, COLLECTOR, environment={"SEEN": str(world.seen)})
    functions = aws.client("lambda")
    for arn in (stream_arn, table_arn):
        functions.create_event_source_mapping(
            EventSourceArn=arn, FunctionName=function, StartingPosition="TRIM_HORIZON", ParallelizationFactor=2
        )
    functions.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName=function)

    def put(word: str, number: int) -> list[str]:
        kinesis, dynamodb, sqs = (aws.client(name) for name in ("kinesis", "dynamodb", "sqs"))
        kinesis.put_record(StreamName=stream, Data=f"{word}/{number}/stream".encode(), PartitionKey=str(number))
        dynamodb.put_item(TableName=table, Item={"id": {"S": f"{word}/{number}/table"}})
        sqs.send_message(QueueUrl=url, MessageBody=f"{word}/{number}/queue")
        return [f"{word}/{number}/{kind}" for kind in ("stream", "table", "queue")]

    sent = [body for number in range(5) for body in put("before", number)]
    world.wait_for(*sent)
    uuids = [mapping["UUID"] for mapping in functions.list_event_source_mappings()["EventSourceMappings"]]
    for uuid in uuids:
        functions.update_event_source_mapping(UUID=uuid, Enabled=False)
    sent += [body for number in range(5) for body in put("between", number)]
    yield
    sent += [body for number in range(5) for body in put("after", number)]
    for uuid in uuids:
        functions.update_event_source_mapping(UUID=uuid, Enabled=True)
    world.wait_for(*sent)


@across_a_restart
def a_split_shard_goes_on_with_its_children(world: World) -> Iterator[None]:
    aws, kinesis = world.aws, world.aws.client("kinesis")
    stream, arn = make_stream(aws)
    function = make_function(aws, COLLECTOR, environment={"SEEN": str(world.seen)})
    aws.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=function, StartingPosition="TRIM_HORIZON"
    )
    bodies = [unique("split") for _ in range(3)]
    first = kinesis.put_record(StreamName=stream, Data=bodies[0].encode(), PartitionKey="k")["SequenceNumber"]
    world.wait_for(bodies[0])
    kinesis.split_shard(StreamName=stream, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    kinesis.put_record(StreamName=stream, Data=bodies[1].encode(), PartitionKey="k")
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    yield
    last = kinesis.put_record(StreamName=stream, Data=bodies[2].encode(), PartitionKey="k")["SequenceNumber"]
    world.wait_for(*bodies)
    assert int(first) < int(last)
    assert [first] == [one["SequenceNumber"] for one in kinesis.get_records(ShardIterator=iterator)["Records"]]


@across_a_restart
def an_api_takes_the_same_tokens(world: World) -> Iterator[None]:
    with running_issuer() as issuer:
        api = deploy_api(world.aws, issuer, {})
        token = issuer.token()
        before = api.event("GET", "/tenants/acme/items/42", token=token)
        yield
        after = api.event("GET", "/tenants/acme/items/42", token=token)
    assert before["requestContext"]["authorizer"] == after["requestContext"]["authorizer"]
    assert 401 == api.send("GET", "/tenants/acme/items/42", token="forged").status


@across_a_restart
def a_bucket_tells_its_queue_of_younger_objects(world: World) -> Iterator[None]:
    landing = make_landing(world.aws)
    landing.tell()
    landing.messages(1)
    landing.put("one")
    yield
    landing.put("one")
    first, second = sorted(landing.told(2), key=lambda record: str(record["eventTime"]))
    assert int(first["s3"]["object"]["sequencer"], 16) < int(second["s3"]["object"]["sequencer"], 16)


@across_a_restart
def a_batch_in_flight_is_delivered_again(world: World) -> Iterator[None]:
    aws, hold = world.aws, world.folder / "hold"
    hold.touch()
    stream, arn = make_stream(aws)
    function = make_function(aws, COLLECTOR, environment={"SEEN": str(world.seen)}, timeout_seconds=60)
    aws.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=function, StartingPosition="TRIM_HORIZON"
    )
    aws.client("kinesis").put_record(StreamName=stream, Data=str(hold).encode(), PartitionKey="k")
    wait_until(lambda: function in _environments(world.folder))
    yield
    hold.unlink()
    world.wait_for(str(hold))


@across_a_restart
def keys_open_what_they_sealed_under_old_and_new_material(world: World) -> Iterator[None]:
    kms = world.aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    signer = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    alias = f"alias/{unique('key')}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)

    def seal(plaintext: bytes) -> bytes:
        sealed: bytes = kms.encrypt(KeyId=key, Plaintext=plaintext, EncryptionContext=CONTEXT)["CiphertextBlob"]
        return sealed

    old = seal(b"old")
    kms.rotate_key_on_demand(KeyId=key)
    new = seal(b"new")
    what = {"KeyId": signer, "Message": b"text", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(**what)["Signature"]
    rotations = kms.list_key_rotations(KeyId=key)["Rotations"]
    yield
    opened = [kms.decrypt(CiphertextBlob=one, EncryptionContext=CONTEXT) for one in (old, new, seal(b"third"))]
    assert [b"old", b"new", b"third"] == [one["Plaintext"] for one in opened]
    assert opened[1]["KeyMaterialId"] == opened[2]["KeyMaterialId"] != opened[0]["KeyMaterialId"]
    assert rotations == kms.list_key_rotations(KeyId=key)["Rotations"]
    assert key == kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
    assert kms.verify(**what, Signature=signature)["SignatureValid"]


@across_a_restart
def items_their_stream_and_their_scans_are_kept(world: World) -> Iterator[None]:
    dynamodb, streams = world.aws.client("dynamodb"), world.aws.client("dynamodbstreams")
    table, arn = make_table(world.aws)
    for number in range(30):
        dynamodb.put_item(TableName=table, Item={"id": {"S": f"{number:02}"}, "b": {"B": b"\xff"}})
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})

    def scanned() -> list[str]:
        pages = dynamodb.get_paginator("scan").paginate(TableName=table, PaginationConfig={"PageSize": 7})
        return [item["id"]["S"] for page in pages for item in page["Items"]]

    def changed() -> list[str]:
        [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return [one["dynamodb"]["SequenceNumber"] for one in streams.get_records(ShardIterator=iterator)["Records"]]

    before = (scanned(), changed())
    yield
    assert before == (scanned(), changed())
    assert b"\xff" == dynamodb.get_item(TableName=table, Key={"id": {"S": "00"}})["Item"]["b"]["B"]
    dynamodb.put_item(TableName=table, Item={"id": {"S": "new"}, "ends": {"N": "1900000000"}})
    assert "new" in scanned()
    assert before[1] == changed()[:-1] < changed()
    assert "ENABLED" == dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"]


@across_a_restart
def objects_messages_and_logs_are_kept(world: World) -> Iterator[None]:
    s3, sqs, logs = (world.aws.client(name) for name in ("s3", "sqs", "logs"))
    bucket, group = unique("bucket"), unique("group")
    url, _ = make_queue(world.aws, VisibilityTimeout="1")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    versions = [s3.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] for body in (b"one", b"two")]
    for body in ("in flight", "waiting"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    logs.put_log_events(
        logGroupName=group, logStreamName="s", logEvents=[{"timestamp": 1_900_000_000_000, "message": "line"}]
    )
    yield
    bodies = [s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read() for version in versions]
    assert [b"one", b"two"] == bodies
    assert ["line"] == [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
    received: set[str] = set()

    def all_received() -> bool:
        received.update(message["Body"] for message in sqs.receive_message(QueueUrl=url).get("Messages", []))
        return received == {"in flight", "waiting"}

    wait_until(all_received)


@across_a_restart
def functions_run_under_their_roles_and_sessions_stay_valid(world: World) -> Iterator[None]:
    role = make_role(world.aws)
    function = make_function(world.aws, ECHO, role=role)
    assert 1 == invoke(world.aws, function, 1)
    session = world.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    yield
    assert 2 == invoke(world.aws, function, 2)
    identity = world.aws.client("sts", session).get_caller_identity()
    assert identity["Arn"].endswith("/session")
    lines = world.aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    assert 2 == sum("asked" in line["message"] for line in lines)


@across_a_restart
def state_machines_and_stacks_are_kept_and_what_ran_has_failed(world: World) -> Iterator[None]:
    states, stacks = world.aws.client("stepfunctions"), world.aws.client("cloudformation")
    arn = states.create_state_machine(
        name=unique("machine"),
        roleArn=make_role(world.aws),
        definition=json.dumps(
            {
                "StartAt": "Choose",
                "States": {
                    "Choose": {
                        "Type": "Choice",
                        "Choices": [{"Variable": "$.long", "BooleanEquals": True, "Next": "Wait"}],
                        "Default": "Done",
                    },
                    "Wait": {"Type": "Wait", "Seconds": 600, "Next": "Done"},
                    "Done": {"Type": "Succeed"},
                },
            }
        ),
    )["stateMachineArn"]
    stack, queue = unique("stack"), unique("queue")
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": queue}}}}
    stacks.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    running = states.start_execution(stateMachineArn=arn, input='{"long": true}')["executionArn"]
    yield
    assert "FAILED" == states.describe_execution(executionArn=running)["status"]
    later = states.start_execution(stateMachineArn=arn, input='{"long": false}')["executionArn"]
    wait_until(lambda: states.describe_execution(executionArn=later)["status"] == "SUCCEEDED")
    stacks.delete_stack(StackName=stack)
    stacks.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


@pytest.fixture(scope="module")
def interrupted(world: World) -> dict[str, Iterator[None]]:
    scenarios = {name: scenario(world) for name, scenario in SCENARIOS.items()}
    for scenario in scenarios.values():
        next(scenario)
    world.restart()
    return scenarios


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_after_a_restart(interrupted: dict[str, Iterator[None]], scenario: str) -> None:
    for _ in interrupted[scenario]:
        raise AssertionError("yields once")


def test_who_only_ends_it_leaves_its_state_for_the_next_start(tmp_path: Path) -> None:
    server = process.start(tmp_path, keep_state=True)
    aws = LocalAws(server.endpoint)
    url, _ = make_queue(aws)
    os.kill(server.pid, signal.SIGTERM)
    wait_until(lambda: process.running(tmp_path) is None)
    assert 0o600 == (tmp_path / "local_aws.state").stat().st_mode & 0o777
    try:
        process.start(tmp_path, port=server.port, keep_state=True)
        assert [url] == aws.client("sqs").list_queues()["QueueUrls"]
    finally:
        aws.close()
        process.stop(tmp_path)
    assert not (tmp_path / "local_aws.state").exists()


def test_the_state_of_one_that_was_ended_from_outside_is_removed_with_the_rest(tmp_path: Path) -> None:
    state = tmp_path / "local_aws.state"
    state.touch()
    assert not process.stop(tmp_path)
    assert not state.exists()


def test_a_state_of_another_version_is_not_restored(tmp_path: Path) -> None:
    (tmp_path / "local_aws.state").write_bytes(pickle.dumps({"stores": {}}))
    with pytest.raises(LocalAwsError, match="written by another version"):
        process.start(tmp_path, keep_state=True)


def test_one_that_keeps_nothing_is_not_restarted(tmp_path: Path) -> None:
    with pytest.raises(LocalAwsError, match="keep_state"):
        process.restart(tmp_path)
    server = process.start(tmp_path)
    try:
        with pytest.raises(LocalAwsError, match="keep_state"):
            process.restart(tmp_path)
        assert server == process.running(tmp_path)
    finally:
        process.stop(tmp_path)


def _environments(folder: Path) -> str:
    """The environments of the processes that the server of this folder started, as one text."""
    leader: Any = process.running(folder)
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rpartition(")")[2].split()[2]) == leader.pid:
                found.append((status.parent / "environ").read_text(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)
