from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pytest

from consumers.encryptor.writing import Replace, Writer, Written, standing_item
from shared.errors import KeyServiceUnavailable, Reason, RecordRejected, StoreUnavailable
from shared.model import SOURCE, Attributes, Outcome, SealedItem
from shared.sealing import SealedWithKeys
from shared.source_position import ARRIVAL, FOUND, counter_position, integer_position, kinesis_position, time_position
from tests.fakes.items import FakeItemTable

KEY = ("acme", "1")
NOWHERE: Any = FOUND


def at(sequence: int, partition_key: bytes = b"p") -> Any:
    """A source position; it also stands for the planned record at it, of which the writer looks at nothing else."""
    return kinesis_position(partition_key, str(sequence), 0)


def sealed(position: Any) -> SealedWithKeys:
    attributes: dict[str, Any] = {"tenant_id": {"S": "acme"}, "item_id": {"S": "1"}, SOURCE: {"B": position.to_bytes()}}
    return SealedWithKeys(SealedItem("acme", "1", position, attributes, sealed_count=2), ())


@dataclass
class FakeSealer:
    """Seals, and says how often it was asked to; what was sealed is fresh from the n-th time on."""

    fresh_from: int = 1
    sealings: int = 0

    def seal(self, planned: Any) -> SealedWithKeys:
        self.sealings += 1
        return sealed(planned)

    def holds_the_same(self, item: SealedItem, found: Attributes) -> bool:
        return item.attributes == found

    def is_fresh(self, sealed: SealedWithKeys) -> bool:
        return self.sealings >= self.fresh_from


def writer(table: FakeItemTable, sealer: FakeSealer | None = None) -> Writer:
    return Writer(table, sealer or FakeSealer())


def stored_source(table: FakeItemTable) -> bytes:
    return table.items[KEY][SOURCE]["B"]


def test_records_of_one_lane_leave_the_newest_whatever_their_order():
    for order in [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 3, 1, 2, 2)]:
        table = FakeItemTable()
        for sequence in order:
            writer(table).write(at(sequence))

        assert at(3).to_bytes() == stored_source(table)


def test_older_is_superseded_equal_is_duplicate_newer_is_written():
    table = FakeItemTable()
    outcomes = [writer(table).write(at(sequence)) for sequence in (5, 4, 5, 6)]

    assert outcomes == [
        Written(Outcome.WRITTEN, 2),
        Written(Outcome.SUPERSEDED),
        Written(Outcome.DUPLICATE),
        Written(Outcome.WRITTEN, 2),
    ]


def test_another_lane_is_order_unknown_and_the_item_stays():
    table = FakeItemTable()
    writer(table).write(at(1, b"p"))

    with pytest.raises(RecordRejected) as rejected:
        writer(table).write(at(2, b"q"))

    assert rejected.value.reason == Reason.ORDER_UNKNOWN
    assert at(1, b"p").to_bytes() == stored_source(table)


ORDERINGS: list[Callable[[Any], Any]] = [
    lambda arrived: arrived,
    lambda arrived: integer_position(-5, arrived, ordered_by="n"),
    lambda arrived: time_position(5, arrived, ordered_by="at"),
    lambda arrived: time_position(9, arrived, ordered_by=ARRIVAL),
]


@pytest.mark.parametrize(("before", "now"), list(permutations(ORDERINGS, 2)))
def test_where_the_policy_ordered_differently_records_of_one_lane_of_the_stream_compare_by_arrival(before, now):
    table = FakeItemTable()
    writer(table).write(before(at(5)))

    assert Written(Outcome.SUPERSEDED, settles_lane=False) == writer(table).write(now(at(4)))
    assert before(at(5)).to_bytes() == stored_source(table)
    assert Written(Outcome.WRITTEN, 2) == writer(table).write(now(at(5)))
    assert now(at(5)).to_bytes() == stored_source(table)
    assert Written(Outcome.WRITTEN, 2) == writer(table).write(before(at(6)))
    assert before(at(6)).to_bytes() == stored_source(table)


@pytest.mark.parametrize(("before", "now"), list(permutations(ORDERINGS, 2)))
def test_records_of_different_lanes_of_the_stream_do_not_compare_where_the_policy_ordered_differently(before, now):
    table = FakeItemTable()
    writer(table).write(before(at(1, b"p")))

    with pytest.raises(RecordRejected) as rejected:
        writer(table).write(now(at(2, b"q")))

    assert rejected.value.reason == Reason.ORDER_UNKNOWN
    assert before(at(1, b"p")).to_bytes() == stored_source(table)


@pytest.mark.parametrize("arrived", [4, 6])
def test_a_time_and_an_integer_of_one_order_attribute_do_not_compare_not_even_by_arrival(arrived):
    table = FakeItemTable()
    time: Any = time_position(1, at(5), ordered_by="n")
    integer: Any = integer_position(1, at(arrived), ordered_by="n")
    writer(table).write(time)

    with pytest.raises(RecordRejected) as rejected:
        writer(table).write(integer)

    assert rejected.value.reason == Reason.ORDER_UNKNOWN
    assert time.to_bytes() == stored_source(table)


