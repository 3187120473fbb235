"""The metrics of an audited batch."""

from __future__ import annotations

import json

from consumers.auditor.audit import AuditResult
from consumers.auditor.report import report_batch
from shared.model import VerdictKind


def reported(capsys, result, *, started, ended):
    report_batch(result, started=started, ended=ended)
    return json.loads(capsys.readouterr().out)


def test_the_report_counts_verdicts_and_what_comes_again(capsys):
    result = AuditResult(
        5, {VerdictKind.VERIFIED: 3, VerdictKind.PLAINTEXT: 1}, ["9"], 1_693_997_150.0, findings_sent=2
    )
    expected = {
        "RecordsReceived": 5,
        "RecordsRetried": 1,
        "ItemsVerified": 3,
        "ItemsStale": 0,
        "ItemsPlaintext": 1,
        "ItemsMalformed": 0,
        "ItemsUndeclared": 0,
        "ItemsRemoved": 0,
        "FindingsSent": 2,
        "OldestRecordAgeSeconds": 5.25,
        "BatchDurationMs": 250.0,
    }
    document = reported(capsys, result, started=1_693_997_155.0, ended=1_693_997_155.25)
    assert expected == {name: value for name, value in document.items() if name not in {"_aws", "Function"}}
    assert document["_aws"]["Timestamp"] == 1_693_997_155_250


def test_a_record_from_a_clock_ahead_has_no_negative_age(capsys):
    result = AuditResult(1, {VerdictKind.VERIFIED: 1}, [], 1_693_997_156.0)
    document = reported(capsys, result, started=1_693_997_155.0, ended=1_693_997_155.5)
    assert 0.0 == document["OldestRecordAgeSeconds"]


def test_the_report_tells_how_long_each_record_took(capsys):
    result = AuditResult(3, {VerdictKind.VERIFIED: 3}, [], None, arrivals=[1_693_997_150.5, 1_693_997_155.0])
    document = reported(capsys, result, started=1_693_997_155.0, ended=1_693_997_155.25)
    assert [4.75, 0.25] == document["PutToVerifiedSeconds"]


def test_where_no_record_was_verified_there_is_no_lag_and_not_one_of_nothing(capsys):
    long_ago = AuditResult(1, {VerdictKind.VERIFIED: 1}, [], None, arrivals=[1_600_000_000.0])
    for result in (AuditResult(1, {VerdictKind.PLAINTEXT: 1}, [], None), long_ago):
        assert "PutToVerifiedSeconds" not in reported(capsys, result, started=1_693_997_155.0, ended=1_693_997_156.0)


def test_without_times_there_is_no_age(capsys):
    assert "OldestRecordAgeSeconds" not in reported(capsys, AuditResult(0, {}, [], None), started=1.0, ended=2.0)
