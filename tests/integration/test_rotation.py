"""Rotations on the real stacks: by the state machine, after KMS's own rotation, and to another KMS key and back."""

from __future__ import annotations

import json
import os
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from consumers.rotation.wiring import wire
from ops.runs.driver import drive
from ops.runs.options import Options
from ops.runs.view import RunView
from ops.runs.wiring import ports_from_environment
from shared.aws.clients import client
from shared.errors import KeyStoreCorrupt
from shared.keys.ports import DataKeyRow
from shared.model import KeyState
from shared.policy.load import load_policy
from shared.policy.verify import key_ids
from shared.runs.model import RunKind, Scope
from shared.runtime.settings import POLICY_FILE, AttributeKeys, RotationSettings
from shared.sealed_table import SealedTable
from tests.fakes.kept_events import kept_in_memory
from tests.integration.support import ARRIVES_WITHIN_SECONDS, KEY_AGE_SECONDS, Deployment, unique
from tests.local_aws.support import wait_until

BARRIER_SECONDS = KEY_AGE_SECONDS + 1
CLASSES = {"pii", "pci", "restricted"}
EXECUTION_SECONDS = 90


def _record(number: int) -> dict[str, Any]:
    return {
        "amount": number,
        "ssn": f"078-05-{number:04d}",
        "contacts": [{"kind": "home", "email": f"{number}@example.org"}],
        "payment": {"card_number": f"no. {number}"},
        "undeclared": [number, {"deep": "er"}],
    }


@dataclass(frozen=True)
class Rotated:
    """A tenant before and after its rotation that followed one of KMS; `sent` are records by sequence number."""

    tenant: str
    sent: Mapping[str, Mapping[str, Any]]
    stored: Mapping[str, Mapping[str, Any]]
    keys: Mapping[int, DataKeyRow]
    materials: tuple[str, str]
    view: RunView


@pytest.fixture(scope="module")
def rotated(deployment: Deployment) -> Rotated:
    tenant, kms = unique("rotated"), client("kms")
    records = [{"tenant_id": tenant, "id": unique("item"), **_record(number)} for number in range(6)]
    sent = {deployment.put_json(record): record for record in records}
    stored = {record["id"]: deployment.wait_for_item(tenant, record["id"]) for record in records}
    keys = deployment.keys(tenant)

    def material() -> str:
        return kms.describe_key(KeyId=deployment["ATTRIBUTE_KEY"])["KeyMetadata"]["CurrentKeyMaterialId"]

    before = material()
    kms.rotate_key_on_demand(KeyId=deployment["ATTRIBUTE_KEY"])
    options = Options(scope=Scope(due=False, tenant_id=tenant), barrier_seconds=BARRIER_SECONDS)
    view = drive(RunKind.ROTATION, options)
    return Rotated(tenant, sent, stored, keys, (before, material()), view)


def test_the_state_machine_takes_a_rotation_to_its_end(deployment: Deployment):
    tenant, item = unique("machine"), unique("item")
    deployment.put_json({"tenant_id": tenant, "id": item, **_record(1)})
    deployment.wait_for_item(tenant, item)
    old = deployment.keys(tenant)
    options = {"kind": "rotation", "due": False, "tenant_id": tenant, "barrier_seconds": BARRIER_SECONDS}

    machine = client("stepfunctions")
    execution = machine.start_execution(stateMachineArn=deployment["ROTATION_MACHINE"], input=json.dumps(options))[
        "executionArn"
    ]

    def ended() -> Any:
        described = machine.describe_execution(executionArn=execution)
        return None if described["status"] == "RUNNING" else described

    described = wait_until(ended, EXECUTION_SECONDS, 0.5)
    assert described["status"] == "SUCCEEDED"
    assert json.loads(described["output"])["verdict"] == "retired"
    assert {KeyState.RETIRED} == {deployment.keys(tenant)[key_id].state for key_id in old}
    assert deployment.opened(tenant, item) == _record(1)


def test_after_a_rotation_all_reads_as_before_and_nothing_lies_under_the_old_keys(
    deployment: Deployment, rotated: Rotated
):
    tenant = rotated.tenant
    assert rotated.view.run.verdict == "retired"
    for record in rotated.sent.values():
        content = {name: value for name, value in record.items() if name not in {"tenant_id", "id"}}
        assert content == deployment.opened(tenant, record["id"])
        assert rotated.stored[record["id"]]["_src"] == deployment.stored(tenant, record["id"])["_src"]

    keys = deployment.keys(tenant)
    new = keys.keys() - rotated.keys.keys()
    assert (CLASSES, CLASSES) == tuple({keys[key_id].data_class for key_id in some} for some in (new, rotated.keys))
    assert new == deployment.keys_in_use(tenant)
    assert {KeyState.ACTIVE} == {keys[key_id].state for key_id in new}
    assert {KeyState.RETIRED} == {keys[key_id].state for key_id in rotated.keys}


def test_after_a_rotation_the_present_key_material_wraps_all_data_keys_anew(deployment: Deployment, rotated: Rotated):
    keys, (before, now) = deployment.keys(rotated.tenant), rotated.materials
    assert before != now
    assert {before} == {key.key_material_id for key in rotated.keys.values()}
    assert {now} == {key.key_material_id for key in keys.values()}
    wrapped = {key.encrypted_data_key for key in rotated.keys.values()}
    assert not wrapped & {key.encrypted_data_key for key in keys.values()}
    rewrapped = deployment.audit_events(event="key.rewrapped", tenant_id=rotated.tenant)
    assert {f"{key_id:08x}" for key_id in rotated.keys} == {event["key_id"] for event in rewrapped}


