"""What was given up or held, put back by the functions that operators call, on the real stacks."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ops.demo.leaks import shard_records
from shared.aws.clients import client
from tests.integration.support import ARRIVES_WITHIN_SECONDS, Deployment, unique
from tests.local_aws.support import wait_until

CANARY = "canary-6011111111111117"


def call(function: str, operation: str, **fields: Any) -> dict[str, Any]:
    """An operator's call; its answer, in which no value is."""
    done = client("lambda").invoke(FunctionName=function, Payload=json.dumps({"operation": operation, **fields}))
    answer = json.loads(done["Payload"].read())
    assert CANARY not in json.dumps(answer)
    assert "FunctionError" not in done, answer
    return dict(answer)


def replayed(deployment: Deployment, since: float, **options: Any) -> dict[str, int]:
    """Outcomes of a replay of everything since then."""
    redriver = deployment["REDRIVER"]
    outcomes: dict[str, int] = {}
    for shard in call(redriver, "shards", **{"from": since})["shards"]:
        fields: dict[str, Any] = {"shard_id": shard["shard_id"], "from": since, "to": time.time(), **options}
        while True:
            answer = call(redriver, "replay", **fields)
            outcomes = {name: outcomes.get(name, 0) + count for name, count in answer["outcomes"].items()} | {
                name: count for name, count in outcomes.items() if name not in answer["outcomes"]
            }
            if answer["done"]:
                break
            fields |= {"after": answer["after"]} if answer["after"] else {}
    return outcomes


