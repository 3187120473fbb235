"""A shard read again in calls: nothing is passed over, nothing is done twice but what did not pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from shared.errors import StoreUnavailable
from shared.runtime.rereading import (
    BATCH_BYTES,
    CallTime,
    Letter,
    Page,
    RecordSpan,
    Reread,
    ShardRecord,
    TimeSpan,
    reread,
    until_done,
)

ALL = RecordSpan("0", "999")


def record(number: int, arrived_at: float | None = None) -> ShardRecord:
    return ShardRecord(str(number), float(number if arrived_at is None else arrived_at), {"n": number})


def records(*numbers: int) -> list[ShardRecord]:
    return [record(number) for number in numbers]


class Worker:
    """Notes what it is given; what fails, fails so many times."""

    def __init__(self, **failures: int) -> None:
        self.batches: list[list[str]] = []
        self.failures = {name.removeprefix("_"): times for name, times in failures.items()}

    def __call__(self, batch: Sequence[ShardRecord]) -> str | None:
        numbers = [one.sequence_number for one in batch]
        self.batches.append(numbers)
        failed = [number for number in numbers if self.failures.get(number, 0) > 0]
        for number in failed:
            self.failures[number] -= 1
        return failed[0] if failed else None


def never() -> bool:
    return False


def test_a_batch_holds_no_more_than_an_event_of_lambda_but_one_record_at_least():
    work, half = Worker(), BATCH_BYTES // 2
    large = [ShardRecord(str(n), float(n), {}, size) for n, size in enumerate([half, half, 1, BATCH_BYTES * 2, half])]

    came = reread([Page(large)], ALL, work, is_over=never)

    assert [["0", "1"], ["2"], ["3"], ["4"]] == work.batches
    assert (5, True) == (came.records, came.done)


def outage(*pages: Page) -> Iterator[Page]:
    yield from pages
    raise StoreUnavailable("down")


def test_an_outage_of_the_stream_keeps_what_was_done_before_it():
    came = reread(outage(Page(records(1, 2)), Page(records(3))), ALL, Worker(), is_over=never)

    assert ("3", 3, False) == (came.after, came.records, came.done)


@pytest.mark.parametrize("pages", [[], [Page([])]])
def test_an_outage_before_anything_was_read_is_raised(pages):
    with pytest.raises(StoreUnavailable):
        reread(outage(*pages), ALL, Worker(), after="7", is_over=never)


def test_everything_is_worked_off_in_order_and_in_small_batches():
    work = Worker()

    came = reread([Page(records(1, 2, 3)), Page([]), Page(records(4))], ALL, work, batch_records=2, is_over=never)

    assert [["1", "2"], ["3"], ["4"]] == work.batches
    assert Reread("4", done=True, begun_at="1", records=4, first="1", last="4", oldest_arrived_at=1.0) == came


def test_only_what_the_span_holds_is_worked_off_and_reading_ends_behind_it():
    work = Worker()
    pages = iter([Page(records(1, 2)), Page(records(3, 4, 5)), Page(records(6))])

    came = reread(pages, RecordSpan("2", "4"), work, is_over=never)

    assert [["2"], ["3", "4"]] == work.batches
    assert (True, "5", "2", "4") == (came.done, came.after, came.first, came.last)
    assert [Page(records(6))] == list(pages), "not even read"


def test_a_span_of_time_reads_on_for_a_while_since_arrival_times_do_not_always_rise():
    work = Worker()
    late = record(3, 99.0)
    pages = iter([Page([record(1, 100.0), record(2, 110.0), late]), Page([record(4, 170.0)]), Page(records(5))])

    came = reread(pages, TimeSpan(100.0, 110.0), work, is_over=never)

    assert [["1"]] == work.batches
    assert came.done
    assert 1 == len(list(pages))


@pytest.mark.parametrize("end", [Page([], caught_up=True), Page([], reached=170.0)])
def test_reading_ends_where_nothing_younger_is_or_where_it_has_come_past_the_end_of_the_time(end):
    pages = iter([Page([record(1, 100.0)]), end, Page([record(2, 105.0)])])

    assert reread(pages, TimeSpan(100.0, 110.0), Worker(), is_over=never).done
    assert 1 == len(list(pages))


def test_a_call_ends_before_the_first_record_that_does_not_pass():
    came = reread([Page(records(1, 2, 3, 4))], ALL, Worker(_3=1), after="0", is_over=never)

    assert Reread("2", begun_at="1", next="3", records=2, first="1", last="2", oldest_arrived_at=1.0) == came


def test_where_not_even_the_first_passes_the_cursor_stays():
    assert Reread("0", begun_at="1", next="1") == reread(
        [Page(records(1, 2))], ALL, Worker(_1=1), after="0", is_over=never
    )


def test_a_call_does_one_batch_at_least_and_goes_on_where_the_last_one_ended():
    work = Worker()
    every = records(1, 2, 3, 4)
    after = "0"
    calls, done = 0, False
    while not done and calls < 9:
        left = [one for one in every if int(one.sequence_number) > int(after)]
        pages = [Page(left, caught_up=not left)]
        came = reread(pages, ALL, work, after=after, batch_records=1, is_over=lambda: True)
        after, done, calls = came.after or "", came.done, calls + 1

    assert [["1"], ["2"], ["3"], ["4"]] == work.batches
    assert 4 == calls


def test_what_a_call_came_to_already_is_not_worked_off_again():
    work = Worker()

    came = reread([Page(records(1, 2, 3))], ALL, work, after="2", is_over=never)

    assert [["3"]] == work.batches
    assert ("1", "3", 1) == (came.begun_at, came.after, came.records)


@pytest.mark.parametrize(
    ("pages", "following"),
    [
        ([Page(records(1, 2, 3))], "3"),
        ([Page(records(1, 2)), Page(records(3))], "3"),
        ([Page(records(1, 2)), Page([])], None),
        ([Page([]), Page(records(5))], "5"),
    ],
)
def test_a_call_that_ends_says_which_record_is_next_where_it_meets_one(pages, following):
    came = reread(pages, RecordSpan("0", "4"), Worker(), after="0", batch_records=2, is_over=lambda: True)

    assert (following, False) == (came.next, came.done)


def test_an_outage_while_the_next_record_is_asked_for_changes_nothing_of_what_was_done():
    came = reread(outage(Page(records(1))), ALL, Worker(), is_over=lambda: True)

    assert ("1", None, 1, False) == (came.after, came.next, came.records, came.done)


def test_empty_pages_do_not_outlast_the_call():
    assert not reread([Page([])] * 2, ALL, Worker(), is_over=lambda: True).done


@pytest.mark.parametrize(
    ("after", "following", "held", "missing", "found_from"),
    [
        (None, None, (1, 2, 3, 4, 5), False, None),
        (None, None, (1, 2, 3, 4, 5, 6), False, None),
        (None, None, (3, 4, 5), True, "3"),
        (None, None, (6,), True, None),
        (None, None, (), True, None),
        (None, None, (1, 2), True, None),
        (None, None, (1, 2, 9), True, None),
        (None, "1", (1, 2, 3, 4, 5), False, None),
        (None, "1", (2, 3, 4, 5), True, "2"),
        ("2", None, (2, 3, 4, 5), False, None),
        ("2", None, (3, 4, 5), True, "3"),
        ("2", None, (4, 5), True, "4"),
        ("2", None, (6,), True, None),
        ("2", None, (), True, None),
        ("2", None, (2, 3), True, None),
        ("2", "3", (2, 3, 4, 5), False, None),
        ("2", "3", (3, 4, 5), False, None),
        ("2", "3", (3, 4), True, None),
        ("2", "3", (4, 5), True, "4"),
        ("2", "6", (6,), True, None),
        ("5", None, (5,), False, None),
        ("5", None, (), False, None),
    ],
)
def test_what_was_asked_for_and_is_not_there_is_missing_at_either_end_and_between_two_calls(
    after, following, held, missing, found_from
):
    letter = Letter("1", "5", after, following)
    assert (following or after or "1") == letter.place.sequence_number
    left = [number for number in held if number >= int(letter.place.sequence_number)]
    work = Worker()

    came = reread([Page(records(*left), caught_up=True)], letter.span, work, after=after, is_over=never)

    assert {"missing": missing, "found_from": found_from} == letter.found(came)
    assert [[str(n) for n in left if int(after or 0) < n <= 5]] == (work.batches or [[]])


@pytest.mark.parametrize(
    ("behind", "found_from"),
    [
        ([Page(records(4, 5), begun_anew=True)], "4"),
        ([Page([], begun_anew=True), Page(records(4, 5), begun_anew=True)], "4"),
        ([Page(records(6), begun_anew=True)], None),
        ([Page([], begun_anew=True)], None),
    ],
)
@pytest.mark.parametrize("over", [True, False])
def test_what_retention_takes_between_two_pages_is_missing(behind, found_from, over):
    letter = Letter("1", "5")

    came = reread([Page(records(1, 2)), *behind], letter.span, Worker(), is_over=lambda: over)

    said = letter.found(came)
    assert said["missing"]
    assert said["found_from"] in ({found_from, None} if over else {found_from})


def test_a_gap_before_the_first_record_is_none_where_reading_begins_at_the_right_one():
    came = reread([Page(records(1, 5), begun_anew=True)], ALL, Worker(), is_over=never)

    assert (False, None) == (came.has_gap, came.found_from)


def test_what_was_not_read_yet_is_not_missing():
    letter = Letter("1", "5")

    came = reread([Page([]), Page(records(1, 2)), Page(records(3))], letter.span, Worker(), is_over=lambda: True)

    assert (False, {"missing": False, "found_from": None}) == (came.done, letter.found(came))


def test_a_batch_is_tried_again_from_the_first_record_that_failed():
    tried: list[list[str]] = []
    waits: list[float] = []

    def attempt(batch: Sequence[ShardRecord]) -> set[str]:
        tried.append([one.sequence_number for one in batch])
        return {"3", "2"} if len(tried) == 1 else {"3"} if len(tried) == 2 else set()

    assert until_done(records(1, 2, 3), attempt, wait=waits.append) is None
    assert [["1", "2", "3"], ["2", "3"], ["3"]] == tried
    assert [1, 2] == waits


def test_what_still_fails_is_named():
    assert "2" == until_done(records(1, 2, 3), lambda _: {"2"}, wait=lambda _: None)


def test_a_calls_time_is_over_with_the_invocations_or_with_what_was_granted():
    now = [0.0]
    left = [100.0]

    def time_of(seconds: float | None) -> CallTime:
        return CallTime(lambda: left[0], 60, seconds=seconds, monotonic=lambda: now[0])

    unlimited, granted = time_of(None), time_of(10)
    assert (40.0, 10.0) == (unlimited.left(), granted.left())
    now[0] = 10.0
    assert (False, True) == (unlimited.is_over(), granted.is_over())
    left[0] = 60.0
    assert unlimited.is_over()
    left[0] = 5.0
    assert 0 == unlimited.left()
