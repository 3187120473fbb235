"""Marks on axes: round ones, and few."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from matplotlib.figure import Figure

from ops.report.axes import over_durations, over_time

BEGIN = datetime(2026, 1, 30, 22, 30, 7, tzinfo=UTC)


def marks(**lasting: float) -> list[str]:
    axes = Figure().subplots()
    begin = BEGIN.timestamp()
    over_time(axes, begin, begin + timedelta(**lasting).total_seconds(), most=6)
    return [label.get_text() for label in axes.get_xticklabels()]


@pytest.mark.parametrize(
    ("lasting", "expected"),
    [
        ({"seconds": 25}, ["22:30:10\n30 Jan 2026", "22:30:15", "22:30:20", "22:30:25", "22:30:30"]),
        ({"hours": 5}, ["23:00\n30 Jan 2026", "00:00\n31 Jan 2026", "01:00", "02:00", "03:00"]),
        ({"days": 4}, ["31 Jan\n2026", "01 Feb", "02 Feb", "03 Feb"]),
        ({"days": 150}, ["Feb\n2026", "Mar", "Apr", "May", "Jun"]),
        ({"days": 700}, ["Jul\n2026", "Jan\n2027", "Jul"]),
    ],
)
def test_times_are_marked_where_people_expect_it(lasting, expected):
    assert expected == marks(**lasting)


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (1, 40, ["1 s", "10 s", "1 min"]),
        (3_000, 3_100, ["1 h"]),
        (20, 20, ["10 s", "1 min"]),
        (0.2, 0.3, ["1 s"]),
        (20 * 365 * 86_400, 21 * 365 * 86_400, ["5 y"]),
        (1, 400 * 86_400, ["1 s", "10 s", "1 min", "10 min", "1 h", "6 h", "1 d", "7 d", "30 d", "90 d", "1 y"]),
    ],
)
def test_durations_are_marked_by_their_units(least, most, expected):
    axes = Figure().subplots()
    over_durations(axes, least, most)
    low, high = axes.get_xlim()
    assert low <= max(least, 1) <= max(most, 1) <= high, "less than a second is drawn as one"
    assert expected == [label.get_text() for label in axes.get_xticklabels()]


@pytest.mark.parametrize("days", [0.00001, 0.1, 1, 9, 40, 100, 365, 1_000, 4_000])
def test_marks_are_few_and_there_is_one(days):
    assert 1 <= len(marks(days=days)) <= 7
