"""What goes into the stream for a line."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from consumers.landing_ingest.entries import MAX_RECORD_BYTES, EntryMaker
from consumers.landing_ingest.lines import Line
from shared.decode import decode
from shared.errors import Reason
from shared.file_source import FileSource
from shared.landing import Progress
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE
from tests.fakes.landing import MODIFIED, SEQUENCER, about

ITEM = load_policy(POLICY_FILE).item


def entry(content: bytes | None, key: str = "in/a.json", **line):
    progress = Progress(about(key), SEQUENCER, 1, modified=MODIFIED)
    at = {"number": 7, "offset": 100, "end": 200, "size": 99} | line
    return EntryMaker(progress, ITEM).entry(Line(content=content, **at))


def source(key: str = "in/a.json", line: int = 7) -> dict[str, Any]:
    one = about(key)
    return {
        "bucket": one.bucket,
        "key": key,
        "version": "v1",
        "line": line,
        "modified": MODIFIED,
        "sequencer": SEQUENCER,
    }


def rejected(content: bytes | None, key: str = "in/a.json", **line) -> dict[str, Any]:
    made = entry(content, key, **line)
    assert made.is_rejected
    return json.loads(made.data)


def test_the_bytes_of_a_line_are_passed_on_and_its_source_is_put_in_front():
    made = entry(b'{ "tenant_id":"acme","id":"1","n":1.0000000000000000000000000000000000001e-2,"s":"\\u00e4" }')

    assert made.data.startswith(b'{"_source":{"bucket":')
    assert made.data.endswith(
        b', "tenant_id":"acme","id":"1","n":1.0000000000000000000000000000000000001e-2,"s":"\\u00e4" }'
    )
    assert source() == json.loads(made.data)["_source"]
    assert not made.is_rejected


def test_what_travels_is_read_back_as_the_source():
    assert FileSource(**source()) == FileSource.of(decode(entry(b'{"tenant_id":"a","id":"1"}').data)["_source"])


def test_a_record_without_tenant_gets_the_one_that_the_key_names():
    made = entry(b'{"id":"1"}', "in/tenant=acme/2026/a.json")

    assert {"_source": source("in/tenant=acme/2026/a.json"), "tenant_id": "acme", "id": "1"} == json.loads(made.data)


def test_an_empty_object_stays_json():
    assert {"_source": source("tenant=acme/a"), "tenant_id": "acme"} == json.loads(entry(b"{}", "tenant=acme/a").data)
    assert {"_source": source()} == json.loads(entry(b"{}").data)


def test_a_tenant_that_both_name_is_left_as_it_is():
    made = entry(b'{"tenant_id":"acme","id":"1"}', "tenant=acme/a.json")

    assert 1 == made.data.count(b"tenant_id")
    assert not made.is_rejected


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b'{"tenant_id":"globex","id":"1"}', "tenant=acme/a.json"),
        (b'{"tenant_id":5,"id":"1"}', "tenant=acme/a.json"),
        (b'{"tenant_id":null,"id":"1"}', "tenant=acme/a.json"),
        (b'{"id":"1"}', "tenant=acme/tenant=globex/a.json"),
        (b'{"tenant_id":"acme","id":"1"}', "tenant=acme/tenant=globex/a.json"),
    ],
)
def test_tenants_that_differ_are_a_conflict(content, key):
    assert {**source(key), "rejected": "tenant_conflict"} == rejected(content, key)["_source"]


def test_a_file_that_is_named_as_a_tenant_is_none():
    assert "tenant_id" not in json.loads(entry(b'{"id":"1"}', "in/tenant=acme").data)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello", Reason.NOT_JSON),
        (b'{"id":"1"', Reason.NOT_JSON),
        (b'{"id":"1"}{"id":"2"}', Reason.NOT_JSON),
        (b'{"id":"1"},', Reason.NOT_JSON),
        (b"[1]", Reason.NOT_AN_OBJECT),
        (b'"x"', Reason.NOT_AN_OBJECT),
        (b'{"id":"\xff"}', Reason.INVALID_UTF8),
        (b'{"id":"1","id":"2"}', Reason.DUPLICATE_KEY),
        (b'{"id":NaN}', Reason.INVALID_NUMBER),
        (b"[" * 5_000, Reason.TOO_DEEP),
        (b'{"_source":{"line":1},"id":"1"}', Reason.RESERVED_NAME),
        (b'{"_s\\u006furce":{"line":1},"id":"1"}', Reason.RESERVED_NAME),
    ],
)
def test_what_is_no_record_goes_the_same_way_wrapped(content, reason):
    told = rejected(content)

    assert {**source(), "rejected": reason} == told["_source"]
    assert content == b64decode(told["line"])
    assert {"_source", "line"} == told.keys()


def test_a_line_that_is_too_long_is_told_with_its_place():
    told = {"_source": {**source(), "rejected": "line_too_long", "offset": 100, "bytes": 20_000_000}}

    assert told == rejected(None, size=20_000_000)


@pytest.mark.parametrize("content", [b'{"id":"' + b"x" * (MAX_RECORD_BYTES - 100) + b'"}', b"x" * 800_000])
def test_what_kinesis_would_not_take_is_too_long(content):
    assert "line_too_long" == rejected(content, size=len(content))["_source"]["rejected"]


def test_what_kinesis_just_takes_is_passed_on():
    around = entry(b'{"tenant_id":"a","id":"1","n":""}').size_bytes
    fits = b'{"tenant_id":"a","id":"1","n":"' + b"x" * (MAX_RECORD_BYTES - around) + b'"}'

    assert MAX_RECORD_BYTES == entry(fits).size_bytes
    assert entry(fits.replace(b"xx", b"xxx", 1)).is_rejected


def test_records_of_one_item_have_one_partition_key_and_others_theirs_by_line():
    first = entry(b'{"tenant_id":"acme","id":"1"}')
    from_elsewhere = entry(b'{"id":"1","x":2}', "tenant=acme/b.json", number=9)
    other = entry(b'{"tenant_id":"globex","id":"1"}')

    assert first.partition_key == from_elsewhere.partition_key
    assert first.partition_key.startswith("acme:")
    assert first.partition_key != other.partition_key
    without = [entry(b"{}", number=1), entry(b"{}", number=2), entry(b'{"tenant_id":"x y","id":"1"}', number=3)]
    assert 3 == len({one.partition_key for one in without})
    assert all(one.partition_key.startswith(":") for one in without)


def test_no_entry_shows_what_it_holds():
    assert "secret" not in repr(entry(b'{"tenant_id":"acme","id":"secret"}'))
    assert "acme" not in repr(entry(b'{"tenant_id":"acme","id":"secret"}'))
