"""Records in, sealed and audited items out, on the real stacks."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from decimal import Decimal
from hashlib import md5
from pathlib import Path

import pytest
from aws_kinesis_agg.aggregator import RecordAggregator

from shared.aws.clients import client
from tests.fakes.kinesis import aggregate
from tests.integration.support import ARRIVES_WITHIN_SECONDS, Deployment, unique
from tests.local_aws.support import wait_until

CANARY = "canary-5105105105105100"


def test_a_record_put_with_the_aws_command_line_becomes_a_sealed_and_audited_item(deployment: Deployment, tmp_path):
    item = unique("cli")
    record = {"tenant_id": "acme", "id": item, "ssn": CANARY, "amount": 9.5, "payment": {"card_number": CANARY}}
    file = tmp_path / "record.json"
    file.write_text(json.dumps(record), encoding="utf-8")

    subprocess.run(
        [
            *(str(Path(sys.executable).with_name("aws")), "kinesis", "put-record"),
            *("--stream-name", deployment["STREAM"], "--partition-key", item, "--data", f"fileb://{file}"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )

    stored = deployment.wait_for_item("acme", item)
    assert {"B"} == stored["ssn"].keys() == stored["payment"]["M"]["card_number"].keys()
    assert stored["amount"] == {"N": "9.5"}
    assert CANARY not in repr(stored)
    event = deployment.wait_for_event(item_id=item)
    assert tuple(event[name] for name in ("event", "verdict", "change", "sealed_count")) == (
        "item.written",
        "verified",
        "insert",
        2,
    )


def test_reading_back_gives_what_was_sent(deployment: Deployment):
    item = unique("back")
    record = {
        "tenant_id": "acme",
        "id": item,
        "name": "Žofie Ångström",
        "amount": 12,
        "contacts": [{"kind": "home", "email": "a@example.org"}, {"kind": "work", "email": "b@example.org"}],
        "note": {"empty": "", "null": None, "list": [1, "1", True], "a.b": {"[]": "dots and brackets"}},
    }
    deployment.put(
        json.dumps(record)[:-1].encode() + b',"exact":12345678901234567890123456789012345678}', partition_key=item
    )
    deployment.wait_for_item("acme", item)

    opened = deployment.table.get_item(Key={"tenant_id": "acme", "item_id": item}, ConsistentRead=True)["Item"]

    expected = {name: value for name, value in record.items() if name != "id"}
    assert expected | {"item_id": item, "exact": Decimal(12345678901234567890123456789012345678)} == opened


def test_a_kpl_aggregate_becomes_an_item_per_user_record(deployment: Deployment):
    aggregator = RecordAggregator()
    items = [unique(f"kpl-{n}") for n in range(5)]
    for item in items:
        record = {"tenant_id": "acme", "id": item, "ssn": CANARY}
        aggregator.add_user_record(items[0], json.dumps(record).encode())  # one key: else it may be in another shard
    deployment.put(aggregator.clear_and_get().get_contents()[2], partition_key=items[0])

    for item in items:
        assert {"B"} == deployment.wait_for_item("acme", item)["ssn"].keys()
        assert deployment.wait_for_event(item_id=item)["verdict"] == "verified"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(f'{{"tenant_id":"acme","id":"{CANARY}"'.encode(), "not_json", id="not JSON"),
        pytest.param(aggregate([("k", CANARY.encode())])[:-1], "aggregate_corrupt", id="damaged aggregate"),
        pytest.param(
            json.dumps({"tenant_id": "acme", "id": "large", "a": CANARY * 18_000}).encode(),
            "item_too_large",
            id="large",
        ),
    ],
)
def test_a_bad_record_is_kept_sealed_and_its_neighbours_are_written(deployment: Deployment, payload, reason):
    before, after = unique("before"), unique("after")
    key = unique("lane")
    deployment.put_json({"tenant_id": "acme", "id": before}, partition_key=key)
    sequence_number = deployment.put(payload, partition_key=key)
    deployment.put_json({"tenant_id": "acme", "id": after}, partition_key=key)

    deployment.wait_for_item("acme", before)
    deployment.wait_for_item("acme", after)
    (row,) = wait_until(lambda: deployment.quarantined(sequence_number), ARRIVES_WITHIN_SECONDS)
    body = client("s3").get_object(Bucket=deployment["QUARANTINE_BUCKET"], Key=row["object_key"]["S"])["Body"].read()
    assert (reason, "held") == (row["reason"]["S"], row["state"]["S"])
    assert body[:1] == b"\x01"
    assert CANARY.encode() not in body
    assert reason == deployment.wait_for_event(event="record.quarantined", sequence_number=sequence_number)["reason"]


def test_an_item_keeps_its_newest_record_and_the_audit_log_each(deployment: Deployment):
    item = unique("newest")

    def stored_amount() -> str | None:
        return ((deployment.stored("acme", item) or {}).get("amount") or {}).get("N")

    deployment.put_json({"tenant_id": "acme", "id": item, "amount": 1})
    wait_until(lambda: stored_amount() == "1", ARRIVES_WITHIN_SECONDS)
    deployment.put_json({"tenant_id": "acme", "id": item, "amount": 2})
    wait_until(lambda: stored_amount() == "2", ARRIVES_WITHIN_SECONDS)

    wait_until(lambda: len(deployment.audit_events(item_id=item)) == 2, ARRIVES_WITHIN_SECONDS)
    assert ["insert", "modify"] == [event["change"] for event in deployment.audit_events(item_id=item)]


def test_a_second_partition_key_for_one_item_is_quarantined(deployment: Deployment):
    item = unique("two-doors")
    deployment.put_json({"tenant_id": "acme", "id": item, "amount": 1}, partition_key="one")
    deployment.wait_for_item("acme", item)

    sequence_number = deployment.put_json({"tenant_id": "acme", "id": item, "amount": 2}, partition_key="two")

    (row,) = wait_until(lambda: deployment.quarantined(sequence_number), ARRIVES_WITHIN_SECONDS)
    assert (row["reason"]["S"], row["tenant_id"]["S"]) == ("order_unknown", "acme")
    assert deployment.stored("acme", item)["amount"] == {"N": "1"}


def test_a_record_that_came_by_another_shard_than_its_own_is_quarantined(deployment: Deployment):
    item, kinesis = unique("misplaced"), client("kinesis")
    hash_key = int.from_bytes(md5(item.encode(), usedforsecurity=False).digest())
    shards = kinesis.list_shards(StreamName=deployment["STREAM"], ShardFilter={"Type": "AT_LATEST"})["Shards"]
    bounds = [(int(one["StartingHashKey"]), int(one["EndingHashKey"])) for one in (s["HashKeyRange"] for s in shards)]
    elsewhere = next(start for start, end in bounds if not start <= hash_key <= end)

    record = {"tenant_id": "acme", "id": item, "amount": 1}
    sequence_number = kinesis.put_record(
        StreamName=deployment["STREAM"],
        Data=json.dumps(record).encode(),
        PartitionKey=item,
        ExplicitHashKey=str(elsewhere),
    )["SequenceNumber"]

    (row,) = wait_until(lambda: deployment.quarantined(sequence_number), ARRIVES_WITHIN_SECONDS)
    assert ("misplaced", "acme") == (row["reason"]["S"], row["tenant_id"]["S"])
    deployment.put_json(record)
    assert {"N": "1"} == deployment.wait_for_item("acme", item)["amount"]


def test_an_item_written_past_the_encryptor_is_found(deployment: Deployment):
    item = unique("rogue")
    client("dynamodb").put_item(
        TableName=deployment["TABLE"],
        Item={"tenant_id": {"S": "acme"}, "item_id": {"S": item}, "payment": {"M": {"card_number": {"S": CANARY}}}},
    )

    event = deployment.wait_for_event(item_id=item)

    assert (event["event"], event["verdict"]) == ("item.plaintext_found", "plaintext")
    # the policy does not name `payment`, so the audit log does not either
    assert [(one["where"], one["data_class"]) for one in event["findings"][:1]] == [("?.card_number", "pci")]
    assert CANARY not in json.dumps(event)


def test_batch_metrics_account_for_every_record_and_reach_cloudwatch(deployment: Deployment):
    item = unique("metrics")
    deployment.put_json({"tenant_id": "acme", "id": item, "ssn": "x"})
    deployment.wait_for_event(item_id=item)

    lines = deployment.metrics("encryptor")
    assert lines
    outcomes = ("Written", "Duplicate", "Superseded", "Quarantined", "Retried")
    for line in lines:
        assert line["RecordsReceived"] == sum(line[f"Records{outcome}"] for outcome in outcomes)
        assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0] == ["Function"]
    published = {
        (metric["MetricName"], *(one["Value"] for one in metric["Dimensions"]))
        for metric in client("cloudwatch").list_metrics(Namespace="Sealstream")["Metrics"]
    }
    sealing = ("RecordsReceived", "RecordsWritten", "AttributesSealed", "KeyCacheHits", "KmsCalls")
    assert {
        *((name, deployment["ENCRYPTOR"]) for name in sealing),
        *((name, deployment["AUDITOR"]) for name in ("ItemsVerified", "PutToVerifiedSeconds")),
    } <= published


def test_how_long_a_record_took_is_told_from_its_arrival_to_its_verdict(deployment: Deployment):
    began, item = time.time(), unique("lag")
    deployment.put_json({"tenant_id": "acme", "id": item, "ssn": "x"})
    deployment.wait_for_event(item_id=item)

    arrived = int(deployment.stored("acme", item)["_arrived"]["N"]) / 1_000
    assert began - 1 <= arrived <= time.time()

    def told() -> bool:
        """Whether a line of metrics has what passed from this record's arrival to its own time."""
        return any(
            lag == pytest.approx(line["_aws"]["Timestamp"] / 1_000 - arrived, abs=0.002)
            for line in deployment.metrics("auditor")
            for lag in line.get("PutToVerifiedSeconds", ())
        )

    assert wait_until(told, ARRIVES_WITHIN_SECONDS)


def test_while_the_attribute_key_is_disabled_records_wait_and_none_is_lost(deployment: Deployment):
    # a tenant of its own: its data key is not cached anywhere
    tenant, item = unique("late"), unique("waits")
    kms = client("kms")

    def retried() -> int:
        return sum(line["RecordsRetried"] for line in deployment.metrics("encryptor"))

    before = retried()
    kms.disable_key(KeyId=deployment["ATTRIBUTE_KEY"])
    try:
        deployment.put_json({"tenant_id": tenant, "id": item, "ssn": CANARY})
        wait_until(lambda: retried() > before, ARRIVES_WITHIN_SECONDS)
        assert deployment.stored(tenant, item) is None
    finally:
        kms.enable_key(KeyId=deployment["ATTRIBUTE_KEY"])

    assert {"B"} == deployment.wait_for_item(tenant, item)["ssn"].keys()
