"""What is made of the functions' log lines."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from ops.demo import progress
from ops.demo.progress import Reported, read_reports, wait_until

ENVIRONMENT = {
    "SEALSTREAM_ENCRYPTOR_LOG_GROUP": "encryptor",
    "SEALSTREAM_AUDITOR_LOG_GROUP": "auditor",
    "SEALSTREAM_TABLE_STREAM": "stream",
}


def event(name: str, number: int, item: str = "1") -> dict[str, str]:
    return {
        "event": name,
        "event_id": f"{number:032x}",
        "tenant_id": "acme",
        "item_id": item,
        "sequence_number": f"{number:030d}",
    }


@pytest.fixture
def logs(monkeypatch) -> dict[str, list[object]]:
    """Log groups and the stream, by name; of the stream only the number of changes counts."""
    logs: dict[str, list[object]] = {"encryptor": [], "auditor": [], "stream": []}
    monkeypatch.setattr(progress, "log_lines", lambda group: [(group, json.dumps(line)) for line in logs[group]])
    monkeypatch.setattr(progress, "stream_records", lambda stream: iter(logs[stream]))
    return logs


def read() -> Reported:
    return read_reports(encryptor_log="encryptor", auditor_log="auditor", table_stream="stream")


def test_an_event_that_was_delivered_twice_counts_once(logs):
    logs["auditor"] += [event("item.written", 1), event("item.written", 1), event("item.reencrypted", 2)]
    logs["stream"] += [1, 2]

    reported = read()

    assert (2, True) == (reported.audited, reported.is_audited)
    assert {"item.written": 1, "item.reencrypted": 1} == reported.item_event_counts


def test_a_change_without_its_event_is_not_audited_whatever_other_events_there_are(logs):
    logs["auditor"] += [event("item.written", 1)]
    logs["encryptor"] += [{**event("record.quarantined", 5), "reason": "not_json", "record_count": 3}]
    logs["stream"] += [1, 2]

    reported = read()

    assert (1, False) == (reported.audited, reported.is_audited)
    assert {"not_json": 3} == reported.quarantined_by_reason


def test_nothing_is_audited_before_the_first_change(logs):
    assert not read().is_audited


def test_an_items_events_come_in_the_order_of_its_changes(logs):
    logs["auditor"] += [
        event("item.remediated", 12),
        event("item.written", 3, item="2"),
        event("item.plaintext_found", 4),
    ]

    assert ["item.plaintext_found", "item.remediated"] == [one["event"] for one in read().events_of(("acme", "1"))]


def test_outcomes_are_those_of_the_batches_metrics(logs):
    logs["encryptor"] += [
        {"_aws": {}, "RecordsWritten": 3, "RecordsRetried": 1},
        {"_aws": {}, "RecordsWritten": 2, "RecordsSuperseded": 1},
    ]

    reported = read()

    assert Counter(written=5, superseded=1, retry=1) == +reported.outcomes
    assert 6 == reported.settled


def test_what_never_comes_is_waited_for_until_the_deadline_only(logs, monkeypatch):
    monkeypatch.setattr(progress, "DEADLINE_SECONDS", -1)
    logs["stream"] += [1]

    with pytest.raises(TimeoutError, match="0 of 1 changes are audited"):
        wait_until(lambda now: now.is_audited, ENVIRONMENT)


def test_the_wait_ends_as_soon_as_it_is_so(logs):
    logs["auditor"] += [event("item.written", 1)]
    logs["stream"] += [1]

    assert 1 == wait_until(lambda now: now.is_audited, ENVIRONMENT, records=1).changes
