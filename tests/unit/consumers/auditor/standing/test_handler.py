"""The Lambda's entry point on moto: a segment's name in, how far it is out, nothing but its own lines printed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from consumers.auditor.standing import handler
from shared.aws.clients import client, config, forget
from shared.aws.key_rows import data_key_item
from shared.aws.runs import DynamoRunStore
from shared.errors import BatchFailed, RunRefused, SettingsError, StoreUnavailable
from shared.findings import from_message
from shared.keys.ports import DataKeyRow
from shared.model import KeyState
from shared.policy.load import load_policy
from shared.runs.model import Phase, Run, RunKind
from shared.runtime.settings import POLICY_FILE
from shared.scan import pace
from shared.source_position import counter_position

REGION = "us-east-1"
CANARY = "canary-4111111111111111"
POLICY = load_policy(POLICY_FILE)
RUN_ID = "5" * 32
ITEMS, HELD = 0, 1
"""The segments of a run whose items table is one."""
SETTINGS = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_LAMBDA_FUNCTION_NAME": "acme-reconciler",
    "SEALSTREAM_TABLE": "items",
    "SEALSTREAM_KEY_STORE": "keys",
    "SEALSTREAM_RUNS": "runs",
}
ACTIVE, REPLACED = 1, 2


class Context:
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@dataclass
class Aws:
    """What the function finds."""

    dynamodb: Any
    sqs: Any
    queue: str

    @property
    def runs(self) -> DynamoRunStore:
        return DynamoRunStore(self.dynamodb, "runs")

    def put_item(self, item_id: str, key_id: int = ACTIVE, **more: Any) -> None:
        """An item as the encryptor writes it, under this data key."""
        sealed = b"\x01" + key_id.to_bytes(4, "big") + bytes(range(150, 210))
        item = {
            "tenant_id": {"S": "acme"},
            "item_id": {"S": item_id},
            "ssn": {"B": sealed},
            "_src": {"B": counter_position(1).to_bytes()},
            "_policy": {"B": POLICY.digest},
            **more,
        }
        self.dynamodb.put_item(TableName="items", Item=item)

    def begin(self, kind: RunKind = RunKind.RECONCILIATION, phase: Phase = Phase.CENSUS) -> Run:
        return self.runs.begin(Run(RUN_ID, kind, phase, started_at=1.0, segments=1, workers=1))

    def counts(self, number: int = ITEMS) -> dict[str, int]:
        return dict(self.runs.segment(RUN_ID, Phase.CENSUS, number).tally.counts)

    def sent(self) -> list[tuple[str, str]]:
        messages = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        return [(one.item_id, one.reason) for message in messages for one in from_message(message["Body"])]


@pytest.fixture
def aws(monkeypatch) -> Iterator[Aws]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION, config=config("dynamodb"))
        for table, keys in (
            ("items", ("tenant_id", "item_id")),
            ("keys", ("tenant_id", "row")),
            ("runs", ("run_id", "row")),
        ):
            dynamodb.create_table(
                TableName=table,
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                KeySchema=[
                    {"AttributeName": keys[0], "KeyType": "HASH"},
                    {"AttributeName": keys[1], "KeyType": "RANGE"},
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        for key_id, state in ((ACTIVE, KeyState.ACTIVE), (REPLACED, KeyState.DECRYPT_ONLY)):
            row = DataKeyRow("acme", key_id, "pii", b"wrapped", "arn:aws:kms:x:1:key/y", "", state, 0.0)
            dynamodb.put_item(TableName="keys", Item=data_key_item(row))
        sqs = boto3.client("sqs", region_name=REGION)
        queue = sqs.create_queue(QueueName="findings")["QueueUrl"]
        for name, value in (SETTINGS | {"SEALSTREAM_FINDINGS_QUEUE": queue}).items():
            monkeypatch.setenv(name, value)
        forget()
        handler._reconciler.cache_clear()
        yield Aws(dynamodb, sqs, queue)
        handler._reconciler.cache_clear()
        forget()


def work(segment: int = ITEMS, **more: Any) -> dict[str, Any]:
    return handler.handler({"run_id": RUN_ID, "segment": segment, **more}, Context())


DONE = {"run_id": RUN_ID, "done": True, "overtaken": False}


def test_every_item_is_judged_told_and_counted_and_nothing_is_written_to_it(aws, kept, capsys):
    aws.put_item("sound")
    aws.put_item("stale", REPLACED)
    aws.put_item("open", ssn={"S": CANARY})
    before = aws.dynamodb.scan(TableName="items")["Items"]
    aws.begin()

    assert DONE | {"segment": ITEMS} == work()

    assert {"visited": 3, "verified": 1, "stale": 1, "plaintext": 1, "sent": 2} == aws.counts()
    assert [("open", "plaintext"), ("stale", "stale")] == sorted(aws.sent())
    assert before == aws.dynamodb.scan(TableName="items")["Items"]
    printed = capsys.readouterr()
    assert CANARY not in printed.out + printed.err
    *_, segment, figures = [json.loads(line) for line in printed.out.splitlines()]
    assert {
        "sound": "item.reconciled",
        "stale": "item.stale",
        "open": "item.plaintext_found",
    } == {event["item_id"]: event["event"] for event in kept.events}
    assert ("segment", "reconciliation", 3) == (segment["event"], segment["kind"], segment["visited"])
    assert ("acme-reconciler", 3, 1, 1, 1, 0, 0, 0, 2) == tuple(
        figures[name]
        for name in (
            *("Function", "ItemsScanned", "ItemsVerified", "ItemsStale", "ItemsPlaintext", "ItemsMalformed"),
            *("ItemsUndeclared", "ItemsUnjudged", "FindingsSent"),
        )
    )
    assert "ItemsRemoved" not in figures


def test_the_table_is_read_consistently_and_the_quarantine_not_at_all(aws):
    asked: list[bool] = []
    client("dynamodb").meta.events.register(
        "provide-client-params.dynamodb.Scan", lambda params, **_: asked.append(params["ConsistentRead"])
    )
    aws.put_item("sound")
    aws.begin()

    assert DONE | {"segment": HELD} == work(HELD)
    assert [] == asked
    assert {} == aws.counts(HELD)
    work()
    assert [True] == asked


def test_a_worker_without_time_does_one_page_and_the_next_one_goes_on(aws, monkeypatch):
    monkeypatch.setattr(pace, "PAGE_ITEMS", 1)
    for item_id in ("1", "2", "3"):
        aws.put_item(item_id)
    aws.begin()

    assert not work(seconds=0)["done"]
    assert aws.counts() == {"visited": 1, "verified": 1}
    assert work(seconds=60)["done"]
    assert aws.counts() == {"visited": 3, "verified": 3}


def test_a_run_that_is_another_workers_is_refused_and_stays_as_it_is(aws):
    aws.begin(RunKind.SURVEY)

    with pytest.raises(RunRefused, match="sweeper"):
        work()

    assert {} == aws.counts()


def test_a_run_that_is_called_off_has_nothing_left_to_do(aws):
    run = aws.begin()
    aws.runs.save(replace(run, phase=Phase.DONE))

    assert DONE | {"segment": ITEMS} == work()


def test_a_store_that_does_not_answer_ends_the_invocation_with_what_is_retried(aws):
    aws.put_item("stale", REPLACED)
    aws.begin()
    handler._reconciler()
    aws.dynamodb.delete_table(TableName="keys")

    with pytest.raises(StoreUnavailable):
        work()

    assert {} == aws.counts()


def test_an_event_of_another_form_is_refused_unquoted(aws, capsys):
    aws.begin()
    with pytest.raises(BatchFailed) as caught:
        handler.handler({"run_id": RUN_ID, "canary": CANARY}, Context())
    assert CANARY not in str(caught.value) + capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name in SETTINGS if name.startswith("SEALSTREAM_")])
def test_a_missing_setting_is_named(aws, monkeypatch, name):
    aws.begin()
    monkeypatch.delenv(name)
    with pytest.raises(SettingsError, match=name):
        work()


def test_the_reconciler_runs_without_any_cipher_library():
    # the auditor's asset holds none: it could not open a value even if it were given a key
    program = "import sys; sys.modules.update(tink=None, cryptography=None); import consumers.auditor.standing.handler"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
