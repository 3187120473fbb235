"""A segment is gone through to its end, whoever is killed on the way and wherever."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from shared.errors import StoreUnavailable
from shared.runs.model import Example, Phase, Run, RunKind, Segment, Tally
from shared.scan.pace import PAGE_ITEMS, Pace
from shared.scan.segment import Progress, run_segment
from shared.scan.tally import MAX_EXAMPLES, MAX_KEYS
from tests.fakes.runs import FakeRunStore

RUN = Run("a" * 32, RunKind.RETIREMENT, Phase.CENSUS, started_at=0.0, segments=4, workers=2)


@dataclass
class Numbers:
    """A source of the numbers from 0, which are never all there at once."""

    size: int
    page_size: int = 3
    pages: list[tuple[int, int, str]] = field(default_factory=list)

    def page(self, *, segment: int, total: int, cursor: str, limit: int) -> tuple[Sequence[int], str]:
        self.pages.append((segment, total, cursor))
        begin = int(cursor or 0)
        end = min(begin + min(self.page_size, limit), self.size)
        return range(begin, end), str(end) if end < self.size else ""


@dataclass
class Count:
    """Counts numbers; keeps those it saw."""

    seen: list[int] = field(default_factory=list)

    def visit(self, elements: Sequence[int]) -> Tally:
        self.seen += elements
        return Tally({"visited": len(elements), "odd": sum(one % 2 for one in elements)}, {"acme/1": len(elements)})


def nothing() -> None:
    """There is nothing to tell."""


def go_on(
    runs, source, visitor, *, number=1, pace=None, is_over=lambda: False, keep_events: Callable[[], None] = nothing
) -> Progress:
    return run_segment(
        runs, RUN, number, source, visitor, pace=pace or Pace(), is_over=is_over, keep_events=keep_events
    )


def test_a_segment_is_visited_page_by_page_and_stored_as_done():
    runs, source, visitor = FakeRunStore(), Numbers(8), Count()

    progress = go_on(runs, source, visitor)

    tally = Tally({"visited": 8, "odd": 4}, {"acme/1": 8})
    assert Progress(done=True, counts=tally.counts) == progress
    assert Segment(RUN.run_id, Phase.CENSUS, 1, "", done=True, tally=tally, version=3) == runs.segment(
        RUN.run_id, Phase.CENSUS, 1
    )
    assert list(range(8)) == visitor.seen
    assert [(1, 4, ""), (1, 4, "3"), (1, 4, "6")] == source.pages


def test_a_segment_that_is_done_is_not_scanned_again():
    runs, source = FakeRunStore(), Numbers(8)
    go_on(runs, source, Count())
    source.pages.clear()

    assert Progress(done=True) == go_on(runs, source, Count())
    assert [] == source.pages


def test_an_empty_segment_is_done_at_once():
    assert Progress(done=True, counts={"visited": 0, "odd": 0}) == go_on(FakeRunStore(), Numbers(0), Count())


def test_a_worker_whose_time_is_over_stops_between_pages_and_another_goes_on():
    runs, source, visitor = FakeRunStore(), Numbers(8), Count()

    first = go_on(runs, source, visitor, is_over=lambda: True)
    assert (False, False, 3) == (first.done, first.overtaken, first.counts["visited"])
    second = go_on(runs, source, visitor)

    assert (True, 5) == (second.done, second.counts["visited"])
    assert list(range(8)) == visitor.seen
    assert runs.segment(RUN.run_id, Phase.CENSUS, 1).tally.counts["visited"] == 8


def test_one_who_is_overtaken_ends_and_counts_nothing_twice():
    runs, source, visitor = FakeRunStore(), Numbers(8), Count()

    class Slow(Count):
        def visit(self, elements: Sequence[int]) -> Tally:
            if elements[0] == 3:
                go_on(runs, source, visitor)
            return super().visit(elements)

    progress = go_on(runs, source, Slow())

    assert (False, True, 3) == (progress.done, progress.overtaken, progress.counts["visited"])
    segment = runs.segment(RUN.run_id, Phase.CENSUS, 1)
    assert segment.done
    assert {"visited": 8, "odd": 4} == segment.tally.counts


def test_an_outage_leaves_what_was_stored():
    runs, source = FakeRunStore(), Numbers(8)

    class Failing(Count):
        def visit(self, elements: Sequence[int]) -> Tally:
            if 6 in elements:
                raise StoreUnavailable("down")
            return super().visit(elements)

    with pytest.raises(StoreUnavailable):
        go_on(runs, source, Failing())

    segment = runs.segment(RUN.run_id, Phase.CENSUS, 1)
    assert ("6", False, 6) == (segment.cursor, segment.done, segment.tally.counts["visited"])


def test_what_a_page_told_is_kept_before_the_page_is_stored():
    runs, visitor, kept = FakeRunStore(), Count(), []

    def keep() -> None:
        if len(visitor.seen) > 6:
            raise StoreUnavailable("the audit bucket is down")
        kept.append(list(visitor.seen))

    with pytest.raises(StoreUnavailable):
        go_on(runs, Numbers(9), visitor, keep_events=keep)

    assert [[0, 1, 2], [0, 1, 2, 3, 4, 5]] == kept
    assert "6" == runs.segment(RUN.run_id, Phase.CENSUS, 1).cursor


class Killed(BaseException):
    """What nobody catches."""


@dataclass
class Fuse:
    """Kills at one of the calls that are counted, at most once."""

    at: int
    calls: int = 0

    def burn(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise Killed


class FusedRuns(FakeRunStore):
    """Kills before a call, and after it was done."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.before = lambda method: fuse.burn()
        self._fuse = fuse

    def save_segment(self, segment: Segment) -> Segment | None:
        saved = super().save_segment(segment)
        self._fuse.burn()
        return saved


