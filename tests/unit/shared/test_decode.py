from __future__ import annotations

import json

import pytest

from shared.decode import decode
from shared.errors import Reason, RecordRejected
from shared.item_size import MAX_ITEM_BYTES


def test_every_json_type_keeps_its_type():
    payload = '{"s":"é","empty":"","n":1.50,"t":true,"f":false,"z":null,"l":[1,"1"],"m":{"a.b":{}}}'.encode()

    assert decode(payload) == {
        "s": {"S": "é"},
        "empty": {"S": ""},
        "n": {"N": "1.5"},
        "t": {"BOOL": True},
        "f": {"BOOL": False},
        "z": {"NULL": True},
        "l": {"L": [{"N": "1"}, {"S": "1"}]},
        "m": {"M": {"a.b": {"M": {}}}},
    }


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("0.1", "0.1"),
        ("1E2", "100"),
        ("-0", "0"),
        ("1.10", "1.1"),
        ("9007199254740993", "9007199254740993"),
    ],
)
def test_numbers_are_exact_and_spelled_as_dynamodb_gives_them_back(text, stored):
    assert {"n": {"N": stored}} == decode(f'{{"n":{text}}}'.encode())


def _nested(levels: int) -> bytes:
    return b'{"a":' + b"[" * levels + b"]" * levels + b"}"


def test_as_many_containers_as_dynamodb_takes_are_taken():
    assert "L" in decode(_nested(31))["a"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(b"", Reason.NOT_JSON, id="nothing"),
        pytest.param(b"{", Reason.NOT_JSON, id="cut off"),
        pytest.param(b'{"a":1}{"a":1}', Reason.NOT_JSON, id="two values"),
        pytest.param(b'{"a":"\x01"}', Reason.NOT_JSON, id="raw control character"),
        pytest.param("\ufeff{}".encode(), Reason.NOT_JSON, id="byte order mark"),
        pytest.param(b"[]", Reason.NOT_AN_OBJECT, id="list"),
        pytest.param(b"1", Reason.NOT_AN_OBJECT, id="number"),
        pytest.param(b'{"a":1,"a":1}', Reason.DUPLICATE_KEY, id="duplicate key"),
        pytest.param(b'{"m":[{"a":1,"\\u0061":2}]}', Reason.DUPLICATE_KEY, id="nested duplicate key, escaped"),
        pytest.param(b'{"a":NaN}', Reason.INVALID_NUMBER, id="NaN"),
        pytest.param(b'{"a":[-Infinity]}', Reason.INVALID_NUMBER, id="Infinity"),
        pytest.param(b'{"a":123456789012345678901234567890123456789}', Reason.NUMBER_OUT_OF_RANGE, id="39 digits"),
        pytest.param(b'{"a":1e126}', Reason.NUMBER_OUT_OF_RANGE, id="too large"),
        pytest.param(b'{"a":1e-131}', Reason.NUMBER_OUT_OF_RANGE, id="too small"),
        pytest.param(b'{"a":1e999999999999999999999}', Reason.NUMBER_OUT_OF_RANGE, id="absurd exponent"),
        pytest.param(b'{"a":' + b"1" * 5000 + b"}", Reason.NUMBER_OUT_OF_RANGE, id="5,000 digits"),
        pytest.param(b'{"a":"\xff"}', Reason.INVALID_UTF8, id="invalid UTF-8"),
        pytest.param(b'{"a":"\\ud800"}', Reason.LONE_SURROGATE, id="lone surrogate"),
        pytest.param(b'{"\\udc00":1}', Reason.LONE_SURROGATE, id="lone surrogate in a name"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', Reason.INVALID_UTF8, id="surrogate encoded as UTF-8"),
        pytest.param(_nested(32), Reason.TOO_DEEP, id="32 containers"),
        pytest.param(_nested(100_000), Reason.TOO_DEEP, id="a recursion bomb"),
        pytest.param(b'{"":1}', Reason.NAME_INVALID, id="empty name"),
        pytest.param(json.dumps({"n" * 65_536: 1}).encode(), Reason.NAME_INVALID, id="long name"),
    ],
)
def test_what_is_no_record_is_rejected_with_its_reason(payload, reason):
    with pytest.raises(RecordRejected) as rejected:
        decode(payload)

    assert reason == rejected.value.reason


@pytest.mark.parametrize("member", [b"0", b'""', b"[]", b'{"a":0}', b"null"])
def test_more_values_than_an_item_has_bytes_are_rejected_before_they_are_taken_apart(member, monkeypatch):
    payload = b'{"a":[' + b",".join([member] * (MAX_ITEM_BYTES + 1)) + b"]}"
    monkeypatch.setattr("json.JSONDecoder.decode", lambda *_: pytest.fail("was taken apart"))

    with pytest.raises(RecordRejected) as rejected:
        decode(payload)

    assert Reason.ITEM_TOO_LARGE == rejected.value.reason


def test_what_an_item_can_hold_is_taken_apart_however_long_its_text_is():
    some = {"a": ["\u00e9"] * 1_000, "b": "," * 10_000}
    payload = json.dumps(some, indent=400).encode()

    assert len(payload) > MAX_ITEM_BYTES
    assert {"S": "," * 10_000} == decode(payload)["b"]


@pytest.mark.parametrize(
    "payload", [b'{"canary-4111":', b'{"canary-4111":1,"canary-4111":2}', b'{"a":"canary-4111\xff"}']
)
def test_a_rejection_holds_nothing_of_the_record(payload):
    with pytest.raises(RecordRejected) as rejected:
        decode(payload)

    assert "canary" not in str(rejected.value)
    assert rejected.value.__cause__ is None
    assert rejected.value.__suppress_context__ or rejected.value.__context__ is None
