from __future__ import annotations

import json
from typing import Any

from consumers.encryptor.report import report_batch
from consumers.encryptor.results import BatchResult, RecordResult
from shared.errors import Reason
from shared.keys.counts import KeyringCounts
from shared.model import InboundRecord, Outcome, QuarantineEntry
from shared.runtime.audit_log import AuditLog

COUNTS = KeyringCounts(cache_hits=7, cache_misses=2, kms_generate=1, kms_decrypt=1, kms_failed=1, keys_created=1)


def record(sequence: int, arrived_at: float = 95.0) -> InboundRecord:
    return InboundRecord(str(sequence), "shardId-0", 0, b"canary-key", arrived_at, b"canary-payload")


def entry(reason: Reason, sequence: int) -> QuarantineEntry:
    return QuarantineEntry("ab" * 16, reason, "why", "acme", "arn", "shardId-0", str(sequence), 95.0, 2, b"canary")


def result(*outcomes: Outcome) -> BatchResult:
    results = tuple(
        RecordResult(
            record(n, arrived_at=95.0 - n),
            outcome,
            sealed_count=3 if outcome is Outcome.WRITTEN else 0,
            kept=entry(Reason.NOT_JSON, n) if outcome is Outcome.QUARANTINED else None,
        )
        for n, outcome in enumerate(outcomes)
    )
    return BatchResult(len(results), results)


def lines(capsys) -> Any:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_metrics_of_a_batch_account_for_every_record(capsys):
    report_batch(result(*Outcome, Outcome.WRITTEN), COUNTS, AuditLog(), started=99.5, ended=100.0)

    metrics = lines(capsys)[-1]
    assert {
        "RecordsReceived": 6,
        "RecordsWritten": 2,
        "RecordsDuplicate": 1,
        "RecordsSuperseded": 1,
        "RecordsQuarantined": 1,
        "RecordsRetried": 1,
        "RecordsQuarantinedNotJson": 1,
        "AttributesSealed": 6,
        "KeyCacheHits": 7,
        "KeyCacheMisses": 2,
        "KmsCalls": 2,
        "KmsFailures": 1,
        "KeysCreated": 1,
        "OldestRecordAgeSeconds": 10.0,
        "BatchDurationMs": 500.0,
    } == {name: value for name, value in metrics.items() if name not in {"_aws", "Function"}}


def test_each_quarantined_record_has_its_audit_event_and_no_content(capsys):
    report_batch(result(Outcome.QUARANTINED, Outcome.WRITTEN), COUNTS, AuditLog(), started=99.5, ended=100.0)

    out = capsys.readouterr().out
    event = json.loads(out.splitlines()[0])
    assert ("record.quarantined", "not_json", "0", 2) == tuple(
        event[name] for name in ("event", "reason", "sequence_number", "record_count")
    )
    assert "canary" not in out


def test_an_empty_batch_is_reported_too(capsys):
    report_batch(result(), COUNTS, AuditLog(), started=99.5, ended=100.0)

    assert 0 == lines(capsys)[0]["RecordsReceived"]
