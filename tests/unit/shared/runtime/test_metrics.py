"""The metric document of a batch, held against the embedded metric format's specification."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from shared.errors import Reason
from shared.model import Outcome, VerdictKind
from shared.reencrypt.model import Fate
from shared.runtime.metrics import (
    MOST_OBSERVED,
    Metric,
    batch_metrics,
    emit,
    fate_metrics,
    outcome_metrics,
    reason_metric,
    reason_metrics,
    verdict_metrics,
)

UNITS = {"Count", "Seconds", "Milliseconds"}


def check_embedded_metric_format(document: dict[str, Any]) -> None:
    """The rules of the specification that a document of ours could break."""
    aws = document["_aws"]
    assert isinstance(aws["Timestamp"], int)
    assert 10**12 < aws["Timestamp"] < 10**13, "milliseconds since the epoch"
    (directive,) = aws["CloudWatchMetrics"]
    assert {"Namespace", "Dimensions", "Metrics"} == directive.keys()
    assert 1 <= len(directive["Namespace"]) <= 1024
    assert 1 <= len(directive["Metrics"]) <= 100
    names = [metric["Name"] for metric in directive["Metrics"]]
    assert len(names) == len(set(names))
    for metric in directive["Metrics"]:
        assert metric["Unit"] in UNITS
        value = document[metric["Name"]]
        observed = value if isinstance(value, list) else [value]
        assert 1 <= len(observed) <= 100
        for one in observed:
            assert isinstance(one, int | float)
            assert not isinstance(one, bool)
    for dimensions in directive["Dimensions"]:
        assert len(dimensions) <= 30
        for dimension in dimensions:
            assert isinstance(document[dimension], str)
            assert document[dimension]


def everything() -> dict[str, float]:
    return dict.fromkeys(Metric, 1.5) | reason_metrics(dict.fromkeys(Reason, 1))


def test_a_document_with_every_metric_follows_the_specification():
    document = batch_metrics(function="acme-encryptor", timestamp_ms=1_693_997_155_000, values=everything())
    check_embedded_metric_format(json.loads(json.dumps(document)))


def test_the_whole_document_of_a_small_batch():
    expected = {
        "_aws": {
            "Timestamp": 1_693_997_155_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Sealstream",
                    "Dimensions": [["Function"]],
                    "Metrics": [
                        {"Name": "RecordsReceived", "Unit": "Count"},
                        {"Name": "OldestRecordAgeSeconds", "Unit": "Seconds"},
                        {"Name": "BatchDurationMs", "Unit": "Milliseconds"},
                    ],
                }
            ],
        },
        "Function": "acme-auditor",
        "RecordsReceived": 3,
        "OldestRecordAgeSeconds": 0.5,
        "BatchDurationMs": 12.0,
    }
    values = {Metric.RECORDS_RECEIVED: 3, Metric.OLDEST_RECORD_AGE_SECONDS: 0.5, Metric.BATCH_DURATION_MS: 12.0}
    assert expected == batch_metrics(function="acme-auditor", timestamp_ms=1_693_997_155_000, values=values)


def test_no_tenant_is_a_dimension():
    document = batch_metrics(function="acme-auditor", timestamp_ms=1_693_997_155_000, values=everything())
    assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Function"]]


def test_every_outcome_is_counted_and_what_did_not_occur_is_zero():
    counted = outcome_metrics({Outcome.WRITTEN: 2, Outcome.RETRY: 1})
    expected = {
        "RecordsWritten": 2,
        "RecordsDuplicate": 0,
        "RecordsSuperseded": 0,
        "RecordsQuarantined": 0,
        "RecordsRetried": 1,
    }
    assert expected == counted
    assert len(Outcome) == len(counted)


def test_every_verdict_is_counted_and_what_did_not_occur_is_zero():
    counted = verdict_metrics({VerdictKind.PLAINTEXT: 1})
    expected = {
        "ItemsVerified": 0,
        "ItemsStale": 0,
        "ItemsPlaintext": 1,
        "ItemsMalformed": 0,
        "ItemsUndeclared": 0,
        "ItemsRemoved": 0,
    }
    assert expected == counted
    assert len(VerdictKind) == len(counted)


def test_every_fate_is_counted_and_what_did_not_occur_is_zero():
    counted = fate_metrics({Fate.LEFT: 2})
    assert {"ItemsClean": 0, "ItemsMended": 0, "ItemsLeft": 2, "ItemsRetried": 0} == counted
    assert len(Fate) == len(counted)


def test_a_reason_has_its_own_metric_name():
    assert reason_metric(Reason.NOT_JSON) == "RecordsQuarantinedNotJson"
    assert reason_metrics({Reason.NOT_JSON: 2, Reason.TOO_DEEP: 0}) == {"RecordsQuarantinedNotJson": 2}


def test_the_deployed_function_writes_its_metrics_as_one_line(monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "acme-auditor")
    out = io.StringIO()
    emit({Metric.KMS_CALLS: 1}, at=1_693_997_155.25, out=out)
    (written,) = out.getvalue().splitlines()
    assert batch_metrics(
        function="acme-auditor", timestamp_ms=1_693_997_155_250, values={Metric.KMS_CALLS: 1}
    ) == json.loads(written)
    assert out.getvalue().endswith("\n")


def test_what_one_line_has_no_room_for_goes_into_lines_of_its_own():
    out = io.StringIO()
    observed = [n / 8 for n in range(2 * MOST_OBSERVED + 1)]

    emit({Metric.RECORDS_RECEIVED: 201, Metric.PUT_TO_VERIFIED_SECONDS: observed}, at=1_693_997_155.25, out=out)

    written = [json.loads(line) for line in out.getvalue().splitlines()]
    for document in written:
        check_embedded_metric_format(document)
    assert [100, 100, 1] == [len(document["PutToVerifiedSeconds"]) for document in written]
    assert observed == [one for document in written for one in document["PutToVerifiedSeconds"]]
    assert [201] == [document["RecordsReceived"] for document in written if "RecordsReceived" in document]
    assert 1 == len({document["_aws"]["Timestamp"] for document in written})


def test_outside_lambda_a_line_follows_the_specification_too(monkeypatch):
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    out = io.StringIO()
    emit({Metric.KMS_CALLS: 1}, at=1_693_997_155.25, out=out)
    written = json.loads(out.getvalue())
    check_embedded_metric_format(written)
    assert "none" == written["Function"]


def test_a_value_that_json_lacks_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        emit({Metric.KMS_CALLS: float("nan")}, at=1_693_997_155.0, out=io.StringIO())
