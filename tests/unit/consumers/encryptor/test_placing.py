from __future__ import annotations

from dataclasses import replace
from hashlib import md5

import pytest

from consumers.encryptor.identify import IdentifiedRecord, identify
from consumers.encryptor.placing import STREAMED, Terms, place
from shared.errors import Reason, RecordRejected
from shared.model import AttributeValue, InboundRecord
from shared.order import ORDER_AHEAD_SECONDS
from shared.policy.load import parse_policy

SOURCE = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
{order}
"""
POLICY = parse_policy(SOURCE.format(order=""), "policy.toml")
ORDERED = parse_policy(SOURCE.format(order='order = "at"'), "policy.toml")
BY_ARRIVAL = parse_policy(SOURCE.format(order='unknown_order = "arrival"'), "policy.toml")
HASH_KEY = int.from_bytes(md5(b"p", usedforsecurity=False).digest())
HERE, ELSEWHERE = range(HASH_KEY, HASH_KEY + 1), range(HASH_KEY)
ARRIVED_AT = 1_700_000_000.5
RECORD = InboundRecord("5", "shardId-0", 0, b"p", ARRIVED_AT, b"")


def claimed(policy=POLICY, record=RECORD, **attributes: AttributeValue) -> IdentifiedRecord:
    return identify(record, {"tenant_id": {"S": "acme"}, "id": {"S": "1"}, **attributes}, policy)


def at(seconds: int, nanoseconds: int = 0) -> dict[str, AttributeValue]:
    """An order time, seconds after 2023-11-14T22:13:20Z, half a second before the record arrived."""
    days, rest = divmod(80_000 + seconds, 86_400)
    hours, minutes, left = rest // 3_600, rest // 60 % 60, rest % 60
    return {"at": {"S": f"2023-11-{14 + days:02}T{hours:02}:{minutes:02}:{left:02}.{nanoseconds:09}Z"}}


def refusal(identified: IdentifiedRecord, terms: Terms, hash_keys: range | None) -> Reason:
    with pytest.raises(RecordRejected) as rejected:
        place(identified, terms, hash_keys)
    return rejected.value.reason


def test_a_record_whose_hash_key_falls_into_its_shard_is_taken_as_it_is():
    assert claimed() == place(claimed(), STREAMED, HERE)


@pytest.mark.parametrize("hash_keys", [ELSEWHERE, range(HASH_KEY + 1, 2**128), None])
def test_a_record_that_came_by_another_shard_or_one_that_nobody_knows_is_misplaced(hash_keys):
    assert Reason.MISPLACED is refusal(claimed(), STREAMED, hash_keys)


def test_an_explicit_hash_key_takes_the_place_of_the_partition_keys():
    explicit = claimed(record=replace(RECORD, explicit_hash_key=7))

    assert explicit == place(explicit, STREAMED, range(7, 8))
    assert Reason.MISPLACED is refusal(explicit, STREAMED, HERE)


def test_an_explicit_hash_key_makes_a_lane_of_its_own():
    records = [RECORD, *(replace(RECORD, explicit_hash_key=key) for key in (0, 7, 2**128 - 1))]

    assert 4 == len({claimed(record=record).position.lane for record in records})


WITH_AN_ORDER = [(ORDERED, at(0)), (ORDERED, {"at": {"N": "5"}}), (BY_ARRIVAL, {})]


@pytest.mark.parametrize("terms", [STREAMED, Terms(only_if_absent=True)])
@pytest.mark.parametrize(("policy", "attributes"), WITH_AN_ORDER)
def test_a_record_with_an_order_of_its_own_may_come_by_any_shard(terms, policy, attributes):
    identified = claimed(policy, **attributes)

    assert identified == place(identified, terms, HERE)
    for hash_keys in (ELSEWHERE, None):
        taken = place(identified, terms, hash_keys)
        assert identified == replace(taken, position=identified.position)
        assert identified.position.lane == taken.position.lane


@pytest.mark.parametrize(("policy", "attributes"), WITH_AN_ORDER)
def test_its_sequence_number_compares_with_nothing_and_a_copy_by_the_right_shard_is_higher(policy, attributes):
    at_home = place(claimed(policy, **attributes), STREAMED, HERE).position
    away = place(claimed(policy, replace(RECORD, sequence_number="9"), **attributes), STREAMED, ELSEWHERE).position

    assert (True, False) == (at_home.by_arrival is not None, away.by_arrival is not None)
    assert at_home.place > away.place


def test_what_was_misplaced_can_be_put_back_only_where_no_item_stands():
    put_back = place(claimed(), Terms(only_if_absent=True), ELSEWHERE)

    assert replace(claimed(), only_if_absent=True) == put_back


@pytest.mark.parametrize(
    ("reference", "seconds", "nanoseconds", "is_ahead"),
    [
        (None, ORDER_AHEAD_SECONDS, 500_000_000, False),
        (None, ORDER_AHEAD_SECONDS, 500_001_000, True),
        (None, ORDER_AHEAD_SECONDS + 1, 0, True),
        (None, -80_000, 0, False),
        (ARRIVED_AT + 100, ORDER_AHEAD_SECONDS + 100, 0, False),
        (ARRIVED_AT + 100, ORDER_AHEAD_SECONDS + 101, 0, True),
    ],
)
def test_an_order_time_more_than_a_day_after_arrival_or_the_present_is_ahead(reference, seconds, nanoseconds, is_ahead):
    identified, terms = claimed(ORDERED, **at(seconds, nanoseconds)), Terms(order_reference=reference)

    if is_ahead:
        assert Reason.ORDER_AHEAD is refusal(identified, terms, HERE)
    else:
        assert identified == place(identified, terms, HERE)


@pytest.mark.parametrize(("oldest", "is_too_old"), [(1_700_000_000.0, False), (1_700_000_000.5, True)])
def test_an_order_time_before_the_terms_is_refused_and_without_such_none_is(oldest, is_too_old):
    identified, terms = claimed(ORDERED, **at(0)), Terms(order_not_before=oldest)

    assert identified == place(identified, STREAMED, HERE)
    if is_too_old:
        assert Reason.ORDER_UNKNOWN is refusal(identified, terms, HERE)
    else:
        assert identified == place(identified, terms, HERE)


def test_of_an_integer_nobody_can_say_that_it_is_ahead():
    identified = claimed(ORDERED, at={"N": "9" * 38})

    assert identified == place(identified, STREAMED, HERE)
