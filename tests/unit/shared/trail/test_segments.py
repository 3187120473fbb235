from __future__ import annotations

import gzip
import zlib

import pytest

from shared.errors import TrailUnreadable
from shared.runtime.audit_log import AuditEvent
from shared.trail import segments
from shared.trail.ocsf import ocsf
from shared.trail.segments import SegmentName, count_events, read_segment, zipped
from shared.trail.segments import segments as made_of
from tests.fakes.trail import START, event, segment_bytes
from tests.unit.shared.trail.events_of_every_kind import every_kind

DIGEST = "1451e7007d15f7d401dfde4fa05c5d8b"
EVENTS = [event(1), event(2)]
LINES = (
    b'{"metadata":{"uid":"6b86b273ff34fce19d6b804eff5a3f57"},"unmapped":{"event":"item.written"}}\n'
    b'{"metadata":{"uid":"d4735e3a265e16eee03f59718b9b5d03"},"unmapped":{"event":"item.written"}}\n'
)


def named(lines: bytes) -> SegmentName:
    return SegmentName.of(lines, written_at=START + 3_599.9, stage="auditor", where="shardId-000000000000-42")


NAME = named(LINES)


def refusal(content: bytes, name: SegmentName = NAME) -> str:
    whys = set()
    for read in (read_segment, count_events):
        with pytest.raises(TrailUnreadable) as refused:
            read(content, name)
        whys.add(str(refused.value))
    (why,) = whys
    return why


def test_a_key_names_hour_stage_place_and_events():
    assert "segments/2026/01/01/00/auditor/shardId-000000000000-42-" + DIGEST + ".ndjson.gz" == NAME.key
    assert NAME == SegmentName.parse(NAME.key)


def test_whoever_says_something_else_under_the_same_ids_has_another_name():
    assert NAME != named(LINES.replace(b"item.written", b"item.stale", 1))


@pytest.mark.parametrize(("stage", "where"), [("Auditor", "1"), ("a/b", "1"), ("auditor", "a/b"), ("auditor", "")])
def test_no_segment_whose_key_cannot_be_read_back(stage, where):
    with pytest.raises(ValueError, match="no segment"):
        SegmentName.of(LINES, written_at=START, stage=stage, where=where)


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
        NAME.key.replace(DIGEST, DIGEST.upper()),
        NAME.key.replace(DIGEST, DIGEST[:16]),
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
    ((called, content, count),) = made_of(documents, written_at=START, stage="auditor", where="request")

    assert (documents, len(documents)) == (read_segment(content, called), count)


def test_text_of_any_kind_comes_back():
    odd = [{**event(1), "unmapped": {"item_id": "\ud800\n\u2028é"}}, event(2)]

    ((called, content, _),) = made_of(odd, written_at=START, stage="auditor", where="request")
    assert odd == read_segment(content, called)


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
        (zipped(LINES[: LINES.index(b"\n") + 1]), "holds other events than its name says"),
        (zipped(LINES.replace(b"written", b"removed", 1)), "holds other events than its name says"),
    ],
)
def test_what_its_name_does_not_say_is_unreadable(content, why):
    assert refusal(content) == why


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (b"", "holds no event"),
        (LINES[:-1], "its last line does not end"),
        (b"\n" + LINES, "holds a line that is no JSON"),
        (b"[]\n", "holds a line that is no JSON object"),
        (b"[" * 100_000 + b"\n", "holds a line that is no JSON"),
        (b"{}\n", "holds an event without an id"),
        *(
            (b'{"metadata":{"uid":%s}}\n' % uid, "holds an event without an id")
            for uid in (b"7", b'""', b'"two words"', b'"\\u00e4"', b'"%s"' % (b"x" * 129))
        ),
        (b'{"metadata":{"uid":"a"}}\n' * 10_001, "holds more than 10000 events"),
    ],
)
def test_what_no_writer_writes_is_unreadable_whatever_its_name_says(lines, why):
    assert refusal(zipped(lines), named(lines)) == why


def test_few_bytes_do_not_fill_a_readers_memory(monkeypatch):
    monkeypatch.setattr(segments, "MAX_UNZIPPED_BYTES", 100)

    assert refusal(zlib.compress(bytes(10_000), wbits=31)) == "unzips to more than 100 bytes"


def test_as_many_events_as_a_segment_may_have_are_read_and_more_are_several(monkeypatch):
    for limit, largest in (("MAX_EVENTS", 2), ("MAX_UNZIPPED_BYTES", len(LINES))):
        with monkeypatch.context() as patch:
            patch.setattr(segments, limit, largest)
            made = list(made_of([*EVENTS, *EVENTS, event(3)], written_at=START, stage="auditor", where="request"))

            assert [2, 2, 1] == [count for _, _, count in made]
            assert [*EVENTS, *EVENTS, event(3)] == [
                one for name, content, _ in made for one in read_segment(content, name)
            ]


def test_of_no_event_there_is_no_segment():
    assert [] == list(made_of([], written_at=START, stage="auditor", where="request"))


def test_an_event_that_no_segment_can_hold_is_refused(monkeypatch):
    monkeypatch.setattr(segments, "MAX_UNZIPPED_BYTES", 10)

    with pytest.raises(ValueError, match="larger than a segment"):
        list(made_of(EVENTS, written_at=START, stage="auditor", where="request"))
