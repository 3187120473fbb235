"""What is shown while a run goes on: JSON lines for programs, bars in a terminal."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from ops.runs.display import RunLines, Silent, display_for
from ops.runs.live import Live, live_display
from ops.runs.watch import Figures
from shared.runs.model import Phase, Run, RunKind, Scope

RUN = Run("1" * 32, RunKind.ROTATION, Phase.SWEEP, 1_700_000_000.0, 2, 2, Scope(due=False, tenant_id="acme"))
SWEEP = Figures(
    "1" * 32,
    RunKind.ROTATION,
    Phase.SWEEP,
    {"visited": 1_200, "mended": 1_100},
    visited=1_200,
    segments_done=1,
    segments=3,
    expected=4_800,
    items_per_second=400.0,
    ends_at=1_700_000_009.0,
)


def written(out):
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_says_which_run_it_is_and_whether_it_was_joined():
    out = io.StringIO()
    RunLines(out).begun(RUN, joined=True)
    assert [
        {
            "event": "begun",
            "run_id": "1" * 32,
            "kind": "rotation",
            "joined": True,
            "started_at": "2023-11-14T22:13:20Z",
            "scope": "tenant acme",
        }
    ] == written(out)


def test_there_is_a_line_for_each_change_and_none_for_a_new_estimate_alone():
    out = io.StringIO()
    lines = RunLines(out)
    for figures in (
        SWEEP,
        SWEEP,
        replace(SWEEP, items_per_second=399.0, ends_at=1.0),
        replace(SWEEP, counts={"visited": 1_300}),
        replace(SWEEP, phase=Phase.BARRIER),
    ):
        lines.progress(figures)

    assert [
        ("sweep", {"visited": 1_200, "mended": 1_100}),
        ("sweep", {"visited": 1_300}),
        ("barrier", {"visited": 1_200, "mended": 1_100}),
    ] == [(line["phase"], line["counts"]) for line in written(out)]


def test_a_failure_is_a_line_of_its_own():
    out = io.StringIO()
    RunLines(out).trouble("sweeper: killed\n")
    assert [{"event": "trouble", "message": "sweeper: killed\n"}] == written(out)


@pytest.mark.parametrize(("as_json", "terminal", "kind"), [(0, 1, Live), (1, 1, RunLines), (0, 0, RunLines)])
def test_bars_are_for_terminals(monkeypatch, as_json, terminal, kind):
    monkeypatch.setattr("sys.stdout.isatty", lambda: bool(terminal), raising=False)
    with display_for(as_json=bool(as_json)) as display:
        assert kind is type(display)


@pytest.fixture
def screen():
    return Console(file=io.StringIO(), force_terminal=True, width=200, color_system=None)


def shown(screen):
    return screen.file.getvalue()


def test_a_bar_shows_counts_rate_and_end(screen):
    with live_display(screen) as live:
        live.begun(RUN, joined=False)
        live.progress(SWEEP)

    text = shown(screen)
    for part in ("tenant acme", "sweep", "visited 1,200 · mended 1,100 · 400 items/s · end 2023-11-14T22:13:29Z"):
        assert part in text


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (replace(SWEEP, ends_at=None), "400 items/s · end not known"),
        (replace(SWEEP, phase=Phase.BARRIER, counts={}, items_per_second=None), "until 2023-11-14T22:13:29Z"),
        (replace(SWEEP, expected=3), "visited 1,200"),
        (replace(SWEEP, phase=Phase.PREPARE, counts={"rewrapped": 3}), "rewrapped 3"),
    ],
)
def test_a_bar_says_what_is_known_in_each_phase(screen, figures, expected):
    with live_display(screen) as live:
        live.progress(figures)
        live.progress(replace(figures, phase=Phase.DONE))
    assert expected in shown(screen)


def test_what_comes_from_elsewhere_is_harmless_on_a_terminal(screen):
    with live_display(screen) as live:
        live.begun(replace(RUN, scope=Scope(tenant_id="[red]acme\x1b[2J")), joined=True)
        live.trouble("\x1b]0;title\x07 [bold]failed")

    text = shown(screen)
    assert "[red]acme\\u001b[2J" in text
    assert "joined, as it was begun 2023-11-14T22:13:20Z" in text
    assert "\\u001b]0;title\\u0007 [bold]failed" in text
    assert "\x1b]0" not in text


def test_nothing_is_shown_where_nobody_asks(capsys):
    silent = Silent()
    silent.begun(RUN, joined=True)
    silent.progress(SWEEP)
    silent.trouble("x")
    assert ("", "") == capsys.readouterr()
