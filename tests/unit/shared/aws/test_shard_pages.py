"""One shard read over an API that expires, throttles and forgets."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.aws.shard_pages import ATTEMPTS, BETWEEN_PAGES_SECONDS, Answer, shard_pages
from shared.errors import RequestRefused, StoreUnavailable
from shared.runtime.rereading import AfterRecord, AtRecord, AtTime, Page, Place, ShardRecord


def failure(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "canary"}}, "GetRecords")


def record(number: int) -> ShardRecord:
    return ShardRecord(str(number), float(number), {})


class FakeShard:
    """Some records, two a page; reads are answered by these failures first."""

    trimmed_codes = frozenset({"Trimmed"})

    def __init__(self, *numbers: int, failures: tuple[str, ...] = (), trims: str = "Trimmed", closed: bool = True):
        self.numbers = numbers
        self.failures = list(failures)
        self.trims = trims
        self.closed = closed
        self.asked: list[Place | None] = []
        self.throttled: list[int] = []

    def iterator(self, place: Place | None) -> str:
        self.asked.append(place)
        if place is not None and not isinstance(place, AtTime) and self.trims:
            first = int(place.sequence_number) + isinstance(place, AfterRecord)
            if self.numbers and first < self.numbers[0]:
                raise failure(self.trims)
        if isinstance(place, AtTime) or place is None:
            return "0"
        return str(int(place.sequence_number) - isinstance(place, AtRecord))

    def read(self, iterator: str, throttled: int) -> Answer:
        self.throttled.append(throttled)
        if self.failures and (code := self.failures.pop(0)):
            raise failure(code)
        found = [record(number) for number in self.numbers if number > int(iterator)][:2]
        last = found[-1].sequence_number if found else iterator
        at_end = last == str(self.numbers[-1]) if self.numbers else True
        return Answer(found, None if at_end and self.closed else last, at_end)


def numbers(pages: list[Page]) -> list[str]:
    return [one.sequence_number for page in pages for one in page.records]


def read(shard: Any, place: Place, waits: list[float] | None = None) -> list[Page]:
    return list(shard_pages(shard, place, wait=(waits if waits is not None else []).append))


def test_a_closed_shard_is_read_to_its_end():
    pages = read(FakeShard(1, 2, 3), AtRecord("1"))

    assert ["1", "2", "3"] == numbers(pages)
    assert [False, True] == [page.caught_up for page in pages]


def test_an_iterator_that_expired_is_asked_for_anew_where_reading_had_come_to():
    shard = FakeShard(1, 2, 3, failures=("", "ExpiredIteratorException"))

    assert ["1", "2", "3"] == numbers(read(shard, AtTime(5.0)))
    assert [AtTime(5.0), AfterRecord("2")] == shard.asked


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException"]
)
def test_what_is_throttled_is_asked_again_after_a_while_and_for_less(code):
    waits: list[float] = []
    shard = FakeShard(1, 2, 3, failures=(code, code, "ExpiredIteratorException", "", code))

    assert ["1", "2", "3"] == numbers(read(shard, AtRecord("1"), waits))
    assert [1.0, 1.0, BETWEEN_PAGES_SECONDS, 1.0] == waits
    assert [0, 1, 2, 2, 0, 1] == shard.throttled


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "ExpiredIteratorException"])
def test_what_does_not_end_is_an_outage_that_quotes_nothing(code):
    with pytest.raises(StoreUnavailable) as raised:
        read(FakeShard(1, failures=(code,) * ATTEMPTS), AtRecord("1"))

    assert "canary" not in str(raised.value)


def test_an_error_that_no_repetition_mends_is_said_at_once():
    shard = FakeShard(1, failures=("AccessDeniedException",))

    with pytest.raises(StoreUnavailable, match="AccessDenied"):
        read(shard, AtRecord("1"))


@pytest.mark.parametrize("place", [AtRecord("1"), AfterRecord("1")])
@pytest.mark.parametrize("trims", ["Trimmed", "TrimmedDataAccessException"])
def test_where_the_place_is_gone_reading_begins_at_the_oldest_record(place, trims):
    pages = read(FakeShard(5, 6, 7, trims=trims), place)

    assert ["5", "6", "7"] == numbers(pages)


@pytest.mark.parametrize("failures", [("", "TrimmedDataAccessException"), ("", "ExpiredIteratorException")])
@pytest.mark.parametrize(
    ("left", "anew"), [((7, 8, 9), [False, True, False]), ((2, 3), [False, False]), ((), [False, True])]
)
def test_a_page_says_that_it_begins_anew_where_retention_took_the_place_meanwhile(failures, left, anew):
    shard = FakeShard(1, 2, 3, 7, failures=failures)
    pages = shard_pages(shard, AtRecord("1"), wait=lambda _: None)
    found = [next(pages)]
    shard.numbers = left
    shard.trims = "Trimmed" if left else ""
    asks = shard.iterator

    def iterator(place: Place | None) -> str:
        if place is not None:
            raise failure("Trimmed")
        return asks(place)

    shard.iterator = iterator  # type: ignore[method-assign]
    found += pages

    assert anew == [page.begun_anew for page in found]
    assert ["1", "2", *map(str, left)] == numbers(found)


def test_a_shard_that_goes_while_it_is_read_begins_anew_with_nothing():
    shard = FakeShard(1, 2, 3, failures=("", "ResourceNotFoundException"))

    assert [False, True] == [page.begun_anew for page in read(shard, AtTime(5.0))]


def test_what_is_trimmed_between_iterator_and_reading_is_the_same():
    shard = FakeShard(5, 6, failures=("TrimmedDataAccessException",), trims="")

    assert ["5", "6"] == numbers(read(shard, AtRecord("5")))


def test_a_service_that_begins_at_the_oldest_by_itself_is_believed():
    assert ["5", "6"] == numbers(read(FakeShard(5, 6, trims=""), AtRecord("1")))


def test_a_number_that_the_shard_does_not_know_though_it_is_older_is_refused():
    class Unknown(FakeShard):
        def iterator(self, place: Place | None) -> str:
            if place is not None:
                raise failure("Trimmed")
            return "0"

    with pytest.raises(RequestRefused, match="older than this sequence number"):
        read(Unknown(1, 2), AtRecord("2"))


def test_a_shard_that_is_gone_is_one_empty_page():
    shard = FakeShard(1, failures=("ResourceNotFoundException",))

    assert [Page((), begun_anew=True)] == read(shard, AtRecord("1"))


def test_an_open_shard_goes_on_and_is_not_read_too_often():
    waits: list[float] = []
    pages = shard_pages(FakeShard(1, closed=False), AtRecord("1"), wait=waits.append)

    assert [["1"], [], []] == [[one.sequence_number for one in next(pages).records] for _ in range(3)]
    assert 2 == len(waits)
    assert 5 * waits[0] > 1, "leaves some of five reads a second to others"
