"""Event source mappings of queues."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.support import ACCOUNT, REGION, LocalAws, make_function, make_role, unique, wait_until

# Writes down what it gets, then does to each batch what the messages' bodies wish for.
FUNCTION = """
import json, os, time

def handler(event, context):
    records = event["Records"]
    wishes = [json.loads(record["body"]) for record in records]
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(json.dumps({"queue": records[0]["eventSourceARN"], "at": time.time(), "records": records}) + "\\n")
    while not all(os.path.exists(wish["until"]) for wish in wishes if "until" in wish):
        time.sleep(0.01)
    if any(wish.get("raise") for wish in wishes):
        raise ValueError("wished for")
    for wish in wishes:
        if "answer" in wish:
            return wish["answer"]
    return {"batchItemFailures": [
        {"itemIdentifier": record["messageId"]} for record, wish in zip(records, wishes) if wish.get("report")
    ]}
"""
RIGHTS = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
REPORTING = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the functions write what they get."""
    path = tmp_path_factory.mktemp("functions") / "seen"
    path.touch()
    return path


@pytest.fixture(scope="module")
def function(local_aws: LocalAws, seen: Path) -> str:
    return make_function(local_aws, FUNCTION, environment={"SEEN": str(seen)}, timeout_seconds=2)


@dataclass
class Stage:
    """The queue and the mapping of one test."""

    aws: LocalAws
    seen: Path
    function: str
    url: str = ""
    arn: str = ""
    mappings: list[str] = field(default_factory=list)

    def queue(self, visibility_timeout: int = 2, **attributes: str) -> None:
        self.url, self.arn = make_queue(self.aws, VisibilityTimeout=str(visibility_timeout), **attributes)

    def map(self, **settings: Any) -> dict[str, Any]:
        mapping: dict[str, Any] = self.aws.client("lambda").create_event_source_mapping(
            **{"EventSourceArn": self.arn, "FunctionName": self.function, **settings}
        )
        self.mappings.append(mapping["UUID"])
        return mapping

    def send(self, *wishes: dict[str, Any]) -> None:
        for start in range(0, len(wishes), 10):
            entries = [
                {"Id": str(index), "MessageBody": json.dumps(wish)}
                for index, wish in enumerate(wishes[start : start + 10])
            ]
            self.aws.client("sqs").send_message_batch(QueueUrl=self.url, Entries=entries)

    def deliveries(self) -> list[dict[str, Any]]:
        lines = self.seen.read_text().split("\n")[:-1]
        return [entry for entry in map(json.loads, lines) if entry["queue"] == self.arn]

    def ids(self) -> list[list[Any]]:
        """The wishes' ids, batch for batch."""
        return [[json.loads(record["body"])["id"] for record in entry["records"]] for entry in self.deliveries()]

    def wait_for(self, count: int) -> list[list[Any]]:
        """What was delivered, once so many messages were, twice delivered ones twice."""
        wait_until(lambda: sum(map(len, self.ids())) >= count)
        return self.ids()

    def count(self, *attributes: str) -> int:
        client = self.aws.client("sqs")
        answer = client.get_queue_attributes(QueueUrl=self.url, AttributeNames=attributes)["Attributes"]
        return sum(int(answer[attribute]) for attribute in attributes)

    def wait_until_empty(self) -> None:
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        wait_until(lambda: self.count(*names) == 0)


def make_queue(aws: LocalAws, **attributes: str) -> tuple[str, str]:
    name = unique("queue")
    url = aws.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


@pytest.fixture
def stage(local_aws: LocalAws, seen: Path, function: str) -> Iterator[Stage]:
    stage = Stage(local_aws, seen, function)
    yield stage
    for mapping in stage.mappings:
        local_aws.client("lambda").delete_event_source_mapping(UUID=mapping)


