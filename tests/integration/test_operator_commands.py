"""Quarantine, dead letters and replay on the real stacks, by the commands that an operator types."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from ops.demo.leaks import shard_records
from ops.local_aws.event_source_mappings.delivery import Condition, Discard, StreamRecord
from ops.local_aws.event_source_mappings.failure_record import failure_record
from shared.aws.clients import client
from shared.findings import ItemReference, to_messages
from shared.model import VerdictKind
from tests.integration.support import ARRIVES_WITHIN_SECONDS, SEALSTREAM, Deployment, unique
from tests.local_aws.support import wait_until

CANARY = "canary-5105105105105100"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    text: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


def sealstream(*words: str) -> Done:
    done = subprocess.run([SEALSTREAM, *words], capture_output=True, text=True, check=False)
    assert "" == done.stderr
    return Done(done.returncode, done.stdout)


def held(deployment: Deployment, sequence_number: str) -> str:
    """The id of the entry that this record is held in."""
    rows = wait_until(lambda: deployment.quarantined(sequence_number), ARRIVES_WITHIN_SECONDS, 0.2)
    return rows[0]["quarantine_id"]["S"]


def position(stream_arn: str, shard_id: str, *numbers: str) -> str:
    """A message as Lambda writes it about these records."""
    now = datetime.now(UTC).timestamp()
    records = tuple(StreamRecord(number, "key", now, "{}") for number in numbers)
    record = failure_record(
        Discard(records, Condition.RECORD_AGE_EXCEEDED, 7),
        request_id="00000000-0000-0000-0000-000000000000",
        function_arn="arn:aws:lambda:us-east-1:000000000000:function:any",
        stream_arn=stream_arn,
        shard_id=shard_id,
        executed_version="$LATEST",
        now=now,
    )
    return json.dumps(record)


def send(deployment: Deployment, queue: str, body: str) -> str:
    """Put a letter into a dead-letter queue; its id."""
    sent = client("sqs").send_message(QueueUrl=deployment[f"{queue}_DEAD_LETTER_QUEUE"], MessageBody=body)
    return sent["MessageId"]


def counted(deployment: Deployment, function: str, metric: str) -> int:
    """What a function counted so far."""
    return sum(line[metric] for line in deployment.metrics(function))


def letters() -> dict[str, dict[str, Any]]:
    """Every dead letter, by its id, while none is held by anybody else."""
    return {letter["message_id"]: letter for letter in sealstream("deadletter", "list").of("letter")}


@pytest.fixture
def source(deployment: Deployment):
    """The ARN of the source stream."""
    answer = client("kinesis").describe_stream_summary(StreamName=deployment["STREAM"])
    return answer["StreamDescriptionSummary"]["StreamARN"]


def shard_of(deployment: Deployment, sequence_number: str) -> str:
    """The shard that holds this record."""
    kinesis = client("kinesis")
    for shard in kinesis.list_shards(StreamName=deployment["STREAM"])["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=deployment["STREAM"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        records = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        if any(record["SequenceNumber"] == sequence_number for record in records):
            return shard["ShardId"]
    raise AssertionError(sequence_number)


def test_once_the_cause_is_mended_what_was_held_is_written_at_its_own_position(deployment: Deployment):
    tenant, item = unique("held"), unique("item")
    pointer: Any = {"tenant_id": {"S": tenant}, "row": {"S": "active#pii"}}
    client("dynamodb").put_item(TableName=deployment["KEY_STORE"], Item=pointer)
    number = deployment.put_json({"tenant_id": tenant, "id": item, "ssn": CANARY})
    entry = held(deployment, number)

    listed = sealstream("quarantine", "list", "--tenant", tenant, "--reason", "key_unusable")
    assert ([entry], 0) == ([one["quarantine_id"] for one in listed.of("entry")], listed.status)
    again = sealstream("quarantine", "redrive", entry)
    assert (1, "held") == (again.status, again.of("decided")[0]["state"])

    client("dynamodb").delete_item(TableName=deployment["KEY_STORE"], Key=pointer)
    redriven = sealstream("quarantine", "redrive", "--tenant", tenant, "--yes")
    assert (0, [(entry, "redriven")]) == (
        redriven.status,
        [(one["quarantine_id"], one["state"]) for one in redriven.of("decided")],
    ), redriven.text
    assert {"ssn": CANARY} == deployment.opened(tenant, item)
    assert deployment.put_json({"tenant_id": tenant, "id": item, "ssn": CANARY})
    assert [] == sealstream("quarantine", "list", "--tenant", tenant).of("entry")
    (decided,) = sealstream("quarantine", "list", "--tenant", tenant, "--decided").of("entry")
    assert ("redriven", entry) == (decided["state"], decided["quarantine_id"])
    event = deployment.wait_for_event(event="record.redriven", quarantine_id=entry)
    assert event["request_id"]


def test_what_an_entry_holds_is_shown_only_where_that_is_asked_for_and_can_be_discarded(deployment: Deployment):
    payload = b'{"tenant_id": "acme", "ssn": "' + CANARY.encode()
    entry = held(deployment, deployment.put(payload, partition_key="discarded"))

    shown = json.loads(sealstream("quarantine", "show", entry).text)
    assert ("not_json", False) == (shown["reason"], "records" in shown)
    opened = json.loads(sealstream("quarantine", "show", entry, "--open").text)
    assert [(payload.decode(), "discarded")] == [(one["payload"], one["partition_key"]) for one in opened["records"]]

    discarded = sealstream("quarantine", "discard", entry, "--yes")
    assert (0, {"discarded": 1}) == (discarded.status, discarded.of("finished")[0]["states"])
    assert 0 == sealstream("quarantine", "discard", entry, "--yes").status
    gone = subprocess.run([SEALSTREAM, "quarantine", "show", entry, "--open"], capture_output=True, check=False)
    assert (1, True) == (gone.returncode, b"is gone" in gone.stderr)
    assert 1 == len(deployment.audit_events(event="record.discarded", quarantine_id=entry))


def test_records_in_dead_letters_are_written_after_all(deployment: Deployment, source: str):
    items, duplicates = [unique("dead") for _ in range(3)], counted(deployment, "encryptor", "RecordsDuplicate")
    with deployment.paused(deployment["ENCRYPTOR"]):
        numbers = [
            deployment.put_json({"tenant_id": "acme", "id": item, "ssn": CANARY}, partition_key="one") for item in items
        ]
        letter = send(deployment, "ENCRYPTOR", position(source, shard_of(deployment, numbers[0]), *numbers))
        assert ("encryptor", 3) == tuple(letters()[letter][name] for name in ("of", "records"))

        redriven = sealstream("deadletter", "redrive", letter)

        assert (0, "done", {"written": 3}) == (
            redriven.status,
            redriven.of("letter")[0]["state"],
            redriven.of("letter")[0]["counts"],
        )
        assert all(deployment.stored("acme", item) for item in items)
    assert letter not in letters()
    wait_until(  # the stream brings them, too, and changes nothing
        lambda: counted(deployment, "encryptor", "RecordsDuplicate") >= duplicates + 3, ARRIVES_WITHIN_SECONDS, 0.2
    )
    assert all({"ssn": CANARY} == deployment.opened("acme", item) for item in items)


def test_what_the_stream_no_longer_holds_is_said_and_stays_until_it_is_skipped(deployment: Deployment, source: str):
    number = deployment.put_json({"tenant_id": "acme", "id": unique("kept"), "ssn": CANARY})
    shard = shard_of(deployment, number)
    missing = send(deployment, "ENCRYPTOR", position(source, shard, "1", "2"))
    foreign = send(deployment, "ENCRYPTOR", json.dumps({"hello": "world"}))

    redriven = sealstream("deadletter", "redrive", "--of", "encryptor")

    states = {one["message_id"]: one["state"] for one in redriven.of("letter")}
    assert (1, "missing", "foreign") == (redriven.status, states[missing], states[foreign])
    assert {missing, foreign} <= letters().keys()
    assert 0 == sealstream("deadletter", "skip", missing, foreign, "--yes").status
    assert not {missing, foreign} & letters().keys()
    skipped = deployment.wait_for_event(event="record.skipped", last_sequence_number="2")
    assert ("source", shard, 2) == tuple(skipped[name] for name in ("stream", "shard_id", "record_count"))


def test_changes_in_dead_letters_are_audited_again(deployment: Deployment):
    item = unique("judged")
    deployment.put_json({"tenant_id": "acme", "id": item, "ssn": CANARY})
    first = deployment.wait_for_event(item_id=item)
    shard, number = change_of(deployment, item)
    letter = send(deployment, "AUDITOR", position(deployment["TABLE_STREAM"], shard, number))

    redriven = sealstream("deadletter", "redrive", "--of", "auditor")

    assert (0, {"verified": 1}) == (redriven.status, redriven.of("letter")[0]["counts"])
    assert letter not in letters()
    assert [first["event_id"]] == [event["event_id"] for event in deployment.audit_events(item_id=item)]


def change_of(deployment: Deployment, item: str) -> tuple[str, str]:
    """Shard and sequence number of the change that wrote the item."""
    streams, arn = client("dynamodbstreams"), deployment["TABLE_STREAM"]
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        for _, record in shard_records(streams, arn, shard["ShardId"]):
            if record["dynamodb"]["Keys"]["item_id"]["S"] == item:
                return shard["ShardId"], record["dynamodb"]["SequenceNumber"]
    raise AssertionError(item)


def test_findings_that_were_given_up_go_back_to_their_queue(deployment: Deployment):
    (body,) = to_messages([ItemReference("acme", unique("gone"), VerdictKind.STALE, 0.0)])
    received = counted(deployment, "reencryptor", "FindingsReceived")
    letter = send(deployment, "REENCRYPTOR", body)

    redriven = sealstream("deadletter", "redrive", "--of", "reencryptor")

    assert (0, "done") == (redriven.status, redriven.of("letter")[0]["state"])
    assert letter not in letters()
    wait_until(lambda: counted(deployment, "reencryptor", "FindingsReceived") > received, ARRIVES_WITHIN_SECONDS, 0.2)


def test_a_replay_changes_nothing_and_says_so(deployment: Deployment):
    begun = datetime.now(UTC).isoformat()
    items = [unique("again") for _ in range(5)]
    for amount in (1, 2):
        for item in items:
            deployment.put_json({"tenant_id": "acme", "id": item, "ssn": CANARY, "amount": amount})
    for item in items:
        wait_until(
            lambda item=item: (deployment.stored("acme", item) or {}).get("amount") == {"N": "2"},  # type: ignore[misc]
            ARRIVES_WITHIN_SECONDS,
            0.1,
        )
    before = {item: deployment.stored("acme", item) for item in items}

    planned = sealstream("replay", "--from", begun, "--dry-run")
    assert (0, {"sendable": 10}) == (planned.status, planned.of("finished")[0]["counts"])
    for _ in range(2):
        replayed = sealstream("replay", "--from", begun, "--rate", "1000", "--workers", "2")
        (finished,) = replayed.of("finished")
        assert (0, True, {"duplicate": 5, "superseded": 5}) == (
            replayed.status,
            finished["done"],
            finished["counts"],
        )
    assert before == {item: deployment.stored("acme", item) for item in items}
    assert deployment.wait_for_event(event="stream.replayed")["request_id"]


def test_a_replay_writes_what_was_missing(deployment: Deployment):
    begun, item = datetime.now(UTC).isoformat(), unique("missed")
    deployment.put_json({"tenant_id": "acme", "id": item, "ssn": CANARY})
    deployment.wait_for_item("acme", item)
    key: Any = {"tenant_id": {"S": "acme"}, "item_id": {"S": item}}
    client("dynamodb").delete_item(TableName=deployment["TABLE"], Key=key)

    replayed = sealstream("replay", "--from", begun)

    assert (0, {"written": 1}) == (replayed.status, replayed.of("finished")[0]["counts"])
    assert {"ssn": CANARY} == deployment.opened("acme", item)


def test_no_command_prints_what_is_sealed(deployment: Deployment):
    printed = [
        sealstream("quarantine", "list", "--decided").text,
        sealstream("deadletter", "list").text,
        sealstream("replay", "--from", "1m", "--dry-run").text,
    ]
    assert CANARY not in "".join(printed)
