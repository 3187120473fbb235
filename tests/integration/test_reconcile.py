"""What was written while nobody audited, and what the table's stream has forgotten since, is found, told and mended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from shared.aws.clients import client
from shared.aws.key_store import DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.keys.keyring import Keyring
from shared.policy.load import load_policy
from shared.policy.plan import plan
from shared.runtime.settings import POLICY_FILE
from shared.sealing import ItemAddress, seal_item
from shared.source_position import kinesis_position
from tests.fakes.rotation import replace_active_key
from tests.integration.support import Deployment, printed, sealstream, unique
from tests.local_aws.support import wait_until

CANARY = "canary-5105105105105100"
COMMAND_SECONDS = 120
POLICY = load_policy(POLICY_FILE)
IN_CLEAR = {"amount": 5, "ssn": CANARY, "left here": {"deep": ["er", CANARY]}}
MAPPED = ("EventSourceArn", "BatchSize", "ParallelizationFactor", "DestinationConfig", "FunctionResponseTypes")
"""What a mapping is made of again, beside where it begins."""


def test_what_the_stream_never_brought_is_found_told_and_mended(deployment: Deployment, tmp_path: Path):
    tenant, rogue, stale, sound = (unique(name) for name in ("unseen", "rogue", "stale", "sound"))
    with _forgotten(deployment):
        deployment.put_in_clear(tenant, rogue, IN_CLEAR)
        old_key = _put_under_a_replaced_key(deployment, tenant, stale)
        deployment.put_json({"tenant_id": tenant, "id": sound, "ssn": CANARY})
        deployment.wait_for_item(tenant, sound)

    status, found = _reconcile(tmp_path / "first")

    assert (1, "findings") == (status, found["verdict"])
    counts = found["scans"]["census"]["counts"]
    assert min(counts[name] for name in ("plaintext", "stale", "verified")) >= 1
    standing = {
        item: deployment.wait_for_event(item_id=item, change="standing")["event"] for item in (rogue, stale, sound)
    }
    assert {rogue: "item.plaintext_found", stale: "item.stale", sound: "item.reconciled"} == standing
    assert [] == [
        event for item in (rogue, stale, sound) for event in deployment.audit_events(item_id=item, change="insert")
    ]

    remediated = deployment.wait_for_event(item_id=rogue, event="item.remediated")
    deployment.wait_for_event(item_id=stale, event="item.reencrypted")
    assert "open_seconds" not in remediated, "nobody knows since when"
    assert CANARY not in repr(deployment.stored(tenant, rogue))
    assert deployment.opened(tenant, rogue) == IN_CLEAR
    assert {"ssn": CANARY} == deployment.opened(tenant, stale)
    assert old_key not in deployment.keys_in_use(tenant)

    _, after = _reconcile(tmp_path / "second")

    completed = deployment.wait_for_event(event="reconciliation.completed", run_id=after["run_id"])
    assert completed["visited"] == after["scans"]["census"]["counts"]["visited"]
    for item in (rogue, stale):
        assert deployment.audit_events(item_id=item, event="item.reconciled")
    told = {event["event_id"] for event in deployment.audit_events(item_id=sound, change="standing")}
    assert 2 == len(told), "each reconciliation tells it anew"
    lines = [line for line in deployment.metrics("reconciler") if line["ItemsScanned"]]
    judged = ("ItemsVerified", "ItemsStale", "ItemsPlaintext", "ItemsMalformed", "ItemsUndeclared", "ItemsUnjudged")
    assert lines
    assert all(line["ItemsScanned"] == sum(line[name] for name in judged) for line in lines)


def test_a_reconciliation_whose_command_was_killed_is_gone_on_with(deployment: Deployment, tmp_path: Path):
    running = sealstream("reconcile", "--json", "--rate", "100", output=tmp_path / "slow")
    wait_until(lambda: printed(tmp_path / "slow"), COMMAND_SECONDS)
    running.kill()
    running.wait(COMMAND_SECONDS)

    killed = printed(tmp_path / "slow")[0]["run_id"]

    _, same = _reconcile(tmp_path / "same")
    _, another = _reconcile(tmp_path / "another")

    assert killed == same["run_id"] != another["run_id"]
    assert deployment.wait_for_event(event="reconciliation.completed", run_id=killed)


def _reconcile(output: Path) -> tuple[int, dict[str, Any]]:
    """Exit status, and what the run came to."""
    status = sealstream("reconcile", "--json", "--workers", "2", output=output).wait(COMMAND_SECONDS)
    finished = printed(output)[-1]
    assert finished["event"] == "finished", output.read_text(encoding="utf-8")
    return status, finished


@contextmanager
def _forgotten(deployment: Deployment) -> Iterator[None]:
    """What is written meanwhile is never brought to the auditor: its mapping begins anew after it."""
    functions, name = client("lambda"), deployment["AUDITOR"]
    (found,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    mapping: dict[str, Any] = {**found}
    functions.delete_event_source_mapping(UUID=mapping["UUID"])
    wait_until(lambda: not functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"])
    try:
        yield
    finally:
        made_of = {field: mapping[field] for field in MAPPED if field in mapping}
        made = functions.create_event_source_mapping(FunctionName=name, StartingPosition="LATEST", **made_of)
        wait_until(lambda: functions.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled")


def _put_under_a_replaced_key(deployment: Deployment, tenant: str, item: str) -> int:
    """An item as an encryptor puts it that had a data key for too long; gives the key's id."""
    store = DynamoKeyStore(client("dynamodb"), deployment["KEY_STORE"])
    service = KmsKeyService(client("kms"), deployment["ATTRIBUTE_KEY"])
    keyring = Keyring(
        store=store,
        service=service,
        dataset=POLICY.dataset,
        trusted_kms_key_arns=frozenset({deployment["ATTRIBUTE_KEY"]}),
    )
    planned = plan(POLICY, TypeSerializer().serialize({"ssn": CANARY})["M"])
    address = ItemAddress(tenant, item, kinesis_position(item.encode(), "1", 0), arrived_at=1_700_000_000.5)
    sealed = seal_item(address, planned, policy=POLICY, keyring=keyring)
    replace_active_key(store, service, tenant, "pii", dataset=POLICY.dataset)  # type: ignore[arg-type]
    client("dynamodb").put_item(TableName=deployment["TABLE"], Item=dict(sealed.item.attributes))
    (old_key,) = {key.key_id for key in sealed.keys}
    return old_key
