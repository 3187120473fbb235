"""The audit trail proven by the commands that an operator types, on the bucket and on a copy without AWS."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from shared.aws.clients import client
from tests.integration.principals import DENIED, administrator, calls, refusal
from tests.integration.support import SEALSTREAM, Deployment, unique
from tests.local_aws.support import wait_until


def audit(*words: str, status: int = 0, environment: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """The JSON lines of `sealstream audit`."""
    done = subprocess.run([SEALSTREAM, "audit", *words], capture_output=True, text=True, check=False, env=environment)
    assert (status, "") == (done.returncode, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def proven(deployment: Deployment) -> str:
    """The id of an event whose segment a manifest lists."""
    tenant, item = unique("trail"), unique("item")
    audit("attest")  # before the first manifest nothing can be searched as proven
    deployment.put_json({"tenant_id": tenant, "id": item, "ssn": "sealed"})
    told = deployment.wait_for_event(event="item.written", item_id=item)
    # a function tells in its log first, and writes its segment before it reports success
    wait_until(lambda: audit("search", "--tenant", tenant, "--event", "item.written"), 10, 0.2)
    audit("attest")  # or the notary has come by itself meanwhile
    return str(told["event_id"])


@pytest.fixture
def copy(proven: str, tmp_path: Path) -> Path:
    assert audit("fetch", str(tmp_path / "copy"))[-1]["copied"] >= 2
    key = subprocess.run([SEALSTREAM, "audit", "public-key"], capture_output=True, text=True, check=True).stdout
    (tmp_path / "key.pem").write_text(key)
    return tmp_path / "copy"


def offline(copy: Path, *, status: int) -> list[dict[str, Any]]:
    """`verify` of a copy, by who knows nothing of the deployment and reaches no AWS."""
    nothing = {"PATH": os.environ["PATH"], "HOME": str(copy)}
    words = ("verify", "--offline", str(copy), "--public-key", str(copy.with_name("key.pem")))
    return audit(*words, status=status, environment=nothing)


def test_what_a_manifest_lists_is_proven_in_the_bucket(proven: str):
    verified = audit("verify")[-1]

    assert ("intact", 0) == (verified["verdict"], verified["findings"])
    assert verified["segments"] >= 1
    audit("attest")
    assert verified["manifests"] < audit("verify", "--from", "1h")[-1]["manifests"]


def test_a_copy_proves_it_without_aws_and_shows_what_is_done_to_it(copy: Path):
    assert "intact" == offline(copy, status=0)[-1]["verdict"]

    changed, removed, *_ = sorted((copy / "segments").rglob("*.gz"))
    changed.write_bytes(changed.read_bytes()[:-1])
    removed.unlink()
    *findings, verified = offline(copy, status=1)

    assert "tampered" == verified["verdict"]
    assert {("changed", changed), ("removed", removed)} == {(one["kind"], copy / one["key"]) for one in findings}


def test_an_administrator_neither_signs_nor_writes_replaces_or_removes_a_manifest(deployment: Deployment, proven: str):
    key, bucket = deployment["NOTARY_KEYS"].split(",")[-1], deployment["AUDIT_BUCKET"]
    (last,) = client("s3").list_objects_v2(Bucket=bucket, Prefix="manifests/", MaxKeys=1)["Contents"]
    digest: dict[str, Any] = {"Message": bytes(32), "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
    with administrator():
        kms, s3 = calls("kms"), calls("s3")
        refused = {
            "sign": refusal(kms.sign, KeyId=key, **digest),
            "write": refusal(
                s3.put_object, Bucket=bucket, Key="manifests/999999999999.json", Body=b"", IfNoneMatch="*"
            ),
            "replace": refusal(s3.put_object, Bucket=bucket, Key=last["Key"], Body=b""),
            "remove": refusal(s3.delete_object, Bucket=bucket, Key=last["Key"]),
        }
        known = refusal(kms.get_public_key, KeyId=key)

    assert ({}, "") == ({act: code for act, code in refused.items() if code not in DENIED}, known)


def test_an_administrator_neither_writes_for_a_function_nor_configures_the_bucket_nor_ends_its_key(
    deployment: Deployment,
):
    bucket, key = {"Bucket": deployment["AUDIT_BUCKET"]}, {"KeyId": deployment["STORAGE_KEY"]}
    of_the_encryptor = "segments/2026/11/22/00/encryptor/x-0.ndjson.gz"
    a_day = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    expiry = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    with administrator():
        kms, s3 = calls("kms"), calls("s3")
        refused = {
            "write": refusal(s3.put_object, **bucket, Key=of_the_encryptor, Body=b"", IfNoneMatch="*"),
            "write elsewhere": refusal(s3.put_object, **bucket, Key="x", Body=b"", IfNoneMatch="*"),
            "lock": refusal(s3.put_object_lock_configuration, **bucket, ObjectLockConfiguration=a_day),
            "expire": refusal(
                s3.put_bucket_lifecycle_configuration, **bucket, LifecycleConfiguration={"Rules": [expiry]}
            ),
            "decrypt": refusal(s3.delete_bucket_encryption, **bucket),
            "disable": refusal(kms.disable_key, **key),
            "destroy": refusal(kms.schedule_key_deletion, **key, PendingWindowInDays=7),
        }

    assert {} == {act: code for act, code in refused.items() if code not in DENIED}
