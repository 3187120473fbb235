"""Rotations that meet trouble: nothing is lost or touched by halves, and the next run completes what was left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from ops.runs.driver import drive
from ops.runs.options import Options, begin_payload
from ops.runs.wiring import ports_from_environment
from shared.aws.clients import client
from shared.errors import KeyDenied, KeyServiceUnavailable
from shared.model import KeyState
from shared.runs.model import Phase, RunKind, Scope
from tests.integration.support import Deployment, printed, sealstream, unique
from tests.local_aws.support import wait_until

ITEMS = 4
SHORT_BARRIER_SECONDS = 1
"""Enough where no function has sealed anything under the keys that are replaced: these tests put items themselves."""
KILLED_BARRIER_SECONDS = 5
"""Long enough to be killed before the end."""
COMMAND_SECONDS = 60


def test_where_one_tenant_may_not_be_decrypted_the_others_finish_and_nothing_of_it_is_touched(deployment: Deployment):
    denied, other = unique("denied"), unique("other")
    _put_items(deployment, other)
    _put_items(deployment, denied)
    old = {tenant: _keys_of_class(deployment, tenant, "restricted") for tenant in (denied, other)}
    options = Options(scope=Scope(due=False, data_class="restricted"), barrier_seconds=SHORT_BARRIER_SECONDS)

    with deployment.paused(deployment["REENCRYPTOR"]), _denied_decrypt(deployment, denied, "restricted"):
        stored = _write_in_clear(deployment, denied, {"name": "could be sealed"})
        view = drive(RunKind.ROTATION, options)
        assert stored == _stored(deployment, denied)

    assert view.run.verdict == "not_safe"
    assert old[denied] < deployment.keys_in_use(denied)
    assert {KeyState.DECRYPT_ONLY} == _states(deployment, denied, old[denied])
    assert {denied} == {example.tenant_id for example in view.examples}
    assert KeyDenied.__name__ in {example.why for example in view.examples}
    assert {f"{denied}/{key_id:08x}" for key_id in old[denied]} == view.keys_in_use.keys()
    assert not old[other] & deployment.keys_in_use(other)
    assert {KeyState.RETIRED} == _states(deployment, other, old[other])

    view = drive(RunKind.ROTATION, options)

    assert view.run.verdict == "retired"
    assert not old[denied] & deployment.keys_in_use(denied)
    assert {KeyState.RETIRED} == _states(deployment, denied, old[denied])
    _assert_all_open(deployment, other)
    _assert_all_open(deployment, denied, {"name": "could be sealed"})


def _disabled(deployment: Deployment) -> None:
    client("kms").disable_key(KeyId=deployment["ATTRIBUTE_KEY"])


def _pending_deletion(deployment: Deployment) -> None:
    client("kms").schedule_key_deletion(KeyId=deployment["ATTRIBUTE_KEY"], PendingWindowInDays=7)


@pytest.mark.parametrize("trouble", [_disabled, _pending_deletion])
def test_while_the_attribute_key_cannot_be_used_a_sweep_touches_nothing_and_says_so(
    deployment: Deployment, trouble: Callable[[Deployment], None]
):
    tenant = unique("unusable")
    stored = _put_items(deployment, tenant)
    old = deployment.keys(tenant).keys()
    options = Options(scope=Scope(due=False, tenant_id=tenant), barrier_seconds=SHORT_BARRIER_SECONDS)
    run_id = _take_to_its_sweep(options)

    with _attribute_key_restored(deployment):
        trouble(deployment)
        view = drive(RunKind.ROTATION, options)

    assert (run_id, "not_safe") == (view.run.run_id, view.run.verdict)
    told = {example.item_id for example in view.examples if example.why == KeyServiceUnavailable.__name__}
    assert stored.keys() <= told
    assert ITEMS <= view.scans[Phase.SWEEP].counts["retry"]
    assert stored == _stored(deployment, tenant)
    assert {KeyState.DECRYPT_ONLY} == _states(deployment, tenant, old)

    view = drive(RunKind.RETIREMENT, Options(barrier_seconds=SHORT_BARRIER_SECONDS))

    assert view.run.verdict == "retired"
    assert not old & deployment.keys_in_use(tenant)
    assert {KeyState.RETIRED} == _states(deployment, tenant, old)
    _assert_all_open(deployment, tenant)


def test_two_starts_at_once_are_one_run_and_who_was_killed_joins_it_again(deployment: Deployment, tmp_path: Path):
    tenant = unique("killed")
    _put_items(deployment, tenant)
    old = deployment.keys(tenant).keys()
    outputs = [tmp_path / f"{number}.log" for number in range(4)]
    with _both(tenant, outputs[:2]) as killed:
        wait_until(lambda: all(map(printed, outputs[:2])), COMMAND_SECONDS, 0.05)
        for process in killed:
            process.kill()
            assert process.wait() < 0

    with _both(tenant, outputs[2:]) as ended:
        assert [0, 0] == [process.wait(COMMAND_SECONDS) for process in ended], outputs[2].read_text(encoding="utf-8")

    told = [document for output in outputs for document in printed(output)]
    (run_id,) = {document["run_id"] for document in told if "run_id" in document}
    begun = [document["joined"] for document in told if document["event"] == "begun"]
    assert [False, True, True, True] == sorted(begun)
    finished = [document for document in told if document["event"] == "finished"]
    assert [("retired", tenant in document["scope"]) for document in finished] == [("retired", True)] * 2

    keys = deployment.keys(tenant)
    new = keys.keys() - old
    assert (len(old), {run_id}) == (len(new), {keys[key_id].made_by for key_id in new})
    assert {(KeyState.RETIRED, run_id)} == {(keys[key_id].state, keys[key_id].state_set_by) for key_id in old}
    assert new == deployment.keys_in_use(tenant)
    _assert_all_open(deployment, tenant)


def _record(number: int) -> dict[str, Any]:
    return {"amount": number, "ssn": f"078-05-{number:04d}", "secret_item": {"nested_attribute": ["a", number]}}


def _put_items(deployment: Deployment, tenant: str) -> dict[str, Any]:
    """Items of a tenant that nobody knows, sealed by this process; as they lie in the table."""
    for number in range(ITEMS):
        item = {"tenant_id": tenant, "item_id": f"item-{number}", **_record(number)}
        deployment.table.put_item(Item=item)
    return _stored(deployment, tenant)


def _stored(deployment: Deployment, tenant: str) -> dict[str, Any]:
    return {f"item-{number}": deployment.stored(tenant, f"item-{number}") for number in range(ITEMS)}


def _write_in_clear(deployment: Deployment, tenant: str, values: Mapping[str, str]) -> dict[str, Any]:
    """Add to each item what should be sealed; the items as they lie in the table then."""
    for number in range(ITEMS):
        client("dynamodb").update_item(
            TableName=deployment["TABLE"],
            Key={"tenant_id": {"S": tenant}, "item_id": {"S": f"item-{number}"}},
            AttributeUpdates={name: {"Value": {"S": value}} for name, value in values.items()},
        )
    return _stored(deployment, tenant)


def _assert_all_open(deployment: Deployment, tenant: str, more: Mapping[str, str] | None = None) -> None:
    for number in range(ITEMS):
        assert {**_record(number), **(more or {})} == deployment.opened(tenant, f"item-{number}")


def _keys_of_class(deployment: Deployment, tenant: str, data_class: str) -> set[int]:
    return {key.key_id for key in deployment.keys(tenant).values() if key.data_class == data_class}


def _states(deployment: Deployment, tenant: str, key_ids: Iterable[int]) -> set[KeyState]:
    keys = deployment.keys(tenant)
    return {keys[key_id].state for key_id in key_ids}


def _take_to_its_sweep(options: Options) -> str:
    """Begin a rotation and have its keys replaced; nothing is swept yet."""
    rotation = ports_from_environment().rotation
    run_id = rotation(begin_payload(RunKind.ROTATION, options))["run_id"]
    assert rotation({"operation": "advance", "run_id": run_id})["phase"] == "sweep"
    return str(run_id)


@contextmanager
def _attribute_key_restored(deployment: Deployment) -> Iterator[None]:
    kms, key = client("kms"), deployment["ATTRIBUTE_KEY"]
    try:
        yield
    finally:
        if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion":
            kms.cancel_key_deletion(KeyId=key)
        kms.enable_key(KeyId=key)


@contextmanager
def _denied_decrypt(deployment: Deployment, tenant: str, data_class: str) -> Iterator[None]:
    """The sweeper may not unwrap this tenant's data keys of the class meanwhile."""
    role = client("lambda").get_function_configuration(FunctionName=deployment["SWEEPER"])["Role"].rpartition("/")[2]
    context = {"tenant_id": tenant, "data_class": data_class}
    statement = {
        "Effect": "Deny",
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {f"kms:EncryptionContext:{name}": value for name, value in context.items()}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam = boto3.client("iam")
    iam.put_role_policy(RoleName=role, PolicyName="denied", PolicyDocument=json.dumps(policy))
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="denied")


@contextmanager
def _both(tenant: str, outputs: list[Path]) -> Iterator[list[Any]]:
    """Two operators who start the same rotation at once."""
    arguments = ("rotation", "start", "--tenant", tenant, "--barrier-seconds", str(KILLED_BARRIER_SECONDS), "--json")
    processes = [sealstream(*arguments, output=output) for output in outputs]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()
