"""Segments as they get into the audit bucket."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.aws.segment_writer import SegmentWriter
from shared.errors import StoreUnavailable
from shared.trail import segments
from shared.trail.ocsf import flat
from shared.trail.segments import SegmentName, read_segment

AT = datetime(2026, 3, 4, 5, 59, 59, tzinfo=UTC).timestamp()


class Bucket:
    """The audit bucket in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.down = False

    def put_once(self, key: str, content: bytes) -> bool:
        if self.down:
            raise StoreUnavailable("down")
        return self.objects.setdefault(key, content) is content


def event(event_id: str, quarantine_id: str = "q"):
    at = "2026-03-04T05:00:00.000Z"
    return {"event": "record.reencrypted", "event_id": event_id, "at": at, "quarantine_id": quarantine_id}


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def writer(bucket) -> SegmentWriter:
    return SegmentWriter(bucket, "sweeper", lambda: AT)


def test_events_become_one_segment_of_the_hour_in_their_order(bucket, writer):
    events = [event("b"), event("a"), event("c")]

    ((key, count),) = writer.write(events, where="shard-7")

    assert (3, True) == (count, bool(key))
    content = bucket.objects[key]
    name = SegmentName.parse(key)
    assert name
    assert (int(AT) // 3_600 * 3_600, "sweeper", "shard-7") == (name.hour, name.stage, name.where)
    assert events == [flat(document) for document in read_segment(content, name)]


def keys(told) -> list[str | None]:
    return [key for key, _ in told]


def test_the_same_events_of_the_same_place_are_written_once(bucket, writer):
    told = [event("a"), event("b")]
    assert [None] != keys(writer.write(told, where="shard-7"))
    assert [None] == keys(writer.write(told, where="shard-7"))

    assert 1 == len(bucket.objects)


@pytest.mark.parametrize("others", [[event("a")], [event("a"), event("b", quarantine_id="another")]])
def test_other_events_of_the_same_place_are_a_segment_of_their_own(bucket, writer, others):
    """Also where their ids are the same: the second time somebody may judge otherwise."""
    assert [None] != keys(writer.write([event("a"), event("b")], where="shard-7"))
    assert [None] != keys(writer.write(others, where="shard-7"))

    assert 2 == len(bucket.objects)


def test_more_than_a_segment_holds_become_several_and_what_is_there_is_not_written_again(bucket, writer, monkeypatch):
    monkeypatch.setattr(segments, "MAX_EVENTS", 2)
    events = [event(str(number)) for number in range(5)]
    assert [2, 2, 1] == [count for _, count in writer.write(events, where="shard-7")]
    bucket.objects.popitem()

    assert [True, True, False] == [key is None for key in keys(writer.write(events, where="shard-7"))]


def test_a_bucket_that_does_not_answer_is_told(bucket, writer):
    bucket.down = True

    with pytest.raises(StoreUnavailable):
        writer.write([event("a")], where="shard-7")
