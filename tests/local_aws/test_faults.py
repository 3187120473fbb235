"""Faults between a function of the local AWS and the services that it calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.local_aws import faults, process
from ops.local_aws.faults import Fault, Kind
from ops.local_aws.faults.hooks import refusal
from tests.local_aws.support import LocalAws, invoke, make_function, unique

CALLER = """
import boto3
from botocore.config import Config

clients = {}

def handler(event, context):
    service, operation = event["service"], event["operation"]
    config = Config(retries={"mode": "standard", "total_max_attempts": event.get("attempts", 1)})
    client = clients.setdefault((service, event.get("attempts")), boto3.client(service, config=config))
    try:
        getattr(client, operation)(**event["parameters"])
    except Exception as error:
        response = getattr(error, "response", None) or {}
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = response.get("Error", {}).get("Code")
        return [type(error).__name__, code, status]
    return "done"
"""


@dataclass
class World:
    aws: LocalAws
    file: Path
    function: str
    table: str

    def inject(self, kind: Kind, probability: float = 1, *, seed: int = 1, **options: Any) -> None:
        faults.write(self.file, [Fault(kind, probability, **options)], seed=seed)

    def put(self, id_: str = "1", **options: Any) -> Any:
        parameters = {"TableName": self.table, "Item": {"id": {"S": id_}}}
        return self.call("dynamodb", "put_item", parameters, **options)

    def call(self, service: str, operation: str, parameters: Any, **options: Any) -> Any:
        event = {"service": service, "operation": operation, "parameters": parameters, **options}
        return invoke(self.aws, self.function, event)

    def has(self, id_: str) -> bool:
        return "Item" in self.aws.client("dynamodb").get_item(TableName=self.table, Key={"id": {"S": id_}})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("faults")
    file = folder / "faults.json"
    aws = LocalAws(process.start(folder, faults=file, keep_state=True).endpoint)
    try:
        table = unique("table")
        aws.client("dynamodb").create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield World(aws, file, make_function(aws, CALLER), table)
    finally:
        aws.close()
        process.stop(folder)


@pytest.fixture
def world(running: World) -> Iterator[World]:
    yield running
    faults.forget(running.file)


def test_without_a_file_nothing_happens(world: World) -> None:
    assert "done" == world.put()
    assert {} == faults.counted(world.file)


@pytest.mark.parametrize(
    ("kind", "service", "operation", "expected"),
    [
        (
            Kind.THROTTLE,
            "dynamodb",
            "list_tables",
            ["ProvisionedThroughputExceededException", "ProvisionedThroughputExceededException", 400],
        ),
        (Kind.THROTTLE, "kms", "list_keys", ["ClientError", "ThrottlingException", 400]),
        (Kind.THROTTLE, "s3", "list_buckets", ["ClientError", "SlowDown", 503]),
        (Kind.THROTTLE, "sqs", "list_queues", ["RequestThrottled", "RequestThrottled", 400]),
        (Kind.THROTTLE, "lambda", "list_functions", ["TooManyRequestsException", "TooManyRequestsException", 429]),
        (Kind.THROTTLE, "sts", "get_caller_identity", ["ClientError", "Throttling", 400]),
        (Kind.INTERNAL_ERROR, "dynamodb", "list_tables", ["InternalServerError", "InternalServerError", 500]),
        (Kind.INTERNAL_ERROR, "s3", "list_buckets", ["ClientError", "InternalError", 500]),
        (Kind.UNAVAILABLE, "kms", "list_keys", ["DependencyTimeoutException", "DependencyTimeoutException", 503]),
        (Kind.UNAVAILABLE, "sqs", "list_queues", ["ClientError", "ServiceUnavailable", 503]),
    ],
)
def test_a_service_refuses_in_its_own_words(
    world: World, kind: Kind, service: str, operation: str, expected: list[Any]
) -> None:
    world.inject(kind, service=service)
    assert expected == world.call(service, operation, {})
    assert {kind: 1} == faults.counted(world.file)


def test_a_connection_that_breaks_before_sends_nothing(world: World) -> None:
    world.inject(Kind.RESET_BEFORE, service="dynamodb")
    assert ["ConnectionClosedError", None, None] == world.put("before")
    assert not world.has("before")


def test_a_connection_that_breaks_after_leaves_the_write(world: World) -> None:
    world.inject(Kind.RESET_AFTER, service="dynamodb")
    assert ["ConnectionClosedError", None, None] == world.put("after")
    assert world.has("after")


@pytest.mark.parametrize(("kind", "applied"), [(Kind.KILL_BEFORE, False), (Kind.KILL_AFTER, True)])
def test_a_killed_worker_fails_its_invocation_and_another_one_comes(world: World, kind: Kind, applied: bool) -> None:
    world.inject(kind, service="dynamodb", operation="PutItem")
    id_ = unique("killed")
    assert "done" != world.put(id_)
    assert applied == world.has(id_)
    assert {kind: 1} == faults.counted(world.file)
    faults.forget(world.file)
    assert "done" == world.put(id_)


def test_latency_is_waited_for(world: World) -> None:
    world.put()
    world.inject(Kind.LATENCY, seconds=0.6)
    begin = time.monotonic()
    assert "done" == world.put()
    assert time.monotonic() - begin > 0.6


def test_every_attempt_of_a_call_is_at_risk(world: World) -> None:
    world.inject(Kind.UNAVAILABLE)
    assert 503 == world.put(attempts=3)[2]
    assert {Kind.UNAVAILABLE: 3} == faults.counted(world.file)


def test_a_file_that_is_changed_or_removed_counts_at_once(world: World) -> None:
    world.inject(Kind.THROTTLE, service="dynamodb", operation="Put*")
    assert "done" != world.put()
    world.inject(Kind.THROTTLE, service="dynamodb", operation="Get*")
    assert "done" == world.put()
    world.inject(Kind.THROTTLE, function=f"not-{world.function}")
    assert "done" == world.put()
    world.inject(Kind.THROTTLE, function=world.function)
    assert "done" != world.put()
    world.file.unlink()
    assert "done" == world.put()


def test_a_seed_repeats_its_faults(world: World) -> None:
    def outcomes(seed: int) -> list[Any]:
        world.inject(Kind.THROTTLE, 0.5, seed=seed, service="dynamodb")
        return [world.put() == "done" for _ in range(30)]

    assert 5 < sum(first := outcomes(1)) < 25
    assert first == outcomes(1)
    assert first != outcomes(2)


def test_faults_reach_functions_only(world: World) -> None:
    world.inject(Kind.THROTTLE)
    assert world.table in world.aws.client("dynamodb").list_tables()["TableNames"]


def test_faults_go_on_after_a_restart(world: World) -> None:
    world.inject(Kind.THROTTLE, service="dynamodb")
    process.restart(world.file.parent)
    assert "done" != world.put()


def test_a_probability_is_one() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Fault(Kind.THROTTLE, 1.5)


def test_a_service_without_words_of_its_own_has_the_usual_ones() -> None:
    response = refusal("http://127.0.0.1", "events", Kind.THROTTLE)
    assert (400, b'{"__type": "ThrottlingException", "message": "injected"}') == (
        response.status_code,
        response.content,
    )