@pytest.mark.also_on_stock
def test_only_reported_messages_come_back_and_not_before_the_visibility_timeout(stage: Stage) -> None:
    stage.queue(visibility_timeout=2)
    stage.map(**REPORTING, BatchSize=3)
    stage.send({"id": 1}, {"id": 2, "report": True}, {"id": 3})
    stage.wait_for(4)
    first, second = stage.deliveries()[:2]
    assert {2} == {json.loads(record["body"])["id"] for record in second["records"]}
    assert ["1", "2"] == [
        record["attributes"]["ApproximateReceiveCount"]
        for entry in (first, second)
        for record in entry["records"]
        if json.loads(record["body"])["id"] == 2
    ]
    first_received = int(second["records"][0]["attributes"]["ApproximateFirstReceiveTimestamp"]) / 1000
    assert second["at"] - first_received >= 2


@pytest.mark.parametrize(
    "answer",
    [
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"messageId": "wrong name"}]},
        {"batchItemFailures": [{"itemIdentifier": "no such message"}]},
        pytest.param({"batchItemFailures": "no list"}, marks=pytest.mark.also_on_stock),
        "no object",
    ],
    ids=["empty", "null", "misnamed", "unknown", "no list", "no object"],
)
def test_a_batch_comes_back_whole_when_the_answer_is_malformed(stage: Stage, answer: Any) -> None:
    stage.queue()
    stage.send({"id": 1, "answer": answer}, {"id": 2})
    stage.map(**REPORTING)
    stage.wait_for(4)
    assert [1, 1, 2, 2] == sorted(chain.from_iterable(stage.ids()))[:4]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, marks=pytest.mark.also_on_stock),
        pytest.param({}, marks=pytest.mark.also_on_stock),
        pytest.param({"batchItemFailures": []}, marks=pytest.mark.also_on_stock),
        {"batchItemFailures": None},
    ],
)
def test_an_empty_answer_is_a_success(stage: Stage, answer: Any) -> None:
    stage.queue()
    stage.send({"id": 1, "answer": answer}, {"id": 2})
    stage.map(**REPORTING)
    stage.wait_until_empty()
    assert 2 == sum(map(len, stage.ids()))


@pytest.mark.also_on_stock
def test_a_batch_comes_back_whole_when_the_function_raises_and_goes_to_the_dead_letter_queue(stage: Stage) -> None:
    dead_url, dead_arn = make_queue(stage.aws)
    stage.queue(RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2}))
    stage.send({"id": 1, "raise": True}, {"id": 2})
    stage.map(**REPORTING)
    client, dead = stage.aws.client("sqs"), set()

    def received() -> bool:
        for message in client.receive_message(QueueUrl=dead_url, MaxNumberOfMessages=10).get("Messages", []):
            dead.add(json.loads(message["Body"])["id"])
        return dead == {1, 2}

    wait_until(received, deadline_seconds=15)
    assert 4 == sum(map(len, stage.ids()))


