"""Messages of the dead-letter queues, as Lambda on AWS was recorded to write them, and others."""

from __future__ import annotations

import json

import pytest

from ops.deadletter.letter import Findings, Foreign, Of, Position, content_of
from ops.local_aws.event_source_mappings.delivery import Condition, Discard, StreamRecord
from ops.local_aws.event_source_mappings.failure_record import failure_record
from shared.findings import ItemReference, to_messages
from shared.model import VerdictKind
from tests.evidence import evidence

STREAM = "arn:aws:kinesis:eu-central-1:111122223333:stream/source"
TABLE_STREAM = "arn:aws:dynamodb:eu-central-1:111122223333:table/items/stream/2026-01-01T00:00:00.000"
FIRST, LAST = "49" + "0" * 53 + "1", "49" + "0" * 53 + "9"


def body(stream_arn=STREAM, **changed):
    records = StreamRecord(FIRST, "key", 1_700_000_000.25, "{}"), StreamRecord(LAST, "key", 1_700_000_001.5, "{}")
    discard = Discard(records, Condition.RECORD_AGE_EXCEEDED, 7)
    document = failure_record(
        discard,
        request_id="1",
        function_arn="arn:aws:lambda:eu-central-1:111122223333:function:one",
        stream_arn=stream_arn,
        shard_id="shardId-000000000000",
        executed_version="$LATEST",
        now=1_700_020_000.0,
    )
    info = next(value for name, value in document.items() if name.endswith("BatchInfo"))
    info.update(changed)
    return json.dumps(document)


def test_a_letter_of_the_encryptor_is_a_position_in_the_source_stream():
    expected = Position(
        shard_id="shardId-000000000000",
        first=FIRST,
        last=LAST,
        records=2,
        arrived_from=1_700_000_000.25,
        arrived_to=1_700_000_001.5,
        condition="RecordAgeExceeded",
    )
    assert expected == content_of(Of.ENCRYPTOR, body(), stream=":stream/source")


def test_a_letter_of_the_auditor_is_a_position_in_the_table_s_stream():
    content = content_of(Of.AUDITOR, body(TABLE_STREAM), stream=TABLE_STREAM)
    assert (FIRST, LAST) == (content.first, content.last)


def test_what_aws_was_recorded_to_write_is_read():
    found = []

    def look(document):
        if isinstance(document, dict):
            if "KinesisBatchInfo" in document:
                found.append(document)
            for value in document.values():
                look(value)
        elif isinstance(document, list):
            for value in document:
                look(value)

    look(evidence("aws_recorded_kinesis_event_source_mapping.json"))
    assert len(found) > 5
    for document in found:  # numbers and times are blacked out in the recording
        document["KinesisBatchInfo"] |= {"startSequenceNumber": FIRST, "endSequenceNumber": LAST}
        content = content_of(Of.ENCRYPTOR, json.dumps(document))
        assert isinstance(content, Position)
        assert document.get("requestContext", {}).get("condition", "") == content.condition


def test_a_letter_of_the_reencryptor_holds_findings():
    reference = ItemReference("acme", "42", VerdictKind.STALE, 0.0)
    (message,) = to_messages([reference])
    assert Findings([reference]) == content_of(Of.REENCRYPTOR, message)


@pytest.mark.parametrize("stream", [":stream/other", ":stream/ource", TABLE_STREAM])
def test_a_position_in_another_stream_is_foreign(stream):
    assert Foreign("a position in another stream") == content_of(Of.ENCRYPTOR, body(), stream=stream)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "null",
        '"KinesisBatchInfo"',
        '{"KinesisBatchInfo": null}',
        '{"KinesisBatchInfo": {}}',
        "[" * 100_000,
        body(shardId=None),
        body(shardId=""),
        body(startSequenceNumber="-1"),
        body(startSequenceNumber="1e5"),
        body(startSequenceNumber="1" * 129),
        body(endSequenceNumber=5),
        body(batchSize=0),
        body(batchSize=True),
        body(batchSize="2"),
        body(streamArn=5),
        body()[:-1] + ', "requestContext": "hello"}',
        body()[:-1] + ', "requestContext": null}',
    ],
)
def test_a_message_of_another_shape_is_foreign_and_nothing_of_it_is_said(text):
    assert isinstance(content_of(Of.ENCRYPTOR, text, stream=":stream/source"), Foreign)
    assert isinstance(content_of(Of.REENCRYPTOR, text), Foreign)


def test_the_letters_of_one_function_are_foreign_to_another():
    assert isinstance(content_of(Of.AUDITOR, body()), Foreign)


@pytest.mark.parametrize(
    "arrived", [None, "", "yesterday", 5, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"]
)
def test_a_time_that_is_none_is_not_known(arrived):
    content = content_of(Of.ENCRYPTOR, body(approximateArrivalOfFirstRecord=arrived))
    assert content.arrived_from is None
