"""The Lambda's entry point on moto: a segment's name in, how far it is out, nothing but its own lines printed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from consumers.sweeper import handler
from shared.aws.clients import client, config, forget
from shared.aws.key_rows import data_key_item
from shared.aws.key_store import DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.aws.reopener_function import ReopenerFunction
from shared.aws.runs import DynamoRunStore
from shared.envelope.associated_data import record_prefix
from shared.envelope.layout import key_id_of
from shared.envelope.seal import open_value, seal_value
from shared.errors import BatchFailed, RunRefused, SettingsError, StoreUnavailable
from shared.keys.keyring import Keyring
from shared.keys.ports import encryption_context
from shared.model import KeyState
from shared.policy.load import load_policy
from shared.runs.model import Phase, Run, RunKind, Tally
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
    "AWS_LAMBDA_FUNCTION_NAME": "acme-sweeper",
    "SEALSTREAM_TABLE": "items",
    "SEALSTREAM_KEY_STORE": "keys",
    "SEALSTREAM_RUNS": "runs",
    "SEALSTREAM_QUARANTINE_BUCKET": "held",
    "SEALSTREAM_REOPENER": "reopener",
}


class Context:
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@dataclass
class Aws:
    """What the function finds."""

    dynamodb: Any
    s3: Any
    kms_key: str

    @property
    def store(self) -> DynamoKeyStore:
        return DynamoKeyStore(self.dynamodb, "keys")

    @property
    def runs(self) -> DynamoRunStore:
        return DynamoRunStore(self.dynamodb, "runs")

    def keyring(self) -> Keyring:
        return Keyring(
            store=self.store,
            service=KmsKeyService(client("kms"), self.kms_key),
            dataset=POLICY.dataset,
            trusted_kms_key_arns=frozenset({self.kms_key}),
        )

    def seal(self, tenant_id: str, item_id: str, name: str, data_class: str) -> bytes:
        prefix = record_prefix(dataset=POLICY.dataset, tenant_id=tenant_id, item_id=item_id)
        return seal_value(self.keyring().active(tenant_id, data_class).cipher, prefix, (name,), {"S": CANARY})

    def open(self, tenant_id: str, item_id: str, name: str, sealed: bytes) -> Any:
        prefix = record_prefix(dataset=POLICY.dataset, tenant_id=tenant_id, item_id=item_id)
        return open_value(self.keyring().opener(tenant_id, key_id_of(sealed)).cipher, prefix, (name,), sealed)

    def put_item(self, item_id: str) -> None:
        """An item as the encryptor writes it."""
        item = {
            "tenant_id": {"S": "acme"},
            "item_id": {"S": item_id},
            "ssn": {"B": self.seal("acme", item_id, "ssn", "pii")},
            "_src": {"B": counter_position(1).to_bytes()},
            "_policy": {"B": POLICY.digest},
        }
        self.dynamodb.put_item(TableName="items", Item=item)

    def renew(self, tenant_id: str, data_class: str) -> int:
        """Replace the active key; gives the old id."""
        old_id = self.store.active_key_id(tenant_id, data_class)
        assert old_id is not None
        new_id = old_id % 0xFFFFFFFF + 1
        context = encryption_context(tenant_id=tenant_id, data_class=data_class, dataset=POLICY.dataset, key_id=new_id)
        made = KmsKeyService(client("kms"), self.kms_key).generate(context)
        old = self.store.rows(tenant_id, [old_id])[old_id]
        new = replace(old, key_id=new_id, encrypted_data_key=made.encrypted, created_at=time.time())
        assert self.store.create(new, replaces=old_id)
        return old_id

    def begin(self, kind: RunKind, phase: Phase) -> Run:
        return self.runs.begin(Run(RUN_ID, kind, phase, started_at=1.0, segments=1, workers=1))

    def tally(self, phase: Phase, number: int) -> Tally:
        return self.runs.segment(RUN_ID, phase, number).tally


@pytest.fixture
def aws(monkeypatch) -> Iterator[Aws]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION, config=config("dynamodb"))
        for table, partition_key, sort_key in (
            ("items", "tenant_id", "item_id"),
            ("keys", "tenant_id", "row"),
            ("runs", "run_id", "row"),
        ):
            dynamodb.create_table(
                TableName=table,
                AttributeDefinitions=[
                    {"AttributeName": key, "AttributeType": "S"} for key in (partition_key, sort_key)
                ],
                KeySchema=[
                    {"AttributeName": partition_key, "KeyType": "HASH"},
                    {"AttributeName": sort_key, "KeyType": "RANGE"},
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="held")
        s3.put_bucket_versioning(Bucket="held", VersioningConfiguration={"Status": "Enabled"})
        key = boto3.client("kms", region_name=REGION).create_key()["KeyMetadata"]["Arn"]
        for name, value in (SETTINGS | {"SEALSTREAM_ATTRIBUTE_KEY": key}).items():
            monkeypatch.setenv(name, value)
        forget()
        handler._sweeper.cache_clear()
        yield Aws(dynamodb, s3, key)
        handler._sweeper.cache_clear()
        forget()


def work(segment: int, **more: Any) -> dict[str, Any]:
    return handler.handler({"run_id": RUN_ID, "segment": segment, **more}, Context())


DONE = {"run_id": RUN_ID, "done": True, "overtaken": False}


def test_a_sweep_seals_everything_anew_and_says_only_how_much(aws, kept, capsys):
    for item_id in ("1", "2"):
        aws.put_item(item_id)
    aws.s3.put_object(Bucket="held", Key="2023/11/14/q", Body=aws.seal("_system", "q", "content", "quarantine"))
    old = {aws.renew("acme", "pii"), aws.renew("_system", "quarantine")}
    aws.begin(RunKind.ROTATION, Phase.SWEEP)

    assert DONE | {"segment": ITEMS} == work(ITEMS)
    assert DONE | {"segment": HELD} == work(HELD)

    for item in aws.dynamodb.scan(TableName="items")["Items"]:
        assert key_id_of(item["ssn"]["B"]) not in old
        assert {"S": CANARY} == aws.open("acme", item["item_id"]["S"], "ssn", item["ssn"]["B"])
    held = aws.s3.get_object(Bucket="held", Key="2023/11/14/q")["Body"].read()
    assert key_id_of(held) not in old
    assert {"S": CANARY} == aws.open("_system", "q", "content", held)
    assert {"visited": 2, "mended": 2, "reencrypted_values": 2} == aws.tally(Phase.SWEEP, ITEMS).counts
    assert {"visited": 1, "mended": 1, "reencrypted_values": 1} == aws.tally(Phase.SWEEP, HELD).counts
    printed = capsys.readouterr()
    assert CANARY not in printed.out + printed.err
    lines = [json.loads(line) for line in printed.out.splitlines()]
    first, second = (line for line in lines if line.get("event") == "segment")
    figures, _ = (line for line in lines if "ItemsScanned" in line)
    (event,) = (one for one in kept.events if one["event"] != "key.created")
    assert ("segment", RUN_ID, "rotation", "sweep", 0, True) == tuple(
        first[name] for name in ("event", "run_id", "kind", "phase", "segment", "done")
    )
    assert ("acme-sweeper", 2, 2, 0, 2, 0) == tuple(
        figures[name]
        for name in ("Function", "ItemsScanned", "ItemsMended", "ItemsClean", "ValuesReencrypted", "ItemsRetried")
    )
    assert figures["KmsCalls"] > 0
    assert figures["KmsFailures"] == 0
    assert figures["KeysCreated"] == 0
    assert ("record.reencrypted", "q") == (event["event"], event["quarantine_id"])
    assert second["segment"] == HELD


def test_a_census_before_and_after_a_sweep_says_what_lies_under_the_old_key(aws, capsys):
    aws.put_item("1")
    aws.s3.put_object(Bucket="held", Key="2023/11/14/q", Body=aws.seal("_system", "q", "content", "quarantine"))
    items, held = aws.renew("acme", "pii"), aws.renew("_system", "quarantine")
    run = aws.begin(RunKind.RETIREMENT, Phase.CENSUS)
    work(ITEMS)
    work(HELD)
    assert {f"acme/{items:08x}": 1} == aws.tally(Phase.CENSUS, ITEMS).keys
    assert {f"_system/{held:08x}": 1} == aws.tally(Phase.CENSUS, HELD).keys
    figures = json.loads(capsys.readouterr().out.splitlines()[1])
    assert (1, 1, 1, 0, 0) == tuple(
        figures[name] for name in ("ItemsScanned", "ValuesCounted", "ValuesStale", "ValuesUnknown", "ValuesInClear")
    )

    aws.runs.save(replace(run, phase=Phase.DONE))
    after = Run("6" * 32, RunKind.RETIREMENT, Phase.SWEEP, started_at=2.0, segments=1, workers=1)
    after = aws.runs.begin(after)
    for phase in (Phase.SWEEP, Phase.CENSUS):
        after = aws.runs.save(replace(after, phase=phase))
        for segment in (ITEMS, HELD):
            assert handler.handler({"run_id": after.run_id, "segment": segment}, Context())["done"]

    assert [{}, {}] == [one.tally.keys for one in aws.runs.segments(after.run_id, Phase.CENSUS)]


def test_only_a_census_reads_consistently(aws):
    asked: list[bool] = []
    client("dynamodb").meta.events.register(
        "provide-client-params.dynamodb.Scan", lambda params, **_: asked.append(params["ConsistentRead"])
    )
    run = aws.begin(RunKind.RETIREMENT, Phase.SWEEP)
    work(ITEMS)
    aws.runs.save(replace(run, phase=Phase.CENSUS))
    work(ITEMS)

    assert [False, True] == asked


def test_before_a_key_is_destroyed_replaced_and_deleted_versions_count_too(aws):
    for _ in range(2):
        aws.s3.put_object(Bucket="held", Key="2023/11/14/q", Body=aws.seal("_system", "q", "content", "quarantine"))
    aws.s3.delete_object(Bucket="held", Key="2023/11/14/q")
    old = aws.renew("_system", "quarantine")

    run = aws.begin(RunKind.RETIREMENT, Phase.CENSUS)
    work(HELD)
    assert {"visited": 0} == aws.tally(Phase.CENSUS, HELD).counts
    aws.runs.save(replace(run, phase=Phase.DONE))
    destruction = Run("6" * 32, RunKind.DESTRUCTION, Phase.CENSUS, started_at=2.0, segments=1, workers=1)
    aws.runs.begin(destruction)
    handler.handler({"run_id": destruction.run_id, "segment": HELD}, Context())

    assert {f"_system/{old:08x}": 2} == aws.runs.segment(destruction.run_id, Phase.CENSUS, HELD).tally.keys


def test_what_someone_else_wrote_is_surveyed_and_then_adopted(aws, capsys):
    keys = {"tenant_id": {"S": "acme"}, "item_id": {"S": "1"}}
    aws.dynamodb.put_item(TableName="items", Item=keys | {"ssn": {"S": CANARY}})
    aws.dynamodb.put_item(TableName="items", Item={**keys, "tenant_id": {"S": "_x"}, "ssn": {"S": CANARY}})
    plain = {**keys, "item_id": {"S": "2"}}
    aws.dynamodb.put_item(TableName="items", Item=plain | {"amount": {"N": "1"}})
    aws.begin(RunKind.SURVEY, Phase.CENSUS)
    work(ITEMS)
    counts = aws.tally(Phase.CENSUS, ITEMS).counts
    assert {"visited": 3, "clear_values": 2, "left": 1, "would_seal:ssn (pii)": 1} == counts

    adoption = Run("6" * 32, RunKind.ADOPTION, Phase.SWEEP, started_at=2.0, segments=1, workers=1)
    aws.runs.begin(adoption)
    handler.handler({"run_id": adoption.run_id, "segment": ITEMS}, Context())

    tally = aws.runs.segment(adoption.run_id, Phase.SWEEP, ITEMS).tally
    assert {"visited": 3, "mended": 2, "sealed_values": 1, "left": 1} == tally.counts
    sealed = aws.dynamodb.get_item(TableName="items", Key=keys)["Item"]
    assert {"S": CANARY} == aws.open("acme", "1", "ssn", sealed["ssn"]["B"])
    assert "_src" in aws.dynamodb.get_item(TableName="items", Key=plain)["Item"]
    printed = capsys.readouterr()
    assert CANARY not in printed.out + printed.err
    assert "key.created" in {json.loads(line).get("event") for line in printed.out.splitlines()}


def test_a_worker_without_time_does_one_page_and_the_next_one_goes_on(aws, monkeypatch):
    monkeypatch.setattr(pace, "PAGE_ITEMS", 1)
    for item_id in ("1", "2", "3"):
        aws.put_item(item_id)
    aws.begin(RunKind.SURVEY, Phase.CENSUS)

    class Ending:
        aws_request_id = "request-1"

        def get_remaining_time_in_millis(self) -> int:
            return 30_000

    assert not work(ITEMS, seconds=0)["done"]
    assert not handler.handler({"run_id": RUN_ID, "segment": ITEMS}, Ending())["done"]
    assert aws.tally(Phase.CENSUS, ITEMS).counts["visited"] == 2
    assert work(ITEMS, seconds=60)["done"]
    assert aws.tally(Phase.CENSUS, ITEMS).counts["visited"] == 3


def test_a_run_that_asks_for_no_scan_has_nothing_left_to_do(aws):
    run = aws.begin(RunKind.ROTATION, Phase.PREPARE)
    for phase in (Phase.PREPARE, Phase.BARRIER, Phase.DONE):
        run = aws.runs.save(replace(run, phase=phase))
        assert DONE | {"segment": ITEMS} == work(ITEMS)


def test_each_run_has_a_keyring_of_its_own_and_keeps_it(aws):
    aws.put_item("1")
    aws.renew("acme", "pii")
    run = aws.begin(RunKind.ROTATION, Phase.SWEEP)
    work(ITEMS)  # the active key is at hand now
    old = aws.renew("acme", "pii")
    aws.runs.save(replace(run, phase=Phase.DONE))
    after = Run("6" * 32, RunKind.ROTATION, Phase.SWEEP, started_at=2.0, segments=1, workers=1)
    aws.runs.begin(after)

    handler.handler({"run_id": after.run_id, "segment": ITEMS}, Context())

    (item,) = aws.dynamodb.scan(TableName="items")["Items"]
    assert old != key_id_of(item["ssn"]["B"])
    assert KeyState.DECRYPT_ONLY is aws.store.rows("acme", [old])[old].state


def test_a_retired_key_is_reopened_by_the_reopener_once_before_anything_is_sealed_anew(aws, monkeypatch):
    asked: list[tuple[str, str, int]] = []

    def reopen(function: Any, tenant_id: str, key_id: int) -> None:
        asked.append((function._name, tenant_id, key_id))
        _set_state(aws, tenant_id, key_id, KeyState.DECRYPT_ONLY)

    monkeypatch.setattr(ReopenerFunction, "reopen", reopen)
    monkeypatch.setattr(pace, "PAGE_ITEMS", 1)
    for item_id in "123":
        aws.put_item(item_id)
    old = aws.renew("acme", "pii")
    _set_state(aws, "acme", old, KeyState.RETIRED)
    aws.begin(RunKind.RETIREMENT, Phase.SWEEP)

    work(ITEMS)

    assert [("reopener", "acme", old)] == asked
    assert {"visited": 3, "mended": 3, "reencrypted_values": 3} == aws.tally(Phase.SWEEP, ITEMS).counts


def _set_state(aws: Aws, tenant_id: str, key_id: int, state: KeyState) -> None:
    row = replace(aws.store.rows(tenant_id, [key_id])[key_id], state=state)
    aws.dynamodb.put_item(TableName="keys", Item=data_key_item(row))


def test_the_policy_is_published_before_anything_is_sealed_under_it(aws):
    aws.begin(RunKind.ROTATION, Phase.PREPARE)
    work(ITEMS)
    (row,) = aws.dynamodb.scan(TableName="keys")["Items"]
    assert row["row"]["S"].startswith("policy#")


def test_a_run_or_segment_that_is_not_there_is_refused(aws):
    aws.begin(RunKind.ROTATION, Phase.SWEEP)
    for event in ({"run_id": "7" * 32, "segment": ITEMS}, {"run_id": RUN_ID, "segment": HELD + 1}):
        with pytest.raises(RunRefused, match="not there"):
            handler.handler(event, Context())


def test_a_run_that_is_another_workers_is_refused(aws):
    aws.begin(RunKind.RECONCILIATION, Phase.CENSUS)
    with pytest.raises(RunRefused, match="reconciler"):
        work(ITEMS)
    assert {} == aws.tally(Phase.CENSUS, ITEMS).counts


def test_an_event_of_another_form_is_refused_unquoted(aws, capsys):
    with pytest.raises(BatchFailed) as caught:
        handler.handler({"run_id": RUN_ID, "canary": CANARY}, Context())
    assert CANARY not in str(caught.value) + capsys.readouterr().out


def test_a_store_that_does_not_answer_ends_the_invocation_with_what_is_retried(aws):
    aws.begin(RunKind.ROTATION, Phase.SWEEP)
    handler._sweeper()
    aws.dynamodb.delete_table(TableName="items")
    with pytest.raises(StoreUnavailable):
        work(ITEMS)


def test_a_missing_setting_is_named(monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    handler._sweeper.cache_clear()
    with pytest.raises(SettingsError, match="SEALSTREAM_TABLE"):
        work(ITEMS)