class FusedNumbers(Numbers):
    def __init__(self, fuse: Fuse, size: int) -> None:
        super().__init__(size)
        self._fuse = fuse

    def page(self, *, segment: int, total: int, cursor: str, limit: int) -> tuple[Sequence[int], str]:
        self._fuse.burn()
        return super().page(segment=segment, total=total, cursor=cursor, limit=limit)


class FusedCount(Count):
    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def visit(self, elements: Sequence[int]) -> Tally:
        self._fuse.burn()
        tally = super().visit(elements)
        self._fuse.burn()
        return tally


@pytest.mark.parametrize("at", range(1, 17))
def test_killed_at_any_step_and_started_again_a_segment_ends_the_same(at):
    fuse = Fuse(at)
    runs, source, visitor = FusedRuns(fuse), FusedNumbers(fuse, 8), FusedCount(fuse)

    with pytest.raises(Killed):
        go_on(runs, source, visitor)
    assert at == fuse.calls
    progress = go_on(runs, source, visitor)

    assert progress.done
    assert set(range(8)) == set(visitor.seen)
    assert len(visitor.seen) <= 8 + source.page_size
    segment = runs.segment(RUN.run_id, Phase.CENSUS, 1)
    assert replace(segment, version=0) == Segment(
        RUN.run_id, Phase.CENSUS, 1, done=True, tally=Tally({"visited": 8, "odd": 4}, {"acme/1": 8})
    )


def test_these_are_all_the_steps():
    fuse = Fuse(at=0)
    assert go_on(FusedRuns(fuse), FusedNumbers(fuse, 8), FusedCount(fuse)).done
    assert fuse.calls == 16


class Everything(Count):
    """Counts each number under a key and as an example of its own: the most that a scan could have to keep."""

    def visit(self, elements: Sequence[int]) -> Tally:
        examples = tuple(Example("acme", str(one), "", "") for one in elements)
        return Tally({"visited": len(elements)}, {f"acme/{one:08x}": 1 for one in elements}, examples=examples)


class Unremembered(Numbers):
    """Keeps no list of what it was asked for."""

    def page(self, *, segment: int, total: int, cursor: str, limit: int) -> tuple[Sequence[int], str]:
        self.pages.clear()
        return super().page(segment=segment, total=total, cursor=cursor, limit=limit)


def _peak_bytes(size: int) -> int:
    tracemalloc.start()
    try:
        assert go_on(FakeRunStore(), Unremembered(size, page_size=PAGE_ITEMS), Everything()).done
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_what_is_scanned():
    # 30,000 numbers alone, kept anywhere, are some 1 MB
    assert _peak_bytes(30_000) < 600_000


def test_what_is_stored_of_a_segment_is_bounded():
    runs = FakeRunStore()
    go_on(runs, Numbers(2_000, page_size=PAGE_ITEMS), Everything())
    tally = runs.segment(RUN.run_id, Phase.CENSUS, 1).tally

    assert (MAX_KEYS, True, MAX_EXAMPLES) == (len(tally.keys), tally.keys_overflow, len(tally.examples))
    assert tally.counts["visited"] == 2_000


def test_examples_are_stored_without_ids_that_look_sensitive():
    class Sensitive(Count):
        def visit(self, elements: Sequence[int]) -> Tally:
            return Tally(examples=(Example("4111111111111111", "078-05-1120", "ssn", "in clear"),) * len(elements))

    runs = FakeRunStore()
    go_on(runs, Numbers(5), Sensitive())

    stored = repr(runs.segment(RUN.run_id, Phase.CENSUS, 1))
    assert "4111111111111111" not in stored
    assert "078-05-1120" not in stored
    (one,) = set(runs.segment(RUN.run_id, Phase.CENSUS, 1).tally.examples)
    assert one.tenant_id.startswith("sha256:")
    assert ("ssn", "in clear") == (one.where, one.why)
