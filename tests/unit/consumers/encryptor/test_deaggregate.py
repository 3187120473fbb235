from __future__ import annotations

from hashlib import md5

import pytest
from aws_kinesis_agg.deaggregator import messages_pb2

from consumers.encryptor.deaggregate import Rejected, user_records
from shared.errors import Reason
from tests.evidence import evidence
from tests.fakes.kinesis import FIRST_SEQUENCE, aggregate, enclose, kinesis_record


def test_a_plain_record_is_itself():
    (record,) = user_records(kinesis_record(b'{"a":1}', sequence=7, partition_key="ключ"))

    assert record.payload == b'{"a":1}'
    assert "ключ".encode() == record.partition_key
    assert (str(FIRST_SEQUENCE + 7), "shardId-000000000000", 0) == (
        record.sequence_number,
        record.shard_id,
        record.sub_sequence,
    )


def test_an_aggregate_is_its_user_records_in_order_with_their_own_keys():
    payload = aggregate([("a", b"1"), ("b", b"2"), ("a", b"3")])

    records = list(user_records(kinesis_record(payload, partition_key="outer")))

    assert [(record.partition_key, record.payload, record.sub_sequence) for record in records] == [
        (b"a", b"1", 0),
        (b"b", b"2", 1),
        (b"a", b"3", 2),
    ]


def test_a_user_record_has_its_own_hash_key_where_it_names_one_that_its_partition_key_does_not_have():
    own = str(int.from_bytes(md5(b"a", usedforsecurity=False).digest()))
    payload = aggregate(
        [("a", b"1", "7"), ("a", b"2", own), ("a", b"3"), ("b", b"4", "7"), ("a", b"5", str(2**128 - 1))]
    )

    records = list(user_records(kinesis_record(payload)))

    assert [7, None, None, 7, 2**128 - 1] == [record.explicit_hash_key for record in records]


def test_a_recorded_aggregate_of_the_real_kpl_holds_a_hundred_records():
    (outer,) = evidence("kpl_aggregated_lambda_event.json")["Records"]

    records = list(user_records(outer))

    assert len(records) == 100
    assert {b"abcdefghijklmnopqrstuvwxyz", b"zyxwvutsrqponmlkjihgfedcba"} == {record.payload for record in records}
    assert {b"abc"} == {record.partition_key for record in records}


BAD_KEY = "a partition key is empty or longer than Kinesis takes"
BAD_HASH_KEY = "an explicit hash key is no number of 128 bits"


def _message(*, partition_key_index: int = 0, explicit_hash_key_index: int | None = None) -> bytes:
    message = messages_pb2.AggregatedRecord(partition_key_table=["a"])
    for index in (0, partition_key_index):
        record = message.records.add(partition_key_index=index, data=b"canary-4111111111111111")
        if explicit_hash_key_index is not None:
            record.explicit_hash_key_index = explicit_hash_key_index
    return message.SerializeToString()


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        pytest.param(aggregate([("a", b"1")])[:-1] + b"\0", "checksum does not match", id="checksum"),
        pytest.param(aggregate([("a", b"1")])[:9], "checksum does not match", id="cut off"),
        pytest.param(enclose(b"\xff\xff\xff"), "not an AggregatedRecord message", id="no protobuf"),
        pytest.param(enclose(b""), "holds no record", id="empty"),
        pytest.param(aggregate([("k" * 1_025, b"1")]), BAD_KEY, id="long partition key"),
        pytest.param(aggregate([("", b"1")]), BAD_KEY, id="empty partition key"),
        pytest.param(aggregate([("a", b"1", "0x1")]), BAD_HASH_KEY, id="no hash key"),
        pytest.param(aggregate([("a", b"1", str(2**128))]), BAD_HASH_KEY, id="hash key of 129 bits"),
        pytest.param(enclose(b"\x12\x02\xff\xfe" + _message()), BAD_HASH_KEY, id="hash key that is no text"),
        pytest.param(enclose(b"\x1a\x02\x08\x00"), "a required field is missing", id="no data field"),
        pytest.param(enclose(_message(partition_key_index=1)), "a partition key index is out of range", id="key index"),
        pytest.param(
            enclose(_message(explicit_hash_key_index=0)), "an explicit hash key index is out of range", id="hash index"
        ),
    ],
)
def test_an_aggregate_that_does_not_decode_whole_is_one_rejected_record(payload, detail, capfd):
    (rejected,) = user_records(kinesis_record(payload))

    assert isinstance(rejected, Rejected)
    assert (Reason.AGGREGATE_CORRUPT, detail) == (rejected.error.reason, rejected.error.detail)
    assert payload == rejected.record.payload
    assert tuple(capfd.readouterr()) == ("", ""), "nothing of it is printed"


def test_a_partition_key_that_is_not_utf8_stays_as_it_is():
    message = b"\x0a\x02\xff\xfe" + b"\x1a\x05\x08\x00\x1a\x01x"

    (record,) = user_records(kinesis_record(enclose(message)))

    assert record.partition_key == b"\xff\xfe"
