"""Items are rotated while a producer keeps writing and workers are killed; a model says what must be left.

`SEALSTREAM_DRILL_ITEMS` makes it larger: `make drill` takes 100,000. Its figures go to build/drill.json.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path

from bench.customers import CLASSES, Customer, customers
from bench.load import load
from ops.local_aws.process import BUILD
from shared.aws.clients import client
from shared.aws.key_store import DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.keys.keyring import Keyring
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE, AttributeKeys
from tests.chaos_stack.workers import Killer
from tests.integration import rotation_drill as drill
from tests.integration.support import Deployment
from tests.local_aws.support import PATIENCE, wait_until

ITEMS = int(os.environ.get("SEALSTREAM_DRILL_ITEMS", "1000"))
TENANTS = 50
SEED = 20_261
PRODUCED_PER_SECOND = 40
DEADLINE_SECONDS = 120 + ITEMS / 20
MOST_KILLED = 20 + ITEMS // 100
BARRIER_SECONDS = 20
"""Longer than the 10 s for which functions on the local AWS use a data key."""


def test_a_rotation_under_writes_and_killed_workers_loses_nothing_and_ends(deployment: Deployment, tmp_path: Path):
    model = {(one.tenant_id, one.item_id): one for one in customers(ITEMS, tenants=TENANTS)}
    seconds: dict[str, float] = {}
    _load(deployment, model, seconds)
    old = {key for key in drill.key_states(deployment) if key[0].startswith("tenant-")}
    assert TENANTS * len(CLASSES) <= len(old)

    producer = drill.Producer(deployment, list(model.values()), SEED, PRODUCED_PER_SECOND)
    chaos = Killer(deployment.folder, SEED, every_seconds=2, at_most=MOST_KILLED)
    began = time.time()
    with producer.running(), chaos.running():
        output, status = drill.rotate(
            tmp_path,
            kills=3,
            seed=SEED,
            deadline_seconds=PATIENCE * DEADLINE_SECONDS,
            options=["--all", "--workers", "2", "--segments", "8", "--barrier-seconds", str(BARRIER_SECONDS)],
        )
    seconds["rotation"] = time.time() - began
    assert status == 0, output[-2_000:]

    settled = time.time()
    expected = Counter({one.number: producer.newest[one.number] for one in model.values()})
    wait_until(lambda: drill.stored_versions(deployment, model) == dict(expected), DEADLINE_SECONDS, 1)
    replaced_at = drill.replaced_at(deployment, old)
    wait_until(
        lambda: not drill.without_account(deployment, model, replaced_at=replaced_at),
        DEADLINE_SECONDS,
        1 + ITEMS / 2_000,
    )
    seconds["settling"] = time.time() - settled

    states = drill.key_states(deployment)
    assert 0 == drill.opened_wrongly(deployment, model, producer.newest)
    assert set() == old & drill.keys_in_use(deployment)
    assert {"retired"} == {states[key] for key in old}
    assert producer.put > 0
    assert chaos.killed > 0
    _report(seconds, producer, chaos, output)


def _load(deployment: Deployment, model: dict[tuple[str, str], Customer], seconds: dict[str, float]) -> None:
    began = time.time()
    policy = load_policy(POLICY_FILE)
    keys = AttributeKeys.from_environment(os.environ)
    keyring = Keyring(
        store=DynamoKeyStore(client("dynamodb"), deployment["KEY_STORE"]),
        service=KmsKeyService(client("kms"), keys.present),
        dataset=policy.dataset,
        trusted_kms_key_arns=keys.trusted,
    )
    DynamoKeyStore(client("dynamodb"), deployment["KEY_STORE"]).publish_policy(policy.digest, policy.source, began)
    assert len(model) == load(deployment["TABLE"], model.values(), policy=policy, keyring=keyring)
    seconds["loading"] = time.time() - began


def _report(seconds: dict[str, float], producer: drill.Producer, chaos: Killer, output: str) -> None:
    figures = {
        "items": ITEMS,
        "tenants": TENANTS,
        "data_classes": len(CLASSES),
        "records_put_meanwhile": producer.put,
        "workers_killed": chaos.killed,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "last_line": json.loads(output.strip().splitlines()[-1]),
    }
    BUILD.mkdir(exist_ok=True)
    (BUILD / "drill.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
