"""What an invocation's events come from."""

from __future__ import annotations

import re

import pytest

from shared.runtime.invocations import where_of
from shared.trail.segments import SegmentName

KINESIS = {
    "eventSource": "aws:kinesis",
    "eventID": "shardId-000000000001:49590338271490256608559692538361571095921575989136588898",
}
CHANGE = {"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "000000017953499060550000000001"}}


@pytest.mark.parametrize(
    ("event", "where"),
    [
        ({"Records": [KINESIS, {}]}, "shardId-000000000001-49590338271490256608559692538361571095921575989136588898"),
        ({"Records": [CHANGE, {}]}, "items-000000017953499060550000000001"),
        ({"Records": [{"messageId": "m"}]}, "request-1"),
        ({"Records": []}, "request-1"),
        ({"Records": [{"eventSource": "aws:kinesis"}]}, "request-1"),
        ({"operation": "replay"}, "request-1"),
        (None, "request-1"),
        ([KINESIS], "request-1"),
    ],
)
def test_a_streams_batch_is_named_by_its_first_record_and_all_else_by_its_request(event, where):
    assert where == where_of(event, "request-1")


@pytest.mark.parametrize("event_id", ["a/b:../..", "\u00fc", "x" * 1_000])
def test_whatever_comes_can_stand_in_a_segments_name(event_id):
    where = where_of({"Records": [{"eventSource": "aws:kinesis", "eventID": event_id}]}, "request-1")

    assert re.fullmatch(r"[A-Za-z0-9._-]{1,200}", where)
    assert SegmentName.of(b"e\n", written_at=0, stage="encryptor", where=where)
