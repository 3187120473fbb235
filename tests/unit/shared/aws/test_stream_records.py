"""What Lambda hands over of DynamoDB Streams, read exactly or judged unreadable, and never quoted."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.aws.stream_records import UnreadableChange, item_change, sequence_number_of
from shared.model import ChangeKind, ItemChange
from tests.evidence import evidence

CANARY = "4111111111111111"
KEYS = {"tenant_id": {"S": "acme"}, "item_id": {"S": "i-1"}}


def stream_record(**changes: Any) -> dict[str, Any]:
    body = {
        "ApproximateCreationDateTime": 1693997155.0,
        "Keys": KEYS,
        "NewImage": KEYS,
        "SequenceNumber": "111",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    } | changes.pop("dynamodb", {})
    return {"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": body} | changes


def test_an_insert_becomes_a_change():
    expected = ItemChange(
        sequence_number="111",
        kind=ChangeKind.INSERT,
        tenant_id="acme",
        item_id="i-1",
        old=None,
        new=KEYS,
        changed_at=1693997155.0,
        by_expiry=False,
    )
    assert expected == item_change(stream_record())


def test_every_type_is_read_and_binaries_are_decoded_at_any_depth():
    encoded = base64.b64encode(b"\x01\xff").decode()
    image = {
        "s": {"S": ""},
        "n": {"N": "1.5"},
        "b": {"B": encoded},
        "empty": {"B": ""},
        "t": {"BOOL": False},
        "z": {"NULL": True},
        "ss": {"SS": ["a"]},
        "ns": {"NS": ["1"]},
        "bs": {"BS": [encoded]},
        "m": {"M": {"l": {"L": [{"B": encoded}, {"M": {}}]}}},
    }
    expected = image | {
        "b": {"B": b"\x01\xff"},
        "empty": {"B": b""},
        "bs": {"BS": [b"\x01\xff"]},
        "m": {"M": {"l": {"L": [{"B": b"\x01\xff"}, {"M": {}}]}}},
    }
    change = item_change(stream_record(eventName="MODIFY", dynamodb={"NewImage": image, "OldImage": image}))
    assert isinstance(change, ItemChange)
    assert expected == change.new
    assert expected == change.old


def test_a_deletion_by_expiry_is_told_from_one_by_a_principal():
    ttl = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    body = {"NewImage": None, "OldImage": KEYS}
    expired = item_change(stream_record(eventName="REMOVE", dynamodb=body, userIdentity=ttl))
    removed = item_change(stream_record(eventName="REMOVE", dynamodb=body))
    assert isinstance(expired, ItemChange)
    assert isinstance(removed, ItemChange)
    assert (expired.by_expiry, removed.by_expiry) == (True, False)
    assert (expired.kind, expired.new, expired.old) == (ChangeKind.REMOVE, None, KEYS)


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": CANARY}
    for level in range(levels):
        value = {"M": {"a": value}} if level % 2 else {"L": [value]}
    return value


UNREADABLE = {
    "no kind": stream_record(eventName=CANARY),
    "no new image": stream_record(dynamodb={"NewImage": None}),
    "no keys": stream_record(dynamodb={"Keys": None}),
    "a key of another type": stream_record(dynamodb={"Keys": KEYS | {"item_id": {"N": CANARY}}}),
    "an image that is a list": stream_record(dynamodb={"NewImage": [CANARY]}),
    "an old image that is a string": stream_record(dynamodb={"OldImage": CANARY}),
    "a bare value": stream_record(dynamodb={"NewImage": {"a": CANARY}}),
    "two types": stream_record(dynamodb={"NewImage": {"a": {"S": CANARY, "N": "1"}}}),
    "no type": stream_record(dynamodb={"NewImage": {"a": {}}}),
    "an unknown type": stream_record(dynamodb={"NewImage": {"a": {CANARY: CANARY}}}),
    "a number as number": stream_record(dynamodb={"NewImage": {"a": {"N": 4111}}}),
    "a string set of numbers": stream_record(dynamodb={"NewImage": {"a": {"SS": [4111]}}}),
    "no base64": stream_record(dynamodb={"NewImage": {"a": {"B": CANARY + "é"}}}),
    "a stray character in base64": stream_record(dynamodb={"NewImage": {"a": {"B": "QU*JD"}}}),
    "cut base64": stream_record(dynamodb={"NewImage": {"a": {"B": CANARY + "A"}}}),
    "a binary set of numbers": stream_record(dynamodb={"NewImage": {"a": {"BS": [4111]}}}),
    "too deep": stream_record(dynamodb={"NewImage": {"a": nested(65)}}),
    "far too deep": stream_record(dynamodb={"OldImage": {"a": nested(5_000)}}),
    "deep inside": stream_record(dynamodb={"NewImage": {"a": {"M": {"b": {"L": [{"X": CANARY}]}}}}}),
}


@pytest.mark.parametrize("record", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_given_back_as_such_without_its_content(record):
    change = item_change(record)
    assert isinstance(change, UnreadableChange)
    assert (change.sequence_number, change.changed_at) == ("111", 1693997155.0)
    assert "4111" not in repr(change)


def test_a_value_nested_as_deep_as_dynamodb_allows_is_read():
    assert isinstance(item_change(stream_record(dynamodb={"NewImage": KEYS | {"a": nested(32)}})), ItemChange)


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -float("inf"), 1e18, -1e12, -1, 10**400, 253_402_300_800])
def test_a_time_that_is_none_is_unreadable(at):
    change = item_change(stream_record(dynamodb={"ApproximateCreationDateTime": at}))
    assert UnreadableChange("111", 0.0, "the stream record's time is no time") == change


@pytest.mark.parametrize("at", [0, 1_693_997_155, 253_402_300_799.0])
def test_a_time_that_is_one_is_read(at):
    change = item_change(stream_record(dynamodb={"ApproximateCreationDateTime": at}))
    assert datetime.fromtimestamp(change.changed_at, UTC).timestamp() == at


def test_a_missing_time_reads_as_zero():
    change = item_change(stream_record(dynamodb={"ApproximateCreationDateTime": "soon"}))
    assert change.changed_at == 0.0


def test_a_record_without_sequence_number_fails_the_batch():
    with pytest.raises(KeyError):
        sequence_number_of({"dynamodb": {}})


def test_a_recorded_event_is_read_up_to_its_foreign_keys():
    changes = [item_change(record) for record in evidence("dynamodb_stream_event.json")["Records"]]
    assert [change.sequence_number for change in changes] == ["111", "222"]
    assert all(
        isinstance(change, UnreadableChange) and change.why == "the stream record holds no key tenant_id of type S"
        for change in changes
    )
