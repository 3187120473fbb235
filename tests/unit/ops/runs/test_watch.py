"""Rate and estimate hold only what was seen from here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ops.clock import Clock, iso
from ops.runs.watch import Figures, Watcher
from shared.runs.model import Phase, Run, RunKind, Tally
from tests.fakes.clock import FakeClock
from tests.fakes.runs import FakeRunStore

RUN = Run("1" * 32, RunKind.ADOPTION, Phase.SWEEP, started_at=1_700_000_000.0, segments=2, workers=2)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def runs():
    runs = FakeRunStore()
    runs.begin(RUN)
    return runs


def watcher(runs, clock, expected=1_000):
    return Watcher(runs, RUN.run_id, item_count=lambda: expected, clock=Clock(clock.wall, clock.monotonic))


def visited(runs, number, count, *, phase=Phase.SWEEP, done=False):
    segment = runs.segment(RUN.run_id, phase, number)
    counts = {"visited": count, "mended": count // 2, "would_seal:a (pii)": 7}
    assert runs.save_segment(replace(segment, tally=Tally(counts), done=done))


def test_a_run_that_is_not_there_has_no_figures(clock):
    assert watcher(FakeRunStore(), clock).look() is None


def test_counts_are_the_sum_of_all_segments(runs, clock):
    visited(runs, 0, 100, done=True)
    visited(runs, 2, 20)

    figures = watcher(runs, clock).look()

    assert {"visited": 120, "mended": 60} == figures.counts
    assert (1, 3) == (figures.segments_done, figures.segments)
    assert figures.items_per_second is None


def test_the_rate_of_a_resumed_run_leaves_out_what_was_visited_before(runs, clock):
    visited(runs, 0, 400)
    looking = watcher(runs, clock)
    looking.look()
    visited(runs, 0, 500)
    clock.advance(10)

    figures = looking.look()

    assert 10 == figures.items_per_second
    assert clock.wall() + 50 == figures.ends_at


def test_what_is_in_quarantine_is_not_taken_for_items_of_the_table(runs, clock):
    looking = watcher(runs, clock)
    looking.look()
    visited(runs, 2, 900)
    visited(runs, 0, 100)
    clock.advance(10)

    assert clock.wall() + 9 == looking.look().ends_at


@pytest.mark.parametrize("expected", [None, 0, 500])
def test_where_the_table_does_not_know_how_many_it_holds_there_is_no_estimate(runs, clock, expected):
    looking = watcher(runs, clock, expected)
    looking.look()
    visited(runs, 0, 500)
    clock.advance(10)

    figures = looking.look()

    assert 50 == figures.items_per_second
    assert figures.ends_at is None


def test_a_scan_that_is_done_has_no_estimate_whatever_the_table_says_it_holds(runs, clock):
    looking = watcher(runs, clock)
    looking.look()
    for number in range(3):
        visited(runs, number, 100, done=True)
    clock.advance(10)

    assert looking.look().ends_at is None


def test_the_next_phase_is_measured_by_itself(runs, clock):
    looking = watcher(runs, clock)
    looking.look()
    visited(runs, 0, 1_000)
    clock.advance(10)
    looking.look()
    runs.save(replace(runs.load(RUN.run_id), phase=Phase.CENSUS))
    looking.look()
    visited(runs, 0, 100, phase=Phase.CENSUS)
    clock.advance(10)

    assert 10 == looking.look().items_per_second


def test_it_knows_when_something_was_last_stored(runs, clock):
    looking = watcher(runs, clock)
    looking.look()
    first = looking.moved_at
    clock.advance(5)
    looking.look()
    assert first == looking.moved_at
    visited(runs, 0, 1)
    looking.look()
    assert clock.monotonic() == looking.moved_at


def test_for_programs_times_are_of_one_form_and_estimates_may_be_absent():
    figures = Figures("1" * 32, RunKind.ADOPTION, Phase.SWEEP, {"visited": 3}, 3, 1, 3, 10, 1.26, 1_700_000_000.4)

    assert {
        "run_id": "1" * 32,
        "kind": "adoption",
        "phase": "sweep",
        "segments": 3,
        "segments_done": 1,
        "items_expected": 10,
        "items_per_second": 1.3,
        "ends_at": "2023-11-14T22:13:20Z",
        "counts": {"visited": 3},
    } == figures.document()
    assert iso(None) is None