def test_an_event_says_all_of_a_message(stage: Stage) -> None:
    stage.queue()
    body = json.dumps({"id": 1})
    stage.aws.client("sqs").send_message(
        QueueUrl=stage.url,
        MessageBody=body,
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "x"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )
    stage.map()
    stage.wait_for(1)
    record = stage.deliveries()[0]["records"][0]
    lists: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    assert {
        "body": body,
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "messageAttributes": {
            "text": {"stringValue": "x", "dataType": "String", **lists},
            "bytes": {"binaryValue": "AP8=", "dataType": "Binary", **lists},
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": stage.arn,
        "awsRegion": REGION,
    } == {
        name: value
        for name, value in record.items()
        if name not in ("messageId", "receiptHandle", "attributes", "md5OfMessageAttributes")
    }
    expected = {"ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"}
    assert expected == record["attributes"].keys()
    assert "1" == record["attributes"]["ApproximateReceiveCount"]
    assert abs(time.time() - int(record["attributes"]["SentTimestamp"]) / 1000) < 60
    assert record["messageId"]
    assert record["receiptHandle"]


@pytest.mark.also_on_stock
def test_a_batch_holds_ten_messages_where_nobody_says_another_number(stage: Stage) -> None:
    stage.queue()
    stage.send(*({"id": number} for number in range(23)))
    stage.map()
    stage.wait_for(23)
    assert [3, 10, 10] == sorted(map(len, stage.ids()))


def test_an_incomplete_batch_waits_for_its_window(stage: Stage) -> None:
    stage.queue(visibility_timeout=30)
    stage.map(MaximumBatchingWindowInSeconds=1, BatchSize=25)
    stage.send({"id": 1})
    wait_until(lambda: stage.count("ApproximateNumberOfMessagesNotVisible") == 1)
    stage.send(*({"id": number} for number in range(2, 13)))
    assert [12] == [len(batch) for batch in stage.wait_for(12)]


@pytest.mark.also_on_stock
def test_no_more_batches_are_in_flight_than_the_mapping_allows(stage: Stage, tmp_path: Path) -> None:
    stage.queue(visibility_timeout=30)
    let_go = tmp_path / "let go"
    stage.send(*({"id": number, "until": str(let_go)} for number in range(5)))
    mapping = stage.map(BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    assert {"MaximumConcurrency": 2} == mapping["ScalingConfig"]
    stage.wait_for(2)
    with pytest.raises(AssertionError):
        wait_until(lambda: len(stage.ids()) > 2, deadline_seconds=0.5)
    let_go.touch()
    stage.wait_for(5)


@pytest.mark.also_on_stock
def test_an_encrypted_queue_is_delivered(stage: Stage) -> None:
    stage.queue(KmsMasterKeyId=stage.aws.client("kms").create_key()["KeyMetadata"]["Arn"])
    stage.map()
    stage.send({"id": 1})
    assert [[1]] == stage.wait_for(1)


@pytest.mark.parametrize("missing", RIGHTS)
def test_a_mapping_needs_each_right_on_its_queue(stage: Stage, missing: str) -> None:
    stage.queue()
    name = unique("role")
    stage.function = make_function(
        stage.aws,
        FUNCTION,
        role=make_role(stage.aws, _policy(*RIGHTS, on=stage.arn), name),
        timeout_seconds=1,
        environment={"SEEN": str(stage.seen)},
    )
    iam = stage.aws.client("iam")
    less = json.dumps(_policy(*(right for right in RIGHTS if right != missing), on=stage.arn))
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=less)
    with pytest.raises(ClientError, match=f"does not have permissions to call {missing.removeprefix('sqs:')} on SQS"):
        stage.map()
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(_policy(*RIGHTS, on=stage.arn)))
    mapping = stage.map()["UUID"]
    stage.send({"id": 1})
    stage.wait_for(1)
    stage.wait_until_empty()
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=less)
    stage.send({"id": 2})
    client = stage.aws.client("lambda")
    wait_until(lambda: missing in client.get_event_source_mapping(UUID=mapping)["LastProcessingResult"])
    assert [[1]] == stage.ids()


def _policy(*rights: str, on: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(rights), "Resource": on}]}


def test_a_queue_must_hide_messages_for_as_long_as_its_function_may_take(stage: Stage) -> None:
    stage.queue(visibility_timeout=1)
    with pytest.raises(ClientError, match="visibility timeout: 1 seconds is less than Function timeout: 2 seconds"):
        stage.map()


def test_a_queue_is_mapped_to_a_function_once(stage: Stage) -> None:
    stage.queue()
    stage.map()
    with pytest.raises(ClientError, match="already exists"):
        stage.map()


@pytest.mark.also_on_stock
def test_messages_that_the_filter_leaves_out_are_taken_from_the_queue(stage: Stage) -> None:
    stage.queue()
    stage.send({"id": 1}, {"id": 2, "wanted": True})
    stage.map(FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": {"wanted": [True]}})}]})
    stage.wait_until_empty()
    assert [[2]] == stage.ids()