def test_a_replayed_old_record_does_not_bring_a_retired_key_back(deployment: Deployment, rotated: Rotated):
    tenant = rotated.tenant
    gone = next(iter(rotated.sent.values()))
    client("dynamodb").delete_item(
        TableName=deployment["TABLE"], Key={"tenant_id": {"S": tenant}, "item_id": {"S": gone["id"]}}
    )
    items = [record["id"] for record in rotated.sent.values()]
    before = {item: deployment.stored(tenant, item) for item in items}
    records = [_delivered(deployment, number, record) for number, record in rotated.sent.items()]

    answer = client("lambda").invoke(
        FunctionName=deployment["ENCRYPTOR"], Payload=json.dumps({"Records": records}).encode()
    )

    assert json.load(answer["Payload"]) == {"batchItemFailures": []}
    after = {item: deployment.stored(tenant, item) for item in items}
    assert {gone["id"]} == {item for item in items if before[item] != after[item]}
    keys = deployment.keys(tenant)
    assert {KeyState.ACTIVE} == {keys[key_id].state for key_id in key_ids(after[gone["id"]])}
    assert {KeyState.RETIRED} == {keys[key_id].state for key_id in rotated.keys}


def test_what_turns_up_late_under_a_retired_key_is_found_and_the_key_reopened_until_the_next_census(
    deployment: Deployment, rotated: Rotated
):
    tenant, record = rotated.tenant, list(rotated.sent.values())[-1]
    late = rotated.stored[record["id"]]
    mended = len(deployment.audit_events(event="item.reencrypted", item_id=record["id"]))

    client("dynamodb").put_item(TableName=deployment["TABLE"], Item=late)

    def is_mended() -> bool:
        return mended < len(deployment.audit_events(event="item.reencrypted", item_id=record["id"]))

    wait_until(is_mended, ARRIVES_WITHIN_SECONDS, 0.2)
    content = {name: value for name, value in record.items() if name not in {"tenant_id", "id"}}
    assert content == deployment.opened(tenant, record["id"])
    assert not key_ids(late) & deployment.keys_in_use(tenant)
    reopened = deployment.audit_events(event="key.reopened", tenant_id=tenant)
    assert {f"{key_id:08x}" for key_id in key_ids(late)} == {event["key_id"] for event in reopened}
    assert {KeyState.DECRYPT_ONLY} == {deployment.keys(tenant)[key_id].state for key_id in key_ids(late)}

    view = drive(RunKind.RETIREMENT, Options(barrier_seconds=1))

    assert view.run.verdict == "retired"
    assert {KeyState.RETIRED} == {deployment.keys(tenant)[key_id].state for key_id in rotated.keys}


def test_all_data_keys_move_to_another_kms_key_and_back(deployment: Deployment, rotated: Rotated):
    kms, present = client("kms"), deployment["ATTRIBUTE_KEY"]
    policy = kms.get_key_policy(KeyId=present)["Policy"]
    other = kms.create_key(Policy=policy)["KeyMetadata"]["Arn"]
    record = list(rotated.sent.values())[1]
    tenant, item = rotated.tenant, record["id"]
    try:
        _move(present=other, former=present)

        assert {other} == _wrapping(deployment)
        assert record["ssn"] == _open_with(deployment, other, tenant, item)["ssn"]
        with pytest.raises(KeyStoreCorrupt):
            _open_with(deployment, present, tenant, item)
    finally:
        _move(present=present, former=other)
    assert {present} == _wrapping(deployment)
    kms.disable_key(KeyId=other)
    assert record["ssn"] == _open_with(deployment, present, tenant, item)["ssn"]


def _move(*, present: str, former: str) -> None:
    """A rotation whose function has other attribute keys than the deployed one; it renews nothing."""
    settings = RotationSettings.from_environment(os.environ)
    keys = AttributeKeys(present, frozenset({former}))
    with kept_in_memory():
        rotation = wire(replace(settings, attribute_keys=keys), os.environ)
        ports = replace(ports_from_environment(), rotation=lambda payload: rotation.run(payload, lambda: 900.0))
        view = drive(RunKind.ROTATION, Options(barrier_seconds=1), ports=ports)
    assert view.run.verdict == "rewrapped"


def _wrapping(deployment: Deployment) -> set[str]:
    """ARNs of the KMS keys under which the key store's data keys lie."""
    pages = client("dynamodb").get_paginator("scan").paginate(TableName=deployment["KEY_STORE"], ConsistentRead=True)
    return {row["kms_key_arn"]["S"] for page in pages for row in page["Items"] if "kms_key_arn" in row}


def _open_with(deployment: Deployment, attribute_key: str, tenant: str, item: str) -> dict[str, Any]:
    table = SealedTable.connect(
        deployment["TABLE"],
        key_store=deployment["KEY_STORE"],
        attribute_key=attribute_key,
        policy=load_policy(POLICY_FILE),
    )
    return table.get_item(Key={"tenant_id": tenant, "item_id": item})["Item"]


def _delivered(deployment: Deployment, sequence_number: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as an event source mapping hands it over."""
    return {
        "eventID": f"{deployment.shard_of(record['id'])}:{sequence_number}",
        "eventSourceARN": f"arn:aws:kinesis:us-east-1:000000000000:stream/{deployment['STREAM']}",
        "kinesis": {
            "sequenceNumber": sequence_number,
            "partitionKey": record["id"],
            "approximateArrivalTimestamp": time.time(),
            "data": b64encode(json.dumps(record).encode()).decode(),
        },
    }
