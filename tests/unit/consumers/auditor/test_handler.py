"""The Lambda's entry point: one event in, audit lines and one metrics line out, and Lambda's answer back."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import consumers.auditor.handler as module
from consumers.auditor.audit import Auditor
from consumers.auditor.gather import KnownPolicies
from shared.errors import BatchFailed, SettingsError, StoreUnavailable
from shared.model import Verdict, VerdictKind
from shared.policy.load import load_policy
from shared.runtime.audit_log import AuditLog
from shared.runtime.settings import POLICY_FILE
from tests.fakes.findings import FakeFindingsQueue
from tests.fakes.key_store import FakeKeyStore

CONTEXT: Any = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 60_000)
KEYS = {"tenant_id": {"S": "acme"}, "item_id": {"S": "i-1"}}
SEALED = {"B": "AQAAAAcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="}
EVENT = {
    "Records": [
        {
            "eventName": "INSERT",
            "dynamodb": {
                "ApproximateCreationDateTime": 1693997155.0,
                "Keys": KEYS,
                "NewImage": KEYS | {"ssn": SEALED},
                "SequenceNumber": "111",
            },
        }
    ]
}


@pytest.fixture
def store(monkeypatch):
    store = FakeKeyStore()
    judge = lambda *_: Verdict(VerdictKind.VERIFIED)  # noqa: E731 - the shortest fake
    auditor = Auditor(load_policy(POLICY_FILE), store, KnownPolicies(store), AuditLog(), FakeFindingsQueue(), judge)
    monkeypatch.setattr(module, "_auditor", lambda: auditor)
    return store


@pytest.mark.usefixtures("store")
def test_a_batch_gives_its_audit_lines_one_metrics_line_and_no_failure(monkeypatch, capsys):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "acme-auditor")
    response = module.handler(EVENT, CONTEXT)
    audit_line, metrics_line = map(json.loads, capsys.readouterr().out.splitlines())
    assert response == {"batchItemFailures": []}
    assert audit_line["event"] == "item.written"
    names = ("Function", "RecordsReceived", "ItemsVerified")
    assert tuple(metrics_line[name] for name in names) == ("acme-auditor", 1, 1)


def test_what_could_not_be_judged_is_asked_for_again_and_counted(store, capsys):
    store.fail_with = StoreUnavailable("down")
    response = module.handler(EVENT, CONTEXT)
    metrics_line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert response == {"batchItemFailures": [{"itemIdentifier": "111"}]}
    assert (metrics_line["RecordsRetried"], metrics_line["ItemsVerified"]) == (1, 0)


@pytest.mark.usefixtures("store")
def test_it_takes_nothing_but_changes_of_the_table(capsys):
    with pytest.raises(BatchFailed):
        module.handler({"operation": "skip", "shard_id": "s", "first": "1", "last": "4", "records": 4}, CONTEXT)
    assert "record.skipped" not in capsys.readouterr().out


def test_a_missing_setting_is_named(monkeypatch):
    monkeypatch.delenv("SEALSTREAM_KEY_STORE", raising=False)
    with pytest.raises(SettingsError, match="SEALSTREAM_KEY_STORE"):
        module.handler(EVENT, CONTEXT)


def test_the_auditor_runs_without_any_cipher_library():
    # its Lambda asset holds none: it could not open a value even if it were given a key
    program = "import sys; sys.modules.update(tink=None, cryptography=None); import consumers.auditor.handler"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
