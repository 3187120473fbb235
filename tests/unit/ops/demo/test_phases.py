"""How long the phases of a run lasted, noted on the way to the screen."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ops.demo import phases
from ops.demo.phases import TimedPhases
from ops.runs.watch import Figures
from shared.runs.model import Phase, Run, RunKind

RUN = Run("r", RunKind.ROTATION, Phase.PREPARE, started_at=0, segments=1, workers=1)


class Shown:
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.told_of: list[object] = []

    def begun(self, run, *, joined):
        self.told_of.append((run.run_id, joined))

    def progress(self, figures):
        self.told_of.append(figures.phase)

    def trouble(self, message):
        self.told_of.append(message)

    def told(self, message):
        self.told_of.append(message)


@pytest.fixture
def clock(monkeypatch):
    told = SimpleNamespace(now=100.0)
    told.monotonic = lambda: told.now
    monkeypatch.setattr(phases, "time", told)
    return told


def test_each_phase_lasts_until_the_next_is_seen_and_the_last_one_is_open(clock):
    display = TimedPhases(Shown())
    display.begun(RUN, joined=False)
    for at, phase in [(101, "prepare"), (102, "sweep"), (105, "sweep"), (109, "census"), (110, "done"), (111, "done")]:
        clock.now = at
        display.progress(Figures("r", RunKind.ROTATION, Phase(phase)))

    assert {Phase.PREPARE: 2, Phase.SWEEP: 7, Phase.CENSUS: 1} == display.seconds


def test_everything_is_passed_on(clock):
    shown = Shown()
    display = TimedPhases(shown)

    display.begun(RUN, joined=True)
    display.progress(Figures("r", RunKind.ROTATION, Phase.SWEEP))
    display.trouble("trouble")
    display.told("told")

    assert [("r", True), Phase.SWEEP, "trouble", "told"] == shown.told_of
