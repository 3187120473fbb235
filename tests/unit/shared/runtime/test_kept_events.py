"""What is told is printed at once, and kept in the trail, each event once, before anybody goes on."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.runtime.audit_log import _MOST_CARRIED, AuditEvent, AuditLog
from tests.fakes.kept_events import KeptEvents

FAULT = [{"kind": "stale", "where": "ssn", "why": "sealed under a key that is not active", "data_class": "pii"}]


@pytest.fixture
def kept() -> KeptEvents:
    return KeptEvents()


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(kept, out) -> AuditLog:
    return AuditLog(out, trail=kept, prints_all=False)


def tell(log: AuditLog, *event_ids: str, event: AuditEvent = AuditEvent.KEY_CREATED, **fields) -> None:
    for event_id in event_ids:
        log.write(event, event_id=event_id, at=0, **fields)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_events_are_printed_at_once_and_kept_together_in_their_order(log, kept, out):
    log.begin("shard-7")
    tell(log, "b", "a", tenant_id="acme")
    assert ["b", "a"] == [line["event_id"] for line in lines(out)]
    assert [] == kept.segments

    log.flush()

    at = "1970-01-01T00:00:00.000Z"
    about = {"event": "key.created", "at": at, "tenant_id": "acme"}
    assert [("shard-7", ({**about, "event_id": "b"}, {**about, "event_id": "a"}))] == kept.segments


def test_what_is_kept_is_told_in_one_line_and_counted(log, kept, out):
    tell(log, "1", "2")
    tell(log, "3", event=AuditEvent.ITEM_REMOVED)
    log.flush()

    told, figures = lines(out)[-2:]
    assert {"event": "told", "segment": "segment-1", "counts": {"item.removed": 1, "key.created": 2}} == told
    assert (1, 3) == (figures["SegmentsWritten"], figures["AuditEventsWritten"])


def test_what_was_kept_before_is_told_as_such(log, kept, out):
    for _ in range(2):
        log.begin("shard-7")
        tell(log, "1")
        log.flush()

    assert 1 == len(kept.segments)
    told, figures = lines(out)[-2:]
    assert told["segment"] is None
    assert (0, 0) == (figures["SegmentsWritten"], figures["AuditEventsWritten"])


def test_a_verified_write_is_kept_and_not_printed(log, kept, out):
    tell(log, "1", event=AuditEvent.ITEM_WRITTEN, findings=[], finding_count=0)
    tell(log, "2", event=AuditEvent.ITEM_RECONCILED, findings=[], finding_count=0)
    assert "" == out.getvalue()
    tell(log, "3", event=AuditEvent.ITEM_WRITTEN, findings=FAULT, finding_count=1)
    tell(log, "4", event=AuditEvent.ITEM_REENCRYPTED, findings=[], finding_count=0)
    assert ["3", "4"] == [line["event_id"] for line in lines(out)]

    log.flush()

    assert ["1", "2", "3", "4"] == [event["event_id"] for event in kept.events]


def test_where_that_is_asked_for_every_event_is_printed(kept, out):
    tell(AuditLog(out, trail=kept), "1", event=AuditEvent.ITEM_WRITTEN, finding_count=0)

    assert ["1"] == [line["event_id"] for line in lines(out)]


def test_where_nothing_was_told_nothing_is_kept_and_no_line_says_so(log, kept, out):
    log.begin("shard-7")
    log.flush()

    assert ([], "") == (kept.segments, out.getvalue())


def test_an_event_that_is_told_twice_is_kept_once(log, kept):
    tell(log, "1", "2", "1")
    log.flush()

    assert ["1", "2"] == [event["event_id"] for event in kept.events]


def test_what_was_kept_is_not_kept_again_unless_it_is_told_again(log, kept):
    tell(log, "1", "2")
    log.flush()
    log.begin("another")
    tell(log, "2", "3")
    log.flush()

    assert [("", ["1", "2"]), ("another", ["2", "3"])] == [
        (where, [event["event_id"] for event in events]) for where, events in kept.segments
    ]


def test_what_could_not_be_kept_is_kept_with_what_comes_next(log, kept):
    log.begin("one")
    tell(log, "1")
    kept.down = True
    with pytest.raises(StoreUnavailable):
        log.flush()
    kept.down = False
    log.begin("two")
    tell(log, "2")
    log.flush()

    assert [("two", ["1", "2"])] == [(where, [one["event_id"] for one in events]) for where, events in kept.segments]


def test_an_outage_does_not_fill_the_memory_and_what_is_dropped_is_told_and_counted(log, kept, out):
    kept.down = True
    for number in range(3):
        tell(log, *(f"{number}-{one}" for one in range(_MOST_CARRIED)))
        log.begin(f"request-{number}")
    tell(log, "denied", event=AuditEvent.ACCESS_DENIED)
    tell(log, "key")
    log.begin("request")
    kept.down = False
    log.flush()

    assert _MOST_CARRIED == len(kept.events)
    assert {"2", "d", "k"} == {event["event_id"][0] for event in kept.events}, "the youngest"
    dropped = [(line["event"], line["counts"]) for line in lines(out) if line.get("event") == "dropped"]
    assert [("dropped", {"key.created": number}) for number in (_MOST_CARRIED, _MOST_CARRIED, 2)] == dropped
    figures = [line["AuditEventsDropped"] for line in lines(out) if "AuditEventsDropped" in line]
    assert [_MOST_CARRIED, _MOST_CARRIED, 2] == figures


def test_what_takes_several_segments_is_told_of_each_and_kept_once(log, kept, out, monkeypatch):
    monkeypatch.setattr(kept, "write", lambda events, where: [("first", 2), (None, 1), ("third", len(events) - 3)])
    tell(log, "1", "2", "3", "4")
    log.flush()
    log.flush()

    told = [(line["segment"], line["counts"]) for line in lines(out) if line.get("event") == "told"]
    assert [("first", {"key.created": 2}), (None, {"key.created": 1}), ("third", {"key.created": 1})] == told
    assert [2, 0, 1] == [line["AuditEventsWritten"] for line in lines(out) if "AuditEventsWritten" in line]


def test_what_is_told_while_the_trail_is_written_is_kept_the_next_time(log, kept):
    tell(log, "1")
    kept.before = lambda: tell(log, f"more-{len(kept.segments)}")
    log.flush()
    kept.before = lambda: None
    log.flush()

    assert [["1"], ["more-0"]] == [[event["event_id"] for event in events] for _, events in kept.segments]


def test_without_a_trail_events_are_printed_only(out):
    log = AuditLog(out)
    tell(log, "1")
    log.flush()

    assert ["1"] == [line["event_id"] for line in lines(out)]
