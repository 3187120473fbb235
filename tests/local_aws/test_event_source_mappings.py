"""Event source mappings of streams, held against recordings of real AWS where there are some."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.local_aws.event_source_mappings.supervisor import REFRESH_SECONDS
from tests.evidence import evidence
from tests.local_aws.support import LocalAws, make_function, make_role, unique, wait_until

# Writes down what it gets, then does to each batch what the records wish for.
FUNCTION = """
import base64, json, os, time

def wishes_of(record):
    if "kinesis" in record:
        return json.loads(base64.b64decode(record["kinesis"]["data"])[:1000].partition(b"~")[0])
    return json.loads(record["dynamodb"]["NewImage"]["wishes"]["S"])

def position_of(record):
    return record["kinesis"]["sequenceNumber"] if "kinesis" in record else record["dynamodb"]["SequenceNumber"]

def write(stream, entry):
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(json.dumps({"stream": stream, **entry}) + "\\n")

def handler(event, context):
    records = event["Records"]
    begin = time.time()
    wishes = [wishes_of(record) for record in records]
    stream = records[0]["eventSourceARN"]
    ids = [wish["id"] for wish in wishes]
    write(stream, {"ids": ids, "begin": begin, "records": records[:10]})
    time.sleep(sum(wish.get("sleep", 0) for wish in wishes))
    while not all(os.path.exists(wish["until"]) for wish in wishes if "until" in wish):
        time.sleep(0.01)
    write(stream, {"ended": begin, "end": time.time()})
    if any(wish.get("raise") for wish in wishes):
        raise ValueError("wished for")
    for wish in wishes:
        if "answer" in wish:
            return wish["answer"]
    return {"batchItemFailures": [
        {"itemIdentifier": position_of(record)} for record, wish in zip(records, wishes) if wish.get("report")
    ]}