def test_an_item_of_another_lane_that_was_replaced_meanwhile_is_looked_at_again():
    table = FakeItemTable()
    writer(table).write(at(5))
    ordered: Any = integer_position(1, at(6), ordered_by="n")

    def another_writer_wins(item: SealedItem) -> None:
        if 2 == len(table.puts):
            table.items[KEY] = {SOURCE: {"B": at(7).to_bytes()}}

    table.before_put = another_writer_wins

    assert Written(Outcome.SUPERSEDED, settles_lane=False) == writer(table).write(ordered)
    assert at(7).to_bytes() == stored_source(table)


@pytest.mark.parametrize("door", [counter_position(3), at(1), integer_position(1, at(1), ordered_by="n")])
def test_what_came_by_another_door_does_not_compare(door):
    table = FakeItemTable()
    other_door: Any = counter_position(9) if door != counter_position(3) else at(9)
    writer(table).write(other_door)

    with pytest.raises(RecordRejected) as rejected:
        writer(table).write(door)
    assert rejected.value.reason == Reason.ORDER_UNKNOWN


def test_a_record_that_nobody_can_compare_is_written_where_no_item_stands_and_gives_way_to_any():
    table = FakeItemTable()

    assert Written(Outcome.WRITTEN, 2) == writer(table).write(NOWHERE)
    assert FOUND.to_bytes() == stored_source(table)
    assert Written(Outcome.WRITTEN, 2) == writer(table).write(at(1))


@pytest.mark.parametrize("standing", [{}, {SOURCE: {"B": FOUND.to_bytes()}}, {SOURCE: {"B": at(1).to_bytes()}}])
def test_a_record_that_nobody_can_compare_never_takes_an_items_place(standing):
    table = FakeItemTable()
    table.write(*KEY, **standing, somebody={"S": "else"})

    with pytest.raises(RecordRejected) as rejected:
        writer(table).write(NOWHERE)
    assert rejected.value.reason == Reason.MISPLACED
    assert "somebody" in table.items[KEY]


def test_a_put_whose_answer_was_lost_is_its_own_duplicate_though_nobody_can_compare_it():
    table = FakeItemTable()
    writer(table).write(NOWHERE)

    assert Written(Outcome.DUPLICATE) == writer(table).write(NOWHERE)


@pytest.mark.parametrize(
    "found",
    [
        {"S": "k-not-ours"},
        {"N": "7"},
        {"B": b""},
        {"B": b"k123"},
        {"B": b"x" * 36},
        {"B": at(9).to_bytes() + b"\0"},
        {"NULL": True},
        {"M": {}},
    ],
)
def test_a_source_position_that_is_not_ours_is_replaced_never_taken_for_a_duplicate(found):
    table = FakeItemTable()
    table.items[KEY] = {SOURCE: found}

    assert writer(table).write(at(1)) == Written(Outcome.WRITTEN, 2)
    assert at(1).to_bytes() == stored_source(table)


def test_an_item_without_source_position_is_replaced():
    table = FakeItemTable()
    table.items[KEY] = {"somebody": {"S": "else"}}

    assert writer(table).write(at(1)) == Written(Outcome.WRITTEN, 2)


def test_a_foreign_item_that_was_replaced_meanwhile_is_looked_at_again():
    table = FakeItemTable()
    table.items[KEY] = {SOURCE: {"S": "foreign"}}

    def another_writer_wins(item: SealedItem) -> None:
        if len(table.puts) == 1:
            table.items[KEY] = {SOURCE: {"B": at(8).to_bytes()}}

    table.before_put = another_writer_wins

    assert writer(table).write(at(7)) == Written(Outcome.SUPERSEDED)
    assert at(8).to_bytes() == stored_source(table)


def test_a_table_that_does_not_answer_is_told():
    table = FakeItemTable()

    def down(item: SealedItem) -> None:
        raise StoreUnavailable("down")

    table.before_put = down

    with pytest.raises(StoreUnavailable):
        writer(table).write(at(1))


def test_an_item_that_others_keep_rewriting_is_given_up_for_now():
    table = FakeItemTable()
    table.items[KEY] = {SOURCE: {"S": "0"}}

    def rewritten(item: SealedItem) -> None:
        table.items[KEY] = {SOURCE: {"S": str(len(table.puts))}}

    table.before_put = rewritten

    with pytest.raises(StoreUnavailable):
        writer(table).write(at(1))
    assert 4 == len(table.puts)


def test_what_outlived_its_keys_is_sealed_anew_before_it_is_sent():
    table, sealer = FakeItemTable(), FakeSealer(fresh_from=2)

    assert Written(Outcome.WRITTEN, 2) == writer(table, sealer).write(at(1))
    assert (2, 1) == (sealer.sealings, len(table.puts))


def test_what_outlives_its_keys_while_it_is_sealed_is_never_sent():
    table = FakeItemTable()

    with pytest.raises(KeyServiceUnavailable):
        writer(table, FakeSealer(fresh_from=9)).write(at(1))
    assert [] == table.puts


def test_standing_item_is_read_exactly():
    assert Replace(None) == standing_item(at(1), None)
    assert Replace(None) == standing_item(at(1), {"B": FOUND.to_bytes()})
    assert Replace(None) == standing_item(at(2), {"B": at(1).to_bytes()})
    assert Written(Outcome.DUPLICATE) == standing_item(at(1), {"B": at(1).to_bytes()})
    assert Written(Outcome.SUPERSEDED) == standing_item(at(1), {"B": at(2).to_bytes()})
