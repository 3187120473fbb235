"""What stands in the way of a lane: a record at which the function always hangs, and the KPL's one outer key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.local_aws.support import LocalAws, make_function, unique, wait_until

# Hangs, works for a while, or does nothing, as the record wishes; tells what it did.
FUNCTION = """
import base64, json, os, time

def write(entry):
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(json.dumps(entry) + "\\n")

def handler(event, context):
    for record in event["Records"]:
        wish = json.loads(base64.b64decode(record["kinesis"]["data"]))
        begin = time.time()
        write({"id": wish["id"], "begin": begin})
        time.sleep(wish["seconds"])
        write({"id": wish["id"], "begin": begin, "end": time.time()})
"""
LIKE_THE_ENCRYPTORS = {
    "StartingPosition": "TRIM_HORIZON",
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "BisectBatchOnFunctionError": True,
    "MaximumRetryAttempts": -1,
}
KPL_OUTER_KEY = "a"


@dataclass
class Shard:
    """A stream of one shard, its function, and the queue of its dead letters."""

    aws: LocalAws
    seen: Path
    stream: str
    function: str
    queue: str
    mapping: str = ""

    def map(self, **settings: Any) -> None:
        sqs = self.aws.client("sqs")
        arn = sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        made = self.aws.client("lambda").create_event_source_mapping(
            EventSourceArn=self.stream,
            FunctionName=self.function,
            DestinationConfig={"OnFailure": {"Destination": arn}},
            **LIKE_THE_ENCRYPTORS,
            **settings,
        )
        self.mapping = made["UUID"]

    def put(self, name: str, *, seconds: float = 0, key: str = "test") -> str:
        data = json.dumps({"id": name, "seconds": seconds}).encode()
        put = self.aws.client("kinesis").put_record(StreamARN=self.stream, Data=data, PartitionKey=key)
        return str(put["SequenceNumber"])

    def done(self) -> list[dict[str, Any]]:
        return [one for one in self._seen() if "end" in one]

    def begun(self, name: str) -> int:
        return sum(one["id"] == name for one in self._seen() if "end" not in one)

    def _seen(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.seen.read_text().splitlines()]

    def wait_for(self, *names: str) -> None:
        wait_until(lambda: set(names) <= {one["id"] for one in self.done()}, deadline_seconds=30)

    def letters(self) -> list[dict[str, Any]]:
        """What was given up and is not read yet."""
        sqs = self.aws.client("sqs")
        messages = sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in messages.get("Messages", [])]


@pytest.fixture
def shard(local_aws: LocalAws, tmp_path: Path) -> Iterator[Shard]:
    kinesis, name, seen = local_aws.client("kinesis"), unique("stream"), tmp_path / "seen"
    seen.touch()
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    stream = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    function = make_function(local_aws, FUNCTION, environment={"SEEN": str(seen)}, timeout_seconds=1)
    queue = local_aws.client("sqs").create_queue(QueueName=unique("queue"))["QueueUrl"]
    shard = Shard(local_aws, seen, stream, function, queue)
    yield shard
    local_aws.client("lambda").delete_event_source_mapping(UUID=shard.mapping)


def test_at_its_age_a_record_that_always_times_out_is_a_dead_letter_and_its_lane_goes_on(shard: Shard) -> None:
    names = {
        shard.put("before"): "before",
        shard.put("hangs", seconds=60): "hangs",
        shard.put("with it"): "with it",
    }
    shard.map(BatchSize=10, MaximumRecordAgeInSeconds=6)
    wait_until(lambda: shard.begun("hangs") == 3, deadline_seconds=30)  # some seconds: each time it hangs for one
    shard.put("behind")
    shard.wait_for("before", "behind")

    given_up: set[str] = set()

    def is_all_told() -> bool:
        for letter in shard.letters():
            told = letter["KinesisBatchInfo"]
            given_up.update(names[told[f"{end}SequenceNumber"]] for end in ("start", "end"))
        return {"before", "hangs", "with it", "behind"} == given_up | {one["id"] for one in shard.done()}

    wait_until(is_all_told, deadline_seconds=30)
    # what came along with it is as old as it is: it may be given up too, and is told of
    assert "hangs" in given_up <= {"hangs", "with it"}


def test_an_operator_ends_its_retries_at_once_and_gives_them_back_after_that(shard: Shard) -> None:
    hangs = shard.put("hangs", seconds=60)
    shard.map(BatchSize=10, MaximumRecordAgeInSeconds=21_600)
    shard.put("behind")
    functions = shard.aws.client("lambda")

    functions.update_event_source_mapping(UUID=shard.mapping, MaximumRetryAttempts=1)
    [letter] = wait_until(shard.letters, deadline_seconds=30)
    functions.update_event_source_mapping(UUID=shard.mapping, MaximumRetryAttempts=-1)

    shard.wait_for("behind")
    assert hangs == letter["KinesisBatchInfo"]["startSequenceNumber"]
    assert -1 == functions.get_event_source_mapping(UUID=shard.mapping)["MaximumRetryAttempts"]


@pytest.mark.parametrize(("one_key", "most_at_once"), [(False, 4), (True, 1)], ids=["own keys", "the KPL's outer key"])
def test_a_shard_of_four_lanes_works_at_one_batch_where_all_has_one_outer_key(
    shard: Shard, one_key: bool, most_at_once: int
) -> None:
    shard.map(BatchSize=1, ParallelizationFactor=4)
    for batch in ("cold", "warm"):  # a lane whose worker starts late may find its first records alone
        names = [f"{batch} {number}" for number in range(12)]
        for name in names:
            shard.put(name, seconds=0.2, key=KPL_OUTER_KEY if one_key else name)
        shard.wait_for(*names)

    changes = sorted(change for one in shard.done() for change in ((one["begin"], 1), (one["end"], -1)))
    running, most = 0, 0
    for _, change in changes:
        running += change
        most = max(most, running)
    assert most_at_once == most
