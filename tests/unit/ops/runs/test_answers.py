"""What the rotation function and the workers really answer is understood."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumers.rotation.answer import begin_answer, run_answer
from consumers.rotation.tallies import Scan
from ops.errors import FunctionRefused
from ops.runs import answers
from ops.runs.answers import Begun, Scanned, Step
from shared.runs.model import Phase, Run, RunKind, Segment

NOW = 1_700_000_000.0
RUN = Run("1" * 32, RunKind.ROTATION, Phase.PREPARE, started_at=NOW, segments=3, workers=2, barrier_until=NOW + 20.5)


@pytest.mark.parametrize("joined", [True, False])
def test_a_run_that_is_begun(joined):
    assert Begun(RUN.run_id, joined) == answers.begin(lambda _: begin_answer(RUN, joined=joined), {})


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (Phase.PREPARE, Step(Phase.PREPARE)),
        (Phase.SWEEP, Step(Phase.SWEEP, (0, 2, 3))),
        (Phase.BARRIER, Step(Phase.BARRIER, wait_seconds=21)),
        (Phase.CENSUS, Step(Phase.CENSUS, (0, 1, 2, 3))),
        (Phase.DONE, Step(Phase.DONE)),
    ],
)
def test_a_run_in_each_phase(phase, expected):
    run = replace(RUN, phase=phase)
    sweep = Scan.of(run, [Segment(run.run_id, Phase.SWEEP, 1, done=True)])
    assert expected == answers.advance(lambda _: run_answer(run, sweep, Scan.of(run, ()), NOW), run.run_id)


def test_a_segment():
    answer = {"run_id": RUN.run_id, "segment": 3, "done": False, "overtaken": True}
    assert Scanned(done=False, overtaken=True) == answers.scan(lambda _: answer, RUN.run_id, 3, 20)


@pytest.mark.parametrize("answer", [None, [], {}, "done"])
def test_an_answer_that_is_none_is_a_refusal(answer):
    for ask in (
        lambda: answers.begin(lambda _: answer, {}),
        lambda: answers.advance(lambda _: answer, RUN.run_id),
        lambda: answers.scan(lambda _: answer, RUN.run_id, 3, 20),
    ):
        with pytest.raises(FunctionRefused, match="does not understand"):
            ask()