def shard_of(deployment: Deployment, item: str) -> tuple[str, str]:
    """Shard and sequence number of a record that was put with this payload's id."""
    kinesis = client("kinesis")
    for shard in kinesis.list_shards(StreamName=deployment["STREAM"])["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=deployment["STREAM"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for record in kinesis.get_records(ShardIterator=iterator)["Records"]:
            if item.encode() in record["Data"]:
                return shard["ShardId"], record["SequenceNumber"]
    raise AssertionError(item)


@pytest.fixture(scope="module")
def since() -> float:
    """Before the first record of these tests."""
    return time.time()


@pytest.fixture
def held(deployment: Deployment, since: float) -> tuple[str, str]:
    """An item, and the id of an entry that its second door led to."""
    item = unique("held")
    deployment.put_json({"tenant_id": "acme", "id": item, "amount": 1}, partition_key=f"{item}-one")
    deployment.wait_for_item("acme", item)
    number = deployment.put_json(
        {"tenant_id": "acme", "id": item, "amount": 2, "ssn": CANARY}, partition_key=f"{item}-two"
    )
    (row,) = wait_until(lambda: deployment.quarantined(number), ARRIVES_WITHIN_SECONDS)
    return item, row["quarantine_id"]["S"]


def entry(deployment: Deployment, quarantine_id: str) -> Any:
    key = {"quarantine_id": {"S": quarantine_id}}
    return client("dynamodb").get_item(TableName=deployment["QUARANTINE_TABLE"], Key=key, ConsistentRead=True)["Item"]


def contents(deployment: Deployment, quarantine_id: str) -> list[str]:
    """The keys of an entry's present objects."""
    listed = client("s3").list_objects_v2(Bucket=deployment["QUARANTINE_BUCKET"]).get("Contents", [])
    return [one["Key"] for one in listed if one["Key"].endswith(quarantine_id)]


def test_what_is_held_goes_through_once_nothing_stands_against_it(deployment: Deployment, held):
    item, quarantine_id = held
    redriver = deployment["REDRIVER"]

    again = call(redriver, "redrive", quarantine_ids=[quarantine_id])["entries"][quarantine_id]
    assert ("held", "order_unknown", {"quarantined": 1}) == (again["state"], again["reason"], again["outcomes"])
    client("dynamodb").delete_item(
        TableName=deployment["TABLE"], Key={"tenant_id": {"S": "acme"}, "item_id": {"S": item}}
    )
    done = call(redriver, "redrive", quarantine_ids=[quarantine_id])["entries"][quarantine_id]

    assert ("redriven", {"written": 1}) == (done["state"], done["outcomes"])
    assert CANARY == deployment.opened("acme", item)["ssn"]
    row = entry(deployment, quarantine_id)
    assert "redriven" == row["state"]["S"]
    assert "object_key" not in row
    assert [] == contents(deployment, quarantine_id)
    event = deployment.wait_for_event(event="record.redriven", quarantine_id=quarantine_id)
    assert ("order_unknown", 1) == (event["reason"], event["written"])
    deployment.wait_for_event(item_id=item, change="insert", verdict="verified")
    assert CANARY not in json.dumps(deployment.metrics("redriver") + deployment.audit_events())
    assert "redriven" == call(redriver, "redrive", quarantine_ids=[quarantine_id])["entries"][quarantine_id]["state"]


def test_what_was_given_up_comes_back_with_a_replay(deployment: Deployment, since: float, held):
    _, quarantine_id = held

    fate = call(deployment["REDRIVER"], "discard", quarantine_ids=[quarantine_id])["entries"][quarantine_id]
    assert "discarded" == fate["state"]
    assert [] == contents(deployment, quarantine_id)
    assert 1 == deployment.wait_for_event(event="record.discarded", quarantine_id=quarantine_id)["record_count"]

    replayed(deployment, since)

    assert "held" == entry(deployment, quarantine_id)["state"]["S"]
    assert 1 == len(contents(deployment, quarantine_id))


def test_a_replay_changes_nothing_and_a_dry_run_writes_nothing(deployment: Deployment, since: float):
    items = [unique("replayed") for _ in range(3)]
    for item in items:
        deployment.put_json({"tenant_id": "acme", "id": item, "ssn": CANARY})
    before = [deployment.wait_for_item("acme", item) for item in items]

    planned = replayed(deployment, since, dry_run=True)
    outcomes = [replayed(deployment, since, records_per_second=500) for _ in range(2)]

    assert planned["sendable"] >= len(items)
    assert before == [deployment.stored("acme", item) for item in items]
    assert [0, 0] == [one["written"] + one["retry"] for one in outcomes]
    assert all(one["duplicate"] >= len(items) for one in outcomes)
    (told, *_) = deployment.audit_events(event="stream.replayed")
    assert {"shard_id", "first_sequence_number", "kinesis_records", "request_id"} <= told.keys()
    for metrics in deployment.metrics("redriver"):
        names = ("Written", "Duplicate", "Superseded", "Quarantined", "Retried")
        assert metrics["RecordsReceived"] == sum(metrics[f"Records{name}"] for name in names)


def test_a_dead_letters_records_are_fetched_again(deployment: Deployment):
    item = unique("dead")
    with deployment.paused(deployment["ENCRYPTOR"]):
        deployment.put_json({"tenant_id": "acme", "id": item, "ssn": CANARY})
        shard_id, number = shard_of(deployment, item)

        answer = call(deployment["REDRIVER"], "reread", shard_id=shard_id, first=number, last=number)

        assert (True, False, 1) == (answer["done"], answer["missing"], answer["outcomes"]["written"])
        assert CANARY == deployment.opened("acme", item)["ssn"]
    gone = call(deployment["REDRIVER"], "reread", shard_id=shard_id, first="1", last="2")
    assert (True, True, None) == (gone["done"], gone["missing"], gone["found_from"])


def test_changes_are_audited_again_under_the_same_ids(deployment: Deployment):
    item = unique("audited")
    deployment.put_json({"tenant_id": "acme", "id": item, "ssn": CANARY})
    number = deployment.wait_for_event(item_id=item)["sequence_number"]
    streams, arn = client("dynamodbstreams"), deployment["TABLE_STREAM"]
    (shard_id,) = {
        shard["ShardId"]
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        for _, record in shard_records(streams, arn, shard["ShardId"])
        if record["dynamodb"]["SequenceNumber"] == number
    }

    answer = call(deployment["REAUDITOR"], "reread", shard_id=shard_id, first=number, last=number)

    assert (True, False, 1, 1) == (
        answer["done"],
        answer["missing"],
        answer["records"],
        answer["verdicts"]["verified"],
    )
    assert 1 == len(deployment.audit_events(item_id=item)), "the same id"


def test_what_is_given_up_or_asked_for_otherwise_is_said(deployment: Deployment):
    for function, stream in (("REDRIVER", "source"), ("REAUDITOR", "items")):
        call(deployment[function], "skip", shard_id=f"shard-{stream}", first="1", last="2", records=2)
        assert stream == deployment.wait_for_event(event="record.skipped", shard_id=f"shard-{stream}")["stream"]

        refused = client("lambda").invoke(FunctionName=deployment[function], Payload=json.dumps({"operation": CANARY}))
        error = json.loads(refused["Payload"].read())
        assert ("Unhandled", "RequestRefused") == (refused["FunctionError"], error["errorType"])
        assert CANARY not in json.dumps(error)
