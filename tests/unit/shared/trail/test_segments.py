from __future__ import annotations

import gzip
import zlib

import pytest

from shared.errors import TrailUnreadable
from shared.runtime.audit_log import AuditEvent
from shared.trail import segments
from shared.trail.ocsf import ocsf
from shared.trail.segments import SegmentName, digest_of, event_id_of, read_segment, segment_bytes
from tests.fakes.trail import START, event
from tests.unit.shared.trail.events_of_every_kind import every_kind

EVENTS = [event(1), event(2)]
IDS = ["6b86b273ff34fce19d6b804eff5a3f57", "d4735e3a265e16eee03f59718b9b5d03"]
NAME = SegmentName.of(IDS, written_at=START + 3_599.9, stage="auditor", where="shardId-000000000000-42")
LINES = (
    b'{"metadata":{"uid":"6b86b273ff34fce19d6b804eff5a3f57"},"unmapped":{"event":"item.written"}}\n'
    b'{"metadata":{"uid":"d4735e3a265e16eee03f59718b9b5d03"},"unmapped":{"event":"item.written"}}\n'
)


def zipped(lines: bytes) -> bytes:
    return gzip.compress(lines, mtime=0)


def refusal(content: bytes) -> str:
    with pytest.raises(TrailUnreadable) as refused:
        read_segment(content, NAME)
    return str(refused.value)


def test_a_key_names_hour_stage_place_and_events():
    assert "segments/2026/01/01/00/auditor/shardId-000000000000-42-2ec74172431ebc5e.ndjson.gz" == NAME.key
    assert NAME == SegmentName.parse(NAME.key)


def test_the_digest_is_of_the_distinct_ids_whatever_their_order():
    assert NAME.digest == digest_of([*reversed(IDS), IDS[0]])
    assert NAME.digest != digest_of(IDS[:1])


@pytest.mark.parametrize("ids", [[], [""], ["two words"], ["line\n"], ["ä"], ["x" * 129]])
def test_no_segment_without_events_or_with_ids_of_other_characters(ids):
    with pytest.raises(ValueError, match="at least one event"):
        digest_of(ids)


@pytest.mark.parametrize(("stage", "where"), [("Auditor", "1"), ("a/b", "1"), ("auditor", "a/b"), ("auditor", "")])
def test_no_segment_whose_key_cannot_be_read_back(stage, where):
    with pytest.raises(ValueError, match="no segment"):
        SegmentName.of(IDS, written_at=START, stage=stage, where=where)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "manifests/000000000001.json",
        NAME.key + "x",
        "x" + NAME.key,
        NAME.key + "\n",
        NAME.key.replace("2026/01/01/00", "2026/02/30/00"),
        NAME.key.replace("2026/01/01/00", "2026/01/01/24"),
        NAME.key.replace("2026/01/01/00", "2026/1/1/0"),
        NAME.key.replace("2ec", "2EC"),
    ],
)
def test_what_no_writer_writes_is_no_segments_key(key):
    assert SegmentName.parse(key) is None


def test_the_same_events_are_the_same_bytes():
    assert segment_bytes(EVENTS) == segment_bytes([dict(reversed(one.items())) for one in EVENTS])
    assert bytes.fromhex("1f8b08000000000000ff") == segment_bytes(EVENTS)[:10]


def test_a_segment_is_one_document_a_line():
    assert LINES == gzip.decompress(segment_bytes(EVENTS))
    assert EVENTS == read_segment(segment_bytes(EVENTS), NAME)


@pytest.mark.parametrize("name", AuditEvent)
def test_events_of_every_kind_come_back(name):
    documents = [ocsf(one) for one in every_kind(name)]
    called = SegmentName.of(map(event_id_of, documents), written_at=START, stage="auditor", where="request")

    assert documents == read_segment(segment_bytes(documents), called)


def test_text_of_any_kind_comes_back():
    odd = [{**event(1), "unmapped": {"item_id": "\ud800\n\u2028é"}}, event(2)]

    assert odd == read_segment(segment_bytes(odd), NAME)


def test_a_number_that_json_does_not_know_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        segment_bytes([{"nothing": float("nan")}])


@pytest.mark.parametrize("length", range(len(segment_bytes(EVENTS))))
def test_a_segment_that_is_cut_short_is_unreadable(length):
    assert refusal(segment_bytes(EVENTS)[:length]) == "ends too early"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no gzip", "does not unzip"),
        (segment_bytes(EVENTS) + b"\0", "goes on after its end"),
        (segment_bytes(EVENTS) + segment_bytes(EVENTS), "goes on after its end"),
        (zipped(LINES[:-1]), "its last line does not end"),
        (zipped(b""), "holds other events than its name says"),
        (zipped(LINES[: LINES.index(b"\n") + 1]), "holds other events than its name says"),
        (zipped(b"\n" + LINES), "holds a line that is no JSON"),
        (zipped(b"[]\n"), "holds a line that is no JSON object"),
        (zipped(b"[" * 100_000 + b"\n"), "holds a line that is no JSON"),
        (zipped(b"{}\n"), "holds an event without an id"),
        (zipped(b'{"metadata":{"uid":7}}\n'), "holds an event without an id"),
    ],
)
def test_what_no_writer_writes_is_unreadable(content, why):
    assert refusal(content) == why


def test_few_bytes_do_not_fill_a_readers_memory(monkeypatch):
    monkeypatch.setattr(segments, "MAX_UNZIPPED_BYTES", 100)

    assert refusal(zlib.compress(bytes(10_000), wbits=31)) == "unzips to more than 100 bytes"
