"""Numbers as people read them."""

from __future__ import annotations

import pytest

from ops.report.words import count, duration, share, time


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (0, 0, "—"),
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (999_999, 1_000_000, "99.99 %"),
        (1, 1_000_000, "< 0.01 %"),
        (1, 10_000, "0.01 %"),
        (2_411, 2_412, "99.95 %"),
        (1, 20, "5.00 %"),
    ],
)
def test_a_share_of_what_is_good_is_never_rounded_up(part, whole, expected):
    assert expected == share(part, whole)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (0, 0, "—"),
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (1, 2_198, "0.05 %"),
        (1, 1_000_000, "0.01 %"),
        (1, 20, "5.00 %"),
        (999_999, 1_000_000, "> 99.99 %"),
    ],
)
def test_a_share_of_faults_is_never_rounded_down(part, whole, expected):
    assert expected == share(part, whole, of_faults=True)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (2.4, "2.4 s"),
        (59, "59 s"),
        (60, "1 min"),
        (192, "3 min 12 s"),
        (7_500, "2 h 5 min"),
        (86_400 * 2 + 3_600 * 4, "2 d 4 h"),
        (86_400 * 97, "97 d"),
        (86_400 * 365 * 2.5, "2.5 years"),
    ],
)
def test_a_duration_is_told_in_the_units_that_matter(seconds, expected):
    assert expected == duration(seconds)


def test_a_figure_says_exactly_what_it_is():
    assert '<data value="1234" data-figure="changes.total">1,234</data>' == count(1_234, "changes.total")


def test_a_time_says_exactly_what_it_is():
    assert '<time datetime="2026-01-01T00:00:00Z">2026-01-01 00:00:00</time>' == time(1_767_225_600.0)
