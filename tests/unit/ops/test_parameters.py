"""Times as operators type them."""

from __future__ import annotations

from typing import Any

import click
import pytest

from ops.parameters import moment

NOW = 1_700_000_000.0
CLICK: Any = None


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    monkeypatch.setattr("ops.parameters.time", lambda: NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14T22:13:20.250+00:00", NOW + 0.25),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14 22:13:20", NOW),
        ("2023-11-14", NOW - 80_000),
        ("90s", NOW - 90),
        ("30m", NOW - 1_800),
        ("2h", NOW - 7_200),
        ("7d", NOW - 604_800),
        ("0s", NOW),
    ],
)
def test_a_time_is_one_of_the_calendar_or_how_long_ago(text, seconds):
    assert seconds == moment(CLICK, CLICK, text)


def test_no_time_is_none():
    assert moment(CLICK, CLICK, None) is None


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2h30m", "-2h", "1w", "2023-13-01", "1700000000", "9999999d", "0001-01-01T00:00+23:00"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(click.BadParameter, match="2026-01-31"):
        moment(CLICK, CLICK, text)
