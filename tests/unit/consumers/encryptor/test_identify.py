from __future__ import annotations

import pytest

from consumers.encryptor.identify import IdentifiedRecord, identify
from shared.decode import decode
from shared.errors import Reason, RecordRejected
from shared.model import InboundRecord
from shared.policy.load import parse_policy
from shared.sealing import Operation
from shared.source_position import kinesis_position

POLICY = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
{item}
[defaults]
undeclared = "seal"
data_class = "restricted"
[classes.restricted]
"""


def identified(
    payload: str,
    item: str = "",
    *,
    partition_key: bytes = b"p",
    sequence_number: str = "5",
    sub_sequence: int = 0,
    arrived_at: float = 1.5,
) -> IdentifiedRecord:
    raw = payload.encode("utf-8")
    record = InboundRecord(sequence_number, "shardId-0", sub_sequence, partition_key, arrived_at, raw)
    return identify(record, decode(raw), parse_policy(POLICY.format(item=item), "policy.toml"))


def test_tenant_and_id_name_the_item_and_are_no_attributes_of_it():
    found = identified('{"tenant_id":"acme","id":"Ключ 1","a":1,"_op":"put"}')

    assert (found.tenant_id, found.item_id, found.operation) == ("acme", "Ключ 1", Operation.PUT)
    assert found.attributes == {"a": {"N": "1"}}


def test_a_delete_says_so():
    assert Operation.DELETE is identified('{"tenant_id":"acme","id":"1","_op":"delete"}').operation


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ('{"id":"1"}', Reason.TENANT_MISSING),
        ('{"tenant_id":7,"id":"1"}', Reason.TENANT_INVALID),
        ('{"tenant_id":"","id":"1"}', Reason.TENANT_INVALID),
        ('{"tenant_id":null,"id":"1"}', Reason.TENANT_INVALID),
        ('{"tenant_id":"_system","id":"1"}', Reason.TENANT_INVALID),
        ('{"tenant_id":"../etc","id":"1"}', Reason.TENANT_INVALID),
        ('{"tenant_id":"a b","id":"1"}', Reason.TENANT_INVALID),
        ('{"tenant_id":"acme\\n","id":"1"}', Reason.TENANT_INVALID),
        ('{"tenant_id":"ácme","id":"1"}', Reason.TENANT_INVALID),
        ('{"tenant_id":"' + "a" * 129 + '","id":"1"}', Reason.TENANT_INVALID),
        ('{"tenant_id":"acme"}', Reason.ID_MISSING),
        ('{"tenant_id":"acme","id":7}', Reason.ID_INVALID),
        ('{"tenant_id":"acme","id":""}', Reason.ID_INVALID),
        ('{"tenant_id":"acme","id":["1"]}', Reason.ID_INVALID),
        ('{"tenant_id":"acme","id":"' + "é" * 513 + '"}', Reason.ID_INVALID),
        ('{"tenant_id":"acme","id":"1","_op":"drop"}', Reason.OPERATION_UNKNOWN),
        ('{"tenant_id":"acme","id":"1","_op":1}', Reason.OPERATION_UNKNOWN),
    ],
)
def test_an_ill_formed_identity_is_rejected_with_its_reason(payload, reason):
    with pytest.raises(RecordRejected) as rejected:
        identified(payload)

    assert reason == rejected.value.reason


def test_a_tenant_of_128_characters_and_an_id_of_1024_bytes_are_taken():
    found = identified('{"tenant_id":"' + "a" * 128 + '","id":"' + "é" * 512 + '"}')

    assert (len(found.tenant_id), len(found.item_id.encode())) == (128, 1024)


IDENTITY = '"tenant_id":"acme","id":"1"'


def test_without_order_a_record_stands_where_kinesis_put_it():
    found = identified(f"{{{IDENTITY}}}", partition_key=b"k", sequence_number="77", sub_sequence=3)

    assert kinesis_position(b"k", "77", 3) == found.position


def _position_of(value: str, **kwargs) -> bytes:
    return identified(f'{{{IDENTITY},"at":{value}}}', 'order = "at"', **kwargs).position.to_bytes()


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ('"2026-01-01T00:00:00Z"', '"2026-01-01T00:00:01Z"'),
        ('"2026-01-01T00:00:00.123456788Z"', '"2026-01-01T00:00:00.123456789Z"'),
        ('"2026-01-01T00:00:00.1Z"', '"2026-01-01T00:00:00.11Z"'),
        ('"2026-01-01T01:00:00+02:00"', '"2026-01-01T00:00:00+00:00"'),
        ('"1969-12-31T23:59:59.9Z"', '"1970-01-01T00:00:00Z"'),
        ("-2", "-1"),
        ("-1", "0"),
        ("9", "10"),
        ("99999999999999999999999999999999999998", "99999999999999999999999999999999999999"),
    ],
)
def test_a_newer_order_value_is_a_higher_place_whatever_kinesis_says(older, newer):
    assert _position_of(older, sequence_number="9") < _position_of(newer, sequence_number="1")
    assert _position_of(older)[:8] == _position_of(newer)[:8]


def test_equal_order_values_stand_in_kinesis_order():
    assert _position_of('"2026-01-01T00:00:00Z"', sequence_number="1") < _position_of(
        '"2026-01-01T01:00:00.0+01:00"', sequence_number="2"
    )


def test_times_and_integers_do_not_compare():
    assert _position_of("1")[:8] != _position_of('"2026-01-01T00:00:00Z"')[:8]


@pytest.mark.parametrize(
    "value",
    [
        '"yesterday"',
        '"2026-01-01"',
        '"2026-01-01T00:00:00"',
        '"2026-13-01T00:00:00Z"',
        '"2026-01-01T00:00:00.1234567890Z"',
        '"٢٠٢٦-01-01T00:00:00Z"',
        '"2026-01-01T00:00:00+05:99"',
        "1.5",
        "1e38",
        "true",
        "null",
        "[]",
    ],
)
def test_an_order_value_that_is_no_time_and_no_integer_is_rejected(value):
    with pytest.raises(RecordRejected) as rejected:
        _position_of(value)

    assert rejected.value.reason == Reason.ORDER_INVALID


def test_a_record_without_its_order_value_is_rejected():
    with pytest.raises(RecordRejected) as rejected:
        identified(f"{{{IDENTITY}}}", 'order = "at"')

    assert rejected.value.reason == Reason.ORDER_MISSING


def test_by_arrival_records_of_different_partition_keys_compare():
    earlier = identified(f"{{{IDENTITY}}}", 'unknown_order = "arrival"', partition_key=b"z", arrived_at=10.123)
    later = identified(f"{{{IDENTITY}}}", 'unknown_order = "arrival"', partition_key=b"a", arrived_at=10.124)

    assert earlier.position.lane == later.position.lane
    assert earlier.position.place < later.position.place
