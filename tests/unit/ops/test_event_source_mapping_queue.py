"""What the mapping of a queue does with messages and answers, with a queue and a function in memory."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ops.local_aws.event_source_mappings.delivery import Invocation, NotReached, Raised, Returned
from ops.local_aws.event_source_mappings.queue_consumer import FoundQueueMapping, QueueConsumers
from ops.local_aws.event_source_mappings.queue_delivery import QueueMessage, QueueSettings, failed_ids, record_of

REPORTING = QueueSettings(reports_item_failures=True)


def reported(*ids: Any) -> Returned:
    return Returned({"batchItemFailures": [{"itemIdentifier": one} for one in ids]})


@pytest.mark.parametrize(
    ("invocation", "failed"),
    [
        (reported("b"), {"b"}),
        (reported("b", "b"), {"b"}),
        (reported(), set()),
        (Returned(None), set()),
        (Returned({"batchItemFailures": None}), set()),
        (reported("b", ""), {"a", "b"}),
        (reported("b", None), {"a", "b"}),
        (reported("unknown"), {"a", "b"}),
        (Returned({"batchItemFailures": ["b"]}), {"a", "b"}),
        (Returned({"batchItemFailures": "b"}), {"a", "b"}),
        (Returned("no object"), {"a", "b"}),
        (Raised(), {"a", "b"}),
        (NotReached(), {"a", "b"}),
    ],
)
def test_what_stays_on_the_queue(invocation: Invocation, failed: set[str]) -> None:
    assert failed == failed_ids(invocation, {"a", "b"}, REPORTING)


def test_an_answer_means_nothing_where_the_mapping_does_not_ask_for_failures() -> None:
    assert not failed_ids(reported("a"), {"a", "b"}, QueueSettings())
    assert {"a"} == failed_ids(Raised(), {"a"}, QueueSettings())


def test_settings_have_the_defaults_of_aws() -> None:
    assert QueueSettings(batch_size=10, window_seconds=0, reports_item_failures=False) == QueueSettings.of({})
    assert QueueSettings(25, 3, 7, reports_item_failures=True) == QueueSettings.of(
        {
            "BatchSize": "25",
            "MaximumBatchingWindowInSeconds": "3",
            "ScalingConfig": {"MaximumConcurrency": "7"},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }
    )


def test_a_record_carries_the_digest_of_attributes_only_where_there_are_some() -> None:
    received = {"MessageId": "m", "ReceiptHandle": "r", "Body": "b", "Attributes": {}, "MD5OfBody": "d"}
    arn = "arn:aws:sqs:eu-west-1:1:q"
    assert "md5OfMessageAttributes" not in record_of(received, arn)
    attributes = {"a": {"DataType": "Number", "StringValue": "1"}}
    full = record_of({**received, "MessageAttributes": attributes, "MD5OfMessageAttributes": "e"}, arn)
    assert ("e", "eu-west-1") == (full["md5OfMessageAttributes"], full["awsRegion"])
    assert "1" == full["messageAttributes"]["a"]["stringValue"]


@dataclass
class MemoryQueue:
    """A queue whose messages are their bodies; what is received and not deleted stays invisible."""

    visible: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    refused: str | None = None

    def refused_right(self) -> str | None:
        return self.refused

    def has_messages(self) -> bool:
        return bool(self.visible)

    def receive(self, limit: int) -> Sequence[QueueMessage]:
        received, self.visible = self.visible[:limit], self.visible[limit:]
        return [QueueMessage(one, one, json.dumps(one)) for one in received]

    def delete(self, messages: Sequence[QueueMessage]) -> None:
        self.deleted.extend(message.id for message in messages)


@dataclass
class World:
    """One mapping of one queue to one function."""

    queue: MemoryQueue = field(default_factory=MemoryQueue)
    mapping: dict[str, Any] | None = field(default_factory=lambda: {"UUID": "m", "FunctionArn": "f"})
    answer: Callable[[list[str]], Invocation] = lambda _: Returned(None)
    deliveries: list[list[str]] = field(default_factory=list)

    def start(self) -> None:
        self.consumers = QueueConsumers(lambda: [FoundQueueMapping("m", lambda: self.mapping, self.queue)], self.invoke)
        self.consumers.refresh()

    def invoke(self, _function_arn: str, event: str) -> Invocation:
        bodies = json.loads(event)["Records"]
        self.deliveries.append(bodies)
        return self.answer(bodies)

    def set(self, **settings: Any) -> None:
        self.mapping = {"UUID": "m", "FunctionArn": "f", **settings}


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.mapping = None


def wait_until(condition: Callable[[], Any], deadline_seconds: float = 5) -> None:
    deadline = time.monotonic() + deadline_seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_what_succeeds_is_deleted_and_what_fails_is_left_to_the_queue(world: World) -> None:
    world.set(FunctionResponseTypes=["ReportBatchItemFailures"])
    world.queue.visible = ["a", "b", "c"]
    world.answer = lambda _: reported("b")
    world.start()
    wait_until(lambda: world.queue.deleted == ["a", "c"])


def test_more_than_one_receive_fills_a_large_batch(world: World) -> None:
    world.set(BatchSize=25, MaximumBatchingWindowInSeconds=60)
    world.queue.visible = [str(number) for number in range(25)]
    world.start()
    wait_until(lambda: len(world.queue.deleted) == 25)
    assert [25] == [len(batch) for batch in world.deliveries]


def test_batches_beyond_the_concurrency_wait(world: World) -> None:
    world.set(BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    let_go = threading.Event()
    world.answer = lambda _: Returned(None) if let_go.wait(5) else Raised()
    world.queue.visible = ["a", "b", "c"]
    world.start()
    wait_until(lambda: len(world.deliveries) == 2)
    assert ["c"] == world.queue.visible
    let_go.set()
    wait_until(lambda: len(world.queue.deleted) == 3)


def test_nothing_is_received_without_a_right_or_while_disabled(world: World) -> None:
    world.queue.visible, world.queue.refused = ["a"], "sqs:DeleteMessage"
    world.start()
    wait_until(lambda: world.mapping and "sqs:DeleteMessage" in world.mapping.get("LastProcessingResult", ""))
    world.set(Enabled=False)
    world.queue.refused = None
    world.consumers.wake()
    assert ["a"] == world.queue.visible
    world.set(Enabled=True)
    world.consumers.wake()
    wait_until(lambda: world.queue.deleted == ["a"])


def test_a_mapping_that_was_deleted_ends_and_can_be_made_again(world: World) -> None:
    world.start()
    world.mapping = None
    world.consumers.wake()
    wait_until(lambda: not any(one.name == "mapping-queue" for one in threading.enumerate()))
    world.set()
    world.queue.visible = ["a"]
    world.consumers.refresh()
    wait_until(lambda: world.queue.deleted == ["a"])
