"""Which changes say how long records take, and what they say."""

from __future__ import annotations

import pytest

from consumers.auditor.lag import LAG_AT_MOST_SECONDS, arrival_of, lags
from shared.model import ChangeKind, ItemChange, Verdict, VerdictKind
from shared.policy.verify_change import Mending
from shared.source_position import (
    FOUND,
    SourcePosition,
    counter_position,
    file_position,
    kinesis_position,
    time_position,
)

ARRIVED_AT = 1_700_000_000.123
FIRST, SECOND = (kinesis_position(b"key", number, 0) for number in ("1", "2"))
FIRST_BY_TIME = time_position(5, FIRST, ordered_by="updated_at")
BY_ANOTHER_SHARD = FIRST_BY_TIME.of_another_shard()
OF_A_FILE = file_position(1_600_000_000, "0055", bytes(8), 3)
VERIFIED = Verdict(VerdictKind.VERIFIED)


def item(position: SourcePosition | None, arrived: dict[str, str] | None = None):
    source = {} if position is None else {"_src": {"B": position.to_bytes()}}
    return {**source, "_arrived": {"N": "1700000000123"} if arrived is None else arrived}


def told(new, old=None, verdict=VERIFIED, mended=None):
    kind = ChangeKind.REMOVE if new is None else ChangeKind.MODIFY if old else ChangeKind.INSERT
    return arrival_of(ItemChange("1", kind, "acme", "c-1", old, new, changed_at=1_700_000_009.0), verdict, mended)


@pytest.mark.parametrize("position", [FIRST, FIRST_BY_TIME, BY_ANOTHER_SHARD, OF_A_FILE])
def test_a_record_that_made_an_item_says_when_it_arrived(position):
    assert ARRIVED_AT == told(item(position))


@pytest.mark.parametrize("before", [FIRST, OF_A_FILE, FOUND, None])
def test_so_does_one_that_replaced_another_whatever_that_was(before):
    assert ARRIVED_AT == told(item(SECOND), item(before, {"N": "1600000000000"}))


@pytest.mark.parametrize(
    "position", [counter_position(7), time_position(5, counter_position(7), ordered_by="at"), FOUND]
)
def test_what_came_by_another_door_did_not_come_the_way_that_is_measured(position):
    """Whoever writes single items says when he wrote, not when he was asked to."""
    assert told(item(position)) is None


@pytest.mark.parametrize("kind", list(VerdictKind))
def test_only_items_of_sealstreams_own_form_count_be_they_stale_or_suspicious(kind):
    counts = kind in {VerdictKind.VERIFIED, VerdictKind.STALE, VerdictKind.UNDECLARED}

    assert (ARRIVED_AT if counts else None) == told(item(FIRST), verdict=Verdict(kind))


@pytest.mark.parametrize("mended", list(Mending))
def test_a_mending_brings_no_record(mended):
    assert told(item(SECOND), item(FIRST), mended=mended) is None


@pytest.mark.parametrize("position", [FIRST, FIRST_BY_TIME, OF_A_FILE])
def test_nor_does_whatever_leaves_the_record_that_stands_there(position):
    assert told(item(position), item(position)) is None


@pytest.mark.parametrize(("before", "after"), [(FIRST, FIRST_BY_TIME), (FIRST_BY_TIME, FIRST)])
def test_nor_does_a_replay_that_brings_an_item_under_another_order(before, after):
    assert told(item(after), item(before)) is None


def test_a_removal_brings_none_either():
    assert told(None, item(FIRST), Verdict(VerdictKind.REMOVED)) is None


def test_an_item_from_before_arrivals_were_noted_says_nothing():
    assert told({"_src": {"B": FIRST.to_bytes()}}) is None


def test_a_lag_is_what_passed_until_the_verification():
    assert [0.877, 5.0] == lags([ARRIVED_AT, 1_699_999_996.0], verified_at=1_700_000_001.0)


def test_by_a_clock_ahead_of_the_auditors_no_time_passed():
    assert [0.0] == lags([1_700_000_000.5], verified_at=1_700_000_000.0)


def test_what_an_operator_put_back_says_nothing_of_how_fast_records_pass():
    oldest = 1_700_000_000.0 - LAG_AT_MOST_SECONDS

    assert [float(LAG_AT_MOST_SECONDS)] == lags([oldest, oldest - 0.001], verified_at=1_700_000_000.0)
