"""So many items a second, and not more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.runs.model import Phase, Run, RunKind
from shared.scan.pace import PAGE_ITEMS, Pace
from shared.scan.segment import run_segment
from tests.fakes.clock import FakeClock
from tests.fakes.runs import FakeRunStore
from tests.unit.shared.scan.test_segment import Count, Numbers

RUN = Run("a" * 32, RunKind.ROTATION, Phase.SWEEP, started_at=0.0, segments=4, workers=4, items_per_second=40.0)


@pytest.mark.parametrize(("rate", "page_items"), [(None, PAGE_ITEMS), (1e6, PAGE_ITEMS), (7.9, 7), (0.1, 1)])
def test_a_page_holds_what_may_be_visited_in_a_second(rate, page_items):
    assert page_items == Pace(rate).page_items


def test_each_worker_has_its_share():
    assert Pace.of(RUN).items_per_second == 10.0
    assert Pace.of(replace(RUN, items_per_second=None)).items_per_second is None
    assert Pace.of(replace(RUN, workers=0)).items_per_second == 40.0


@pytest.mark.parametrize(("visit_seconds", "expected"), [(0.0, 10.0), (0.5, 10.0), (2.0, 20.0)])
def test_a_scan_takes_as_long_as_its_rate_says_or_as_long_as_it_needs(visit_seconds, expected):
    clock = FakeClock()
    pace = Pace(10.0, clock.monotonic, clock.advance)

    class Working(Count):
        def visit(self, elements):
            clock.advance(visit_seconds)
            return super().visit(elements)

    run_segment(
        FakeRunStore(),
        RUN,
        0,
        Numbers(100, page_size=50),
        Working(),
        pace=pace,
        is_over=lambda: False,
        keep_events=lambda: None,
    )

    assert expected == pytest.approx(clock.monotonic() - FakeClock().monotonic())


def test_without_a_rate_nobody_waits():
    def sleep(_seconds: float) -> None:
        pytest.fail("slept")

    Pace(None, sleep=sleep).keep(1_000_000, begun=0.0)
