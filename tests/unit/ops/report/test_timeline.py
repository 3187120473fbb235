"""Counts over time: few steps, and nothing lost when they are joined."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ops.report.timeline import MOST_STEPS, Steps, Timeline

MONDAY = 1_767_571_200.0
"""2026-01-05T00:00:00Z."""
YEARS = 3_000_000_000


def counted(*times: float, kind: str = "verified") -> Steps:
    timeline = Timeline()
    for at in times:
        timeline.add(at, kind)
    return timeline.steps()


@given(st.lists(st.tuples(st.floats(0, YEARS), st.sampled_from(["verified", "stale"])), max_size=40))
def test_whatever_is_counted_stands_in_its_step_and_the_steps_are_few(counted_ones):
    timeline = Timeline()
    for at, kind in counted_ones:
        timeline.add(at, kind)
    steps = timeline.steps()
    expected = {
        kind: [
            sum(one == kind and start <= at < start + steps.width_seconds for at, one in counted_ones)
            for start in steps.starts
        ]
        for kind in sorted({kind for _, kind in counted_ones})
    }
    assert expected == {kind: [*numbers] for kind, numbers in steps.counts.items()}
    assert len(counted_ones) == sum(sum(numbers) for numbers in steps.counts.values())
    assert len(steps.starts) <= MOST_STEPS + (steps.width_seconds > 300 * 86_400) * 60


def test_two_minutes_are_in_steps_of_seconds():
    assert (5, 25) == ((steps := counted(MONDAY, MONDAY + 120)).width_seconds, len(steps.starts))


def test_steps_without_anything_are_there_too():
    assert {"verified": (1, 0, 1)} == counted(MONDAY, MONDAY + 2).counts


def test_weeks_begin_on_mondays():
    steps = counted(MONDAY + 86_400, MONDAY + 100 * 86_400)
    assert (7 * 86_400, MONDAY) == (steps.width_seconds, steps.starts[0])


def test_without_anything_there_is_no_step():
    assert ((), 0) == ((steps := Timeline().steps()).starts, steps.ends_at)