"""
RECORDED = "tests/aws/services/lambda_/event_source_mapping/test_lambda_integration_kinesis.py::"


def recorded(test: str) -> Any:
    recording = evidence("aws_recorded_kinesis_event_source_mapping.json")
    return recording[f"{RECORDED}TestKinesisSource::{test}"]["recorded-content"]


def differences(expected: Any, actual: Any, path: str = "") -> list[str]:
    """Where the answer differs from a recording, whose `<placeholders>` stand for any text."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        keys = (expected.keys() | actual.keys()) - {"ResponseMetadata"}
        absent = object()
        return [
            line
            for key in sorted(keys)
            for line in differences(expected.get(key, absent), actual.get(key, absent), f"{path}/{key}")
        ]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [
            line
            for i, pair in enumerate(zip(expected, actual, strict=True))
            for line in differences(*pair, f"{path}/{i}")
        ]
    if isinstance(expected, str) and "<" in expected:
        pattern = re.escape(expected).replace("111111111111", r"\d{12}")
        if re.fullmatch(re.sub(r"<[^>]*>", ".+", pattern), str(actual)):
            return []
    return [] if expected == actual else [f"{path}: expected {expected!r}, got {actual!r}"]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the functions write what they get."""
    path = tmp_path_factory.mktemp("functions") / "seen"
    path.touch()
    return path


@pytest.fixture(scope="module")
def function(local_aws: LocalAws, seen: Path) -> str:
    """One for all tests, since making one takes a second."""
    return make_function(local_aws, FUNCTION, environment={"SEEN": str(seen)})


@dataclass
class Stage:
    """The stream, function and mappings of one test."""

    aws: LocalAws
    seen: Path
    function: str
    mappings: list[str] = field(default_factory=list)
    source: str = ""

    def stream(self, shards: int = 1) -> str:
        kinesis, name = self.aws.client("kinesis"), unique("stream")
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
        self.source = str(kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"])
        return self.source

    def table(self) -> tuple[str, str]:
        name = unique("table")
        table = self.aws.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.source = str(table["TableDescription"]["LatestStreamArn"])
        return name, self.source

    def queue(self) -> tuple[str, str]:
        sqs = self.aws.client("sqs")
        url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
        return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def own_function(self, **options: Any) -> None:
        """Another function than the one that all tests share."""
        self.function = make_function(self.aws, FUNCTION, environment={"SEEN": str(self.seen)}, **options)

    def map(self, stream_arn: str, **settings: Any) -> dict[str, Any]:
        if "destination" in settings:
            settings["DestinationConfig"] = {"OnFailure": {"Destination": settings.pop("destination")}}
        mapping: dict[str, Any] = self.aws.client("lambda").create_event_source_mapping(
            **{
                "EventSourceArn": stream_arn,
                "FunctionName": self.function,
                "StartingPosition": "TRIM_HORIZON",
                **settings,
            }
        )
        self.mappings.append(mapping["UUID"])
        return mapping

    def put(self, stream_arn: str, *wishes: dict[str, Any], key: str = "test", padding: int = 0) -> None:
        records = [
            {"Data": json.dumps(wish).encode() + b"~" * padding, "PartitionKey": wish.get("key", key)}
            for wish in wishes
        ]
        self.aws.client("kinesis").put_records(StreamARN=stream_arn, Records=records)

    def split(self, stream_arn: str, shard: int) -> None:
        [found] = self.aws.client("kinesis").list_shards(
            StreamARN=stream_arn,
            ExclusiveStartShardId=f"shardId-{shard - 1:012d}" if shard else "shardId-",
            MaxResults=1,
        )["Shards"]
        keys = [int(found["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending")]
        self.aws.client("kinesis").split_shard(
            StreamARN=stream_arn, ShardToSplit=found["ShardId"], NewStartingHashKey=str(sum(keys) // 2)
        )

    def merge(self, stream_arn: str, shard: int, adjacent: int) -> None:
        self.aws.client("kinesis").merge_shards(
            StreamARN=stream_arn,
            ShardToMerge=f"shardId-{shard:012d}",
            AdjacentShardToMerge=f"shardId-{adjacent:012d}",
        )

    def entries(self) -> list[dict[str, Any]]:
        lines = self.seen.read_text().split("\n")[:-1]
        return [entry for entry in map(json.loads, lines) if entry["stream"] == self.source]

    def batches(self) -> list[dict[str, Any]]:
        """What the function got, in the order in which it got it."""
        return [entry for entry in self.entries() if "ids" in entry]

    def ids(self) -> list[list[Any]]:
        return [batch["ids"] for batch in self.batches()]

    def wait_for(self, *ids: Any) -> list[list[Any]]:
        """All deliveries, once each of these records was in one."""
        wait_until(lambda: set(ids) <= {one for batch in self.ids() for one in batch})
        return self.ids()

    def stays(self, ids: list[list[Any]]) -> None:
        """Nothing else is delivered for as long as shards are looked for."""
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() > begin + 3 * REFRESH_SECONDS)
        assert ids == self.ids()

    def message(self, url: str) -> Any:
        """The body of the next message of a queue."""
        sqs = self.aws.client("sqs")

        def receive() -> list[dict[str, Any]]:
            received = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
            return list(received)

        [message] = wait_until(receive)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])

    def get(self, mapping: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.aws.client("lambda").get_event_source_mapping(UUID=mapping["UUID"])
        return answer

    def wait_for_result(self, mapping: dict[str, Any], result: str) -> None:
        wait_until(lambda: self.get(mapping)["LastProcessingResult"] == result)


@pytest.fixture
def stage(local_aws: LocalAws, seen: Path, function: str) -> Iterator[Stage]:
    stage = Stage(local_aws, seen, function)
    yield stage
    for mapping in stage.mappings:
        local_aws.client("lambda").delete_event_source_mapping(UUID=mapping)


class TestMappings:
    def test_a_new_mapping_answers_as_recorded(self, stage: Stage) -> None:
        mapping = stage.map(stage.stream(), StartingPosition="LATEST")
        expected = recorded("test_create_kinesis_event_source_mapping")["create_event_source_mapping_response"]
        assert differences(expected, mapping) == []

    def test_a_mapping_that_works_answers_as_recorded(self, stage: Stage) -> None:
        stream = stage.stream()
        mapping = stage.map(stream, BatchSize=1, MaximumBatchingWindowInSeconds=1, MaximumRetryAttempts=2)
        stage.put(stream, {"id": 1})
        stage.wait_for_result(mapping, "OK")
        assert differences(recorded("test_kinesis_empty_provided")["get_esm_result"], stage.get(mapping)) == []

    def test_an_absent_stream_is_refused_as_recorded(self, stage: Stage) -> None:
        with pytest.raises(ClientError) as refusal:
            stage.map("arn:aws:kinesis:us-east-1:000000000000:stream/test-foobar-81ded7e8")
        expected = recorded("test_esm_with_not_existing_kinesis_stream")["error"]["Error"]
        assert differences(expected, refusal.value.response["Error"]) == []

    def test_a_second_mapping_of_the_same_is_refused_as_recorded(self, stage: Stage) -> None:
        stream = stage.stream()
        stage.map(stream)
        with pytest.raises(ClientError) as refusal:
            stage.map(stream)
        expected = recorded("test_duplicate_event_source_mappings")["error"]["Error"]
        assert differences(expected, refusal.value.response["Error"]) == []

    def test_an_event_is_as_recorded_and_names_the_functions_role(self, stage: Stage) -> None:
        role = make_role(stage.aws)
        stage.own_function(role=role)
        stream = stage.stream()
        stage.map(stream)
        stage.put(stream, {"id": 1})
        stage.wait_for(1)
        [actual] = stage.batches()[0]["records"]
        expected = recorded("test_create_kinesis_event_source_mapping")["kinesis_records"]["Records"][0]
        expected["kinesis"] |= {"data": "<data>", "partitionKey": "test"}
        assert differences(expected, actual) == []
        assert actual["invokeIdentityArn"] == role

    def test_a_mapping_of_a_template_has_the_same_defaults_and_delivers(self, stage: Stage) -> None:
        stream = stage.stream()
        properties = {"EventSourceArn": stream, "FunctionName": stage.function, "StartingPosition": "LATEST"}
        template = {
            "Resources": {"Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}},
            "Outputs": {"Id": {"Value": {"Ref": "Mapping"}}},
        }
        formation, name = stage.aws.client("cloudformation"), unique("stack")
        formation.create_stack(StackName=name, TemplateBody=json.dumps(template))
        [created] = wait_until(
            lambda: [
                stack
                for stack in formation.describe_stacks(StackName=name)["Stacks"]
                if stack["StackStatus"] == "CREATE_COMPLETE"
            ]
        )
        stage.mappings.append(created["Outputs"][0]["OutputValue"])
        expected = recorded("test_create_kinesis_event_source_mapping")["create_event_source_mapping_response"]
        assert differences(expected | {"State": "Enabled"}, stage.get({"UUID": stage.mappings[0]})) == []
        stage.put(stream, {"id": 1})
        assert stage.wait_for(1) == [[1]]

    def test_the_age_of_the_records_is_a_metric_of_the_function(self, stage: Stage) -> None:
        stage.own_function()
        stream = stage.stream()
        stage.map(stream)
        stage.put(stream, {"id": 1})
        stage.wait_for(1)
        now = time.time()
        found = stage.aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="IteratorAge",
            Dimensions=[{"Name": "FunctionName", "Value": stage.function}],
            StartTime=now - 120,
            EndTime=now + 60,
            Period=60,
            Statistics=["Maximum", "SampleCount"],
        )
        [point] = found["Datapoints"]
        assert (point["SampleCount"], point["Unit"]) == (1, "Milliseconds")
        assert 0 <= point["Maximum"] < 10_000

    def test_an_update_ends_retries_that_it_no_longer_allows(self, stage: Stage) -> None:
        stream, (url, arn) = stage.stream(), stage.queue()
        mapping = stage.map(stream)
        stage.put(stream, {"id": 1, "raise": True})
        stage.wait_for(1)
        updated = stage.aws.client("lambda").update_event_source_mapping(
            UUID=mapping["UUID"], MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}}
        )
        assert updated["State"] == "Updating"
        assert stage.message(url)["KinesisBatchInfo"]["batchSize"] == 1

    def test_a_disabled_mapping_keeps_its_place(self, stage: Stage) -> None:
        stream = stage.stream()
        mapping = stage.map(stream, StartingPosition="LATEST")
        functions = stage.aws.client("lambda")
        stage.put(stream, {"id": 1})
        stage.wait_for_result(mapping, "OK")
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        stage.put(stream, {"id": 2})
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
        stage.put(stream, {"id": 3})
        stage.wait_for(3)
        assert [one for ids in stage.ids() for one in ids] == [1, 2, 3]


class TestFailures:
    @pytest.mark.parametrize(
        ("scenario", "wish"),
        [
            ("empty_string_item_identifier_failure", {"answer": {"batchItemFailures": [{"itemIdentifier": ""}]}}),
            ("null_item_identifier_failure", {"answer": {"batchItemFailures": [{"itemIdentifier": None}]}}),
            ("invalid_key_foo_failure", {"answer": {"batchItemFailures": [{"foo": "bar"}]}}),
            ("item_identifier_not_present_failure", {"answer": {"batchItemFailures": [{"itemIdentifier": "7"}]}}),
            ("unhandled_exception_in_function", {"raise": True}),
        ],
    )
    def test_a_failure_is_retried_and_told_as_recorded(self, stage: Stage, scenario: str, wish: dict[str, Any]) -> None:
        expected = recorded(f"test_kinesis_report_batch_item_failure_scenarios[{scenario}]")
        stream, (url, arn) = stage.stream(), stage.queue()
        stage.map(
            stream,
            BatchSize=1,
            MaximumRetryAttempts=2,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            destination=arn,
        )
        stage.put(stream, {"id": 1, **wish})
        assert differences(expected["sqs_payload"]["Messages"][0]["Body"], stage.message(url)) == []
        assert len(stage.ids()) == len(expected["kinesis_events"])

    def test_an_empty_answer_is_a_success_as_recorded(self, stage: Stage) -> None:
        answers: list[Any] = ["", [], None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}]
        stream = stage.stream()
        mapping = stage.map(stream, BatchSize=1, FunctionResponseTypes=["ReportBatchItemFailures"])
        stage.put(stream, *({"id": i, "answer": answer} for i, answer in enumerate(answers)), {"id": "last"})
        stage.wait_for("last")
        stage.wait_for_result(mapping, "OK")
        assert stage.ids() == [[0], [1], [2], [3], [4], [5], ["last"]]

    def test_a_reported_record_is_the_checkpoint_as_recorded(self, stage: Stage) -> None:
        expected = recorded("test_kinesis_report_batch_item_failures")
        stream, (url, arn) = stage.stream(), stage.queue()
        stage.put(stream, *({"id": i, "report": i == 6} for i in range(1, 7)))
        stage.map(
            stream,
            BatchSize=3,
            MaximumBatchingWindowInSeconds=1,
            MaximumRetryAttempts=3,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            destination=arn,
        )
        assert differences(expected["sqs_payload"]["Messages"][0]["Body"], stage.message(url)) == []
        assert stage.ids() == [[1, 2, 3], [4, 5, 6], [6], [6], [6], [6]]

    def test_a_topic_is_told_as_recorded(self, stage: Stage) -> None:
        expected = recorded("test_kinesis_event_source_mapping_with_sns_on_failure_destination_config")
        stream, (url, queue) = stage.stream(), stage.queue()
        sns = stage.aws.client("sns")
        topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
        allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": queue}]}
        stage.aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
        stage.map(stream, BatchSize=1, MaximumRetryAttempts=1, destination=topic)
        stage.put(stream, {"id": 1, "raise": True})
        told = json.loads(stage.message(url)["Message"])
        assert differences(expected["failure_sns_message"]["Message"], told) == []

    def test_a_bucket_gets_the_records_too_as_recorded(self, stage: Stage) -> None:
        expected = recorded("test_kinesis_event_source_mapping_with_s3_on_failure_destination")["record_body"]
        for record in expected["payload"]["Records"]:
            record["kinesis"]["data"] = "<data>"
            record["kinesis"]["partitionKey"] = "test"
        stream, s3, bucket = stage.stream(), stage.aws.client("s3"), unique("bucket")
        s3.create_bucket(Bucket=bucket)
        mapping = stage.map(stream, BatchSize=1, MaximumRetryAttempts=1, destination=f"arn:aws:s3:::{bucket}")
        stage.put(stream, {"id": 1, "raise": True})
        [stored] = wait_until(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"))
        told = json.loads(s3.get_object(Bucket=bucket, Key=stored["Key"])["Body"].read())
        told["payload"] = json.loads(told["payload"])
        assert differences(expected, told) == []
        assert re.fullmatch(
            rf"aws/lambda/{mapping['UUID']}/shardId-\d{{12}}/\d{{4}}/\d\d/\d\d/\d{{4}}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[-0-9a-f]+",
            stored["Key"],
        )

    def test_bisecting_isolates_poison_without_using_up_its_retries(self, stage: Stage) -> None:
        stream, (url, arn) = stage.stream(), stage.queue()
        stage.put(stream, *({"id": i, "raise": i == 2} for i in range(1, 5)))
        stage.map(stream, BisectBatchOnFunctionError=True, MaximumRetryAttempts=1, destination=arn)
        told = stage.message(url)
        assert stage.wait_for(3, 4)
        assert (told["KinesisBatchInfo"]["batchSize"], told["requestContext"]["approximateInvokeCount"]) == (1, 2)
        wait_until(lambda: stage.ids() == [[1, 2, 3, 4], [1, 2], [1], [2], [2], [3, 4]])

    def test_a_function_that_runs_out_of_time_has_failed(self, stage: Stage) -> None:
        stream, (url, arn) = stage.stream(), stage.queue()
        stage.own_function(timeout_seconds=1)
        stage.map(stream, MaximumRetryAttempts=0, destination=arn)
        stage.put(stream, {"id": 1, "sleep": 5})
        assert stage.message(url)["responseContext"]["functionError"] == "Unhandled"

    def test_a_throttled_function_gets_its_records_later_and_no_retry_is_used_up(self, stage: Stage) -> None:
        stream, (url, arn) = stage.stream(), stage.queue()
        stage.own_function()
        mapping = stage.map(stream, MaximumRetryAttempts=0, destination=arn, StartingPosition="LATEST")
        functions = stage.aws.client("lambda")
        functions.put_function_concurrency(FunctionName=stage.function, ReservedConcurrentExecutions=0)
        stage.put(stream, {"id": 1})
        stage.wait_for_result(mapping, "PROBLEM: Function call failed")
        functions.delete_function_concurrency(FunctionName=stage.function)
        assert stage.wait_for(1) == [[1]]
        stage.wait_for_result(mapping, "OK")
        assert "Messages" not in stage.aws.client("sqs").receive_message(QueueUrl=url)

    def test_poison_holds_up_its_own_shard_only(self, stage: Stage) -> None:
        stream = stage.stream(shards=2)
        stage.map(stream, BatchSize=1)
        low, high = _keys_by_half_of_the_hash_range()
        stage.put(stream, {"id": "poison", "key": low, "raise": True}, {"id": "behind", "key": low})
        stage.wait_for("poison")
        stage.put(stream, *({"id": i, "key": high} for i in range(50)))
        wait_until(lambda: [49] in stage.ids() and stage.ids().count(["poison"]) > 1, deadline_seconds=3)
        assert [ids for ids in stage.ids() if ids != ["poison"]] == [[i] for i in range(50)]

    def test_a_function_that_takes_long_holds_up_no_other_mapping(self, stage: Stage, tmp_path: Path) -> None:
        slow, enough = stage.stream(), tmp_path / "enough"
        stage.map(slow)
        quick = stage.stream()
        stage.map(quick)
        try:
            stage.put(slow, {"id": "slow", "until": str(enough)})
            stage.source = slow
            stage.wait_for("slow")
            stage.put(quick, {"id": "quick"})
            stage.source = quick
            wait_until(lambda: stage.ids() == [["quick"]], deadline_seconds=3)
            stage.source = slow
            assert [] == [entry for entry in stage.entries() if "ended" in entry]
        finally:
            enough.touch()


def _keys_by_half_of_the_hash_range() -> tuple[str, str]:
    halves = {hashlib.md5(str(i).encode(), usedforsecurity=False).digest()[0] >> 7: str(i) for i in range(20)}
    return halves[0], halves[1]


class TestAge:
    # AWS accepts 60 s at least; the local AWS takes what it is given, so that the tests need not wait for a minute.

    def test_expired_records_are_given_up_and_fresh_ones_delivered_as_recorded(self, stage: Stage) -> None:
        expected = recorded("test_kinesis_maximum_record_age_exceeded_discard_records")
        stream, (url, arn) = stage.stream(), stage.queue()
        stage.put(stream, {"id": "old"})
        put_at = time.time()
        wait_until(lambda: time.time() - put_at > 1.05)
        stage.put(stream, *({"id": i} for i in range(5)))
        stage.map(stream, BatchSize=10, MaximumRetryAttempts=0, MaximumRecordAgeInSeconds=1, destination=arn)
        told = expected["record_age_exceeded_payload"]["Messages"][0]["Body"]
        assert differences(told, stage.message(url)) == []
        assert [one for ids in stage.wait_for(4) for one in ids] == [0, 1, 2, 3, 4]

    def test_a_record_that_expires_while_it_is_retried_is_given_up_as_recorded(self, stage: Stage) -> None:
        expected = recorded("test_kinesis_maximum_record_age_exceeded[expire-while-retrying]")
        stream, (url, arn) = stage.stream(), stage.queue()
        stage.map(stream, BatchSize=1, MaximumRecordAgeInSeconds=1, destination=arn)
        stage.put(stream, {"id": 1, "raise": True})
        told = expected["record_age_exceeded_payload"]["Messages"][0]["Body"]
        actual = stage.message(url)
        # AWS needed 8 invocations within its minute
        told["requestContext"]["approximateInvokeCount"] = len(stage.ids()) + 1
        assert differences(told, actual) == []


class TestBatches:
    def test_a_window_gathers_what_comes_and_a_full_batch_does_not_wait(self, stage: Stage) -> None:
        stream = stage.stream()
        stage.map(stream, BatchSize=3, MaximumBatchingWindowInSeconds=1, StartingPosition="LATEST")
        for i in range(5):
            stage.put(stream, {"id": i})
        started = time.time()
        assert stage.wait_for(4) == [[0, 1, 2], [3, 4]]
        assert stage.batches()[0]["begin"] - started < 0.9 < stage.batches()[1]["begin"] - started

    def test_records_that_the_filter_drops_do_not_fill_a_batch(self, stage: Stage) -> None:
        stream = stage.stream()
        pattern = json.dumps({"data": {"kind": ["wanted"]}})
        stage.map(
            stream, BatchSize=3, MaximumBatchingWindowInSeconds=10, FilterCriteria={"Filters": [{"Pattern": pattern}]}
        )
        for i in range(6):
            stage.put(stream, {"id": i, "kind": "wanted" if i % 2 else "other"})
        assert stage.wait_for(5) == [[1, 3, 5]]

    def test_an_event_is_never_larger_than_lambda_accepts(self, stage: Stage) -> None:
        stream = stage.stream()
        for i in range(6):
            stage.put(stream, {"id": i}, padding=1_000_000)
        stage.map(stream, BatchSize=100)
        assert stage.wait_for(5) == [[0, 1, 2, 3], [4, 5]]

    def test_lanes_run_side_by_side_and_keep_the_order_of_each_key(self, stage: Stage) -> None:
        stream = stage.stream()
        stage.put(stream, *({"id": [f"key{i % 5}", i], "key": f"key{i % 5}", "sleep": 0.1} for i in range(15)))
        stage.map(stream, BatchSize=1, ParallelizationFactor=5)
        wait_until(lambda: len(stage.entries()) == 30)
        _assert_side_by_side_in_order(stage)


class TestStartingPositions:
    def test_reading_from_a_time_on_skips_what_came_before(self, stage: Stage) -> None:
        stream = stage.stream()
        stage.put(stream, {"id": "before"})
        time_between = time.time() + 0.01
        wait_until(lambda: time.time() > time_between + 0.01)
        stage.put(stream, {"id": "after"})
        mapping = stage.map(stream, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=time_between)
        assert mapping["StartingPositionTimestamp"].timestamp() == pytest.approx(time_between, abs=0.001)
        assert stage.wait_for("after") == [["after"]]

    @pytest.mark.parametrize("position", ["TRIM_HORIZON", "LATEST"])
    def test_reading_begins_where_the_mapping_says(self, stage: Stage, position: str) -> None:
        stream = stage.stream()
        stage.put(stream, {"id": "before"})
        mapping = stage.map(stream, StartingPosition=position, BatchSize=1)
        stage.put(stream, {"id": "after"})
        expected = [["before"], ["after"]] if position == "TRIM_HORIZON" else [["after"]]
        assert stage.wait_for("after") == expected
        stage.wait_for_result(mapping, "OK")


class TestDynamoDb:
    def put(self, stage: Stage, table: str, *wishes: dict[str, Any]) -> None:
        for number, wish in enumerate(wishes):
            item = {"id": {"S": wish.get("key", f"{number}")}, "wishes": {"S": json.dumps(wish)}}
            stage.aws.client("dynamodb").put_item(TableName=table, Item=item)

    def test_poison_is_given_up_alone_with_its_position_in_the_stream(self, stage: Stage) -> None:
        (table, stream), (url, arn) = stage.table(), stage.queue()
        self.put(stage, table, *({"id": i, "raise": i == 2} for i in range(1, 5)))
        stage.map(stream, BisectBatchOnFunctionError=True, MaximumRetryAttempts=0, destination=arn)
        told = stage.message(url)
        assert stage.wait_for(3, 4)
        poison = next(batch for batch in stage.batches() if batch["ids"] == [2])["records"][0]["dynamodb"]
        batch = told.pop("DDBStreamBatchInfo")
        assert batch["startSequenceNumber"] == poison["SequenceNumber"] == batch["endSequenceNumber"]
        assert (batch["batchSize"], batch["streamArn"]) == (1, stream)
        expected = recorded("test_kinesis_event_source_mapping_with_on_failure_destination_config")
        body = expected["sqs_payload"]["Messages"][0]["Body"]
        body.pop("KinesisBatchInfo")
        body["requestContext"]["approximateInvokeCount"] = 1
        assert differences(body, told) == []

    def test_a_reported_record_is_the_checkpoint(self, stage: Stage) -> None:
        (table, stream), (url, arn) = stage.table(), stage.queue()
        self.put(stage, table, *({"id": i, "report": i == 2} for i in range(1, 4)))
        stage.map(stream, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1, destination=arn)
        assert stage.message(url)["DDBStreamBatchInfo"]["batchSize"] == 2
        assert stage.ids() == [[1, 2, 3], [2, 3], [2, 3]]

    def test_lanes_run_side_by_side_and_keep_the_order_of_each_item(self, stage: Stage) -> None:
        table, stream = stage.table()
        self.put(stage, table, *({"id": [f"key{i % 5}", i], "key": f"key{i % 5}", "sleep": 0.1} for i in range(15)))
        stage.map(stream, BatchSize=1, ParallelizationFactor=5)
        wait_until(lambda: len(stage.entries()) == 30)
        _assert_side_by_side_in_order(stage)


def _assert_side_by_side_in_order(stage: Stage) -> None:
    running = most = 0
    for _, change in sorted(
        (entry["begin"], 1) if "begin" in entry else (entry["end"], -1) for entry in stage.entries()
    ):
        running += change
        most = max(most, running)
    delivered = [one for ids in stage.ids() for one in ids]
    assert 1 < most <= 5
    for key in {key for key, _ in delivered}:
        numbers = [number for of, number in delivered if of == key]
        assert numbers == sorted(numbers)


class TestResharding:
    """Shards that are split and merged under a mapping."""

    def test_a_parent_is_read_to_its_end_before_its_children(self, stage: Stage, tmp_path: Path) -> None:
        stream, go = stage.stream(), tmp_path / "go"
        stage.put(stream, {"id": 1, "until": str(go)}, {"id": 2})
        stage.map(stream, BatchSize=1)
        stage.wait_for(1)
        stage.split(stream, 0)
        stage.put(stream, {"id": 3}, {"id": 4, "key": "other"})
        stage.stays([[1]])
        go.touch()
        assert [1, 2, 3, 4] == sorted(one for ids in stage.wait_for(3, 4) for one in ids)
        assert [[1], [2]] == stage.ids()[:2]

    def test_a_parent_whose_batch_fails_holds_its_children_up(self, stage: Stage) -> None:
        stream = stage.stream()
        stage.put(stream, {"id": 1, "raise": True})
        mapping = stage.map(stream)
        stage.wait_for(1)
        stage.split(stream, 0)
        stage.put(stream, {"id": 2})
        wait_until(lambda: len(stage.ids()) > 3)
        assert {1} == {one for ids in stage.ids() for one in ids}
        stage.aws.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], MaximumRetryAttempts=0)
        assert [2] == stage.wait_for(2)[-1]

    def test_nothing_is_lost_and_keys_stay_in_order_while_records_flow(self, stage: Stage) -> None:
        stream = stage.stream()
        stage.map(stream, ParallelizationFactor=2, BatchSize=5)
        changes = {
            5: lambda: stage.split(stream, 0),
            9: lambda: stage.merge(stream, 1, 2),
            13: lambda: stage.split(stream, 3),
        }
        keys = [f"key-{number}" for number in range(6)]
        for number in range(18):
            stage.put(stream, *({"id": f"{key}/{number}", "key": key} for key in keys))
            changes.get(number, lambda: None)()
        sent = {f"{key}/{number}" for key in keys for number in range(18)}
        stage.wait_for(*sent)
        assert sorted(sent) == sorted(one for ids in stage.ids() for one in ids)  # each one once
        for key in keys:
            mine = [one for ids in stage.ids() for one in ids if one.startswith(f"{key}/")]
            assert [f"{key}/{number}" for number in range(18)] == mine

    def test_a_mapping_from_the_latest_on_begins_with_the_open_shards(self, stage: Stage) -> None:
        stream = stage.stream()
        stage.put(stream, {"id": "old"})
        stage.split(stream, 0)
        stage.put(stream, {"id": "older than the mapping"})
        stage.map(stream, StartingPosition="LATEST")
        stage.put(stream, {"id": "new"})
        assert [["new"]] == stage.wait_for("new")

    def test_a_mapping_from_the_horizon_on_reads_closed_shards_first(self, stage: Stage) -> None:
        stream = stage.stream()
        stage.put(stream, {"id": 1})
        stage.split(stream, 0)
        stage.put(stream, {"id": 2})
        stage.merge(stream, 1, 2)
        stage.put(stream, {"id": 3})
        stage.map(stream)
        assert [[1], [2], [3]] == stage.wait_for(1, 2, 3)
