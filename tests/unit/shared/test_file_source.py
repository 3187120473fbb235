from __future__ import annotations

import json
from hashlib import sha256

import pytest

from shared.decode import decode
from shared.errors import Reason, RecordRejected
from shared.file_source import FileSource, rejection
from shared.source_position import SourcePosition

SOURCE = FileSource("landing", "tenant=acme/a b.json", "3HL4kqtJ", 7, 1_767_225_600, "0055AED6DCD90281E5")


def typed(**changed: object):
    members = {name: value for name, value in (SOURCE.document() | changed).items() if value is not None}
    return decode(json.dumps({"_source": members}).encode())["_source"]


def test_a_source_is_read_back_as_what_was_written():
    assert SOURCE == FileSource.of(typed())
    assert ["bucket", "key", "version", "line", "modified", "sequencer"] == list(SOURCE.document())
    assert "s3://landing/tenant=acme/a b.json" == SOURCE.uri


def test_the_place_of_a_line_never_changes():
    digest = sha256(b"landing\0tenant=acme/a b.json\x003HL4kqtJ").digest()
    expected = b"s" + bytes(7) + (1_767_225_600).to_bytes(8) + bytes.fromhex("0055AED6DCD90281E5") + bytes(7)

    assert expected + digest[:8] + (7).to_bytes(8) == SOURCE.position.to_bytes()
    assert digest == SOURCE.object_digest
    assert SOURCE.position == SourcePosition.from_bytes(SOURCE.position.to_bytes())


@pytest.mark.parametrize(
    "changed",
    [
        {"line": 8},
        {"modified": 1_767_225_601, "line": 1, "sequencer": "0"},
        {"sequencer": "0055AED6DCD90281E6", "line": 1},
        {"sequencer": "0055AED6DCD90281E500001", "line": 1},
    ],
)
def test_a_later_line_and_a_younger_object_are_newer(changed):
    newer = FileSource.of(typed(**changed)).position

    assert SOURCE.position.lane == newer.lane
    assert SOURCE.position.place < newer.place


def test_lines_of_objects_of_one_moment_have_places_of_their_own():
    others = [typed(key="b"), typed(version="2"), typed(bucket="landing2"), typed(line=8)]

    assert 5 == len({SOURCE.position, *(FileSource.of(other).position for other in others)})


def test_the_digits_of_a_sequencer_are_the_same_in_capitals_or_not():
    assert SOURCE.position == FileSource.of(typed(sequencer="0055aed6dcd90281e5")).position


@pytest.mark.parametrize(
    "changed",
    [
        *({name: None} for name in SOURCE.document()),
        {"more": 1},
        {"bucket": 1},
        {"bucket": "Landing"},
        {"bucket": ""},
        {"key": ""},
        {"key": "é" * 513},
        {"key": ["a"]},
        {"version": "a version"},
        {"version": "1\n"},
        {"line": 0},
        {"line": "7"},
        {"line": 1.5},
        {"line": -1},
        {"line": 1 << 48},
        {"modified": 1 << 36},
        {"modified": 1e60},
        {"modified": True},
        {"sequencer": ""},
        {"sequencer": "0" * 33},
        {"sequencer": "00 55"},
        {"sequencer": "xyz"},
    ],
)
def test_a_source_of_another_form_is_none(changed):
    with pytest.raises(RecordRejected, match=r"^source_invalid: _source: ") as rejected:
        FileSource.of(typed(**changed))
    assert Reason.SOURCE_INVALID == rejected.value.reason


@pytest.mark.parametrize("value", [{"S": "landing"}, {"L": []}, {"NULL": True}, {"M": {}}])
def test_what_is_no_object_is_no_source(value):
    with pytest.raises(RecordRejected, match="source_invalid"):
        FileSource.of(value)


def test_a_line_is_rejected_for_the_reason_that_the_ingest_tells():
    assert rejection(typed()) is None
    told = rejection(typed(rejected="line_too_long", offset=12, bytes=20_000_000))
    assert told is not None
    assert (Reason.LINE_TOO_LONG, "the line is no record, offset 12, bytes 20000000") == (told.reason, told.detail)
    for reason in Reason:
        assert reason == getattr(rejection(typed(rejected=reason)), "reason", None)


@pytest.mark.parametrize(
    "changed",
    [
        {"rejected": "made up"},
        {"rejected": 1},
        {"rejected": ""},
        {"offset": 1},
        {"rejected": "not_json", "offset": -1},
        {"rejected": "not_json", "bytes": "1"},
    ],
)
def test_what_is_no_reason_makes_the_source_invalid(changed):
    told = rejection(typed(**changed))

    assert Reason.SOURCE_INVALID == getattr(told, "reason", None)
    assert "made up" not in str(told)


def test_the_key_of_an_object_is_not_shown_by_chance():
    assert "acme" not in repr(SOURCE)
