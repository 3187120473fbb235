"""On AWS the state machine drives the run, and this process looks on."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ops.errors import NoProgress
from ops.runs.display import Silent
from ops.runs.driver import drive
from ops.runs.errors import LeftToAws
from ops.runs.follow import STARTS, STILL_SECONDS
from ops.runs.options import Options
from shared.errors import StoreUnavailable
from shared.runs.model import Phase, RunKind, Scope
from tests.unit.ops.runs.deployment import Deployment


@dataclass
class FakeMachine:
    """Drives the run that it was started for by a step whenever time passes, as long as an execution is at work."""

    deployment: Deployment
    started: list[str] = field(default_factory=list)
    at_work: bool = False
    dies_of: str = ""
    starts_are_in_vain: bool = False
    unreachable: int = 0

    def start(self, run_id):
        if self.unreachable:
            self.unreachable -= 1
            raise StoreUnavailable("starting the state machine: ThrottlingException")
        self.started.append(run_id)
        self.at_work = not self.starts_are_in_vain
        return f"execution-{len(self.started)}"

    def failure(self, execution):
        return self.dies_of

    def step(self):
        if not self.at_work:
            return
        run_id = self.started[-1] if self.started else self.deployment.runs.latest(RunKind.ROTATION).run_id
        answer = self.deployment.rotation({"operation": "advance", "run_id": run_id})
        for segment in answer.get("segments", ()):
            self.deployment.sweeper({"run_id": run_id, "segment": segment})


@pytest.fixture
def deployment():
    deployment = Deployment(barrier_seconds=1_000)
    machine = deployment.machine = FakeMachine(deployment)
    advance = deployment.clock.advance

    def advance_and_work(seconds):
        advance(seconds)
        machine.step()

    deployment.clock.advance = advance_and_work  # type: ignore[method-assign]
    return deployment


class Seen(Silent):
    def __init__(self):
        self.phases = []
        self.troubles = []

    def progress(self, figures):
        self.phases.append(figures.phase)

    def trouble(self, message):
        self.troubles.append(message)


def test_the_machine_is_started_once_for_the_run_that_was_begun_and_followed_to_the_verdict(deployment):
    seen = Seen()
    asked = Options(scope=Scope(due=False), workers=4)

    view = drive(RunKind.ROTATION, asked, ports=deployment.ports(), display=seen)

    assert view.is_good
    assert [view.run.run_id] == deployment.machine.started
    assert {"kind": "rotation", "due": False, "workers": 4, "operation": "begin"} == deployment.asked[0]
    assert [Phase.PREPARE, Phase.SWEEP, Phase.BARRIER, Phase.CENSUS, Phase.DONE] == list(dict.fromkeys(seen.phases))


def test_without_waiting_it_ends_with_the_run_that_was_begun(deployment):
    view = drive(RunKind.ROTATION, ports=deployment.ports(), wait=False)

    assert 1 == len(deployment.machine.started)
    assert deployment.runs.latest(RunKind.ROTATION) == view.run
    assert Phase.PREPARE is view.run.phase


def test_a_run_that_is_called_off_before_its_execution_comes_to_anything_begins_no_other(deployment):
    begun = drive(RunKind.DESTRUCTION, Options(abandon_backups=True), ports=deployment.ports(), wait=False).run
    deployment.rotation({"operation": "cancel", "run_id": begun.run_id})

    deployment.clock.advance(60)

    assert ["begin", "cancel", "advance"] == [payload["operation"] for payload in deployment.asked]
    assert begun.run_id == deployment.runs.latest(RunKind.DESTRUCTION).run_id


def test_who_does_not_wait_starts_the_machine_for_a_run_that_he_joins_too(deployment):
    """Whether anybody drives it nobody knows; two who do share the work."""
    joined = deployment.rotation({"operation": "begin", "kind": "rotation"})["run_id"]

    drive(RunKind.ROTATION, ports=deployment.ports(), wait=False)

    assert [joined] == deployment.machine.started


def test_an_interrupt_says_whether_the_machine_was_started_for_the_run(deployment):
    class Interrupted(Silent):
        def progress(self, figures):
            raise KeyboardInterrupt

    with pytest.raises(LeftToAws):
        drive(RunKind.ROTATION, ports=deployment.ports(), display=Interrupted())
    with pytest.raises(KeyboardInterrupt) as joined:
        drive(RunKind.ROTATION, ports=deployment.ports(), display=Interrupted())
    assert KeyboardInterrupt is joined.type


def test_a_run_that_somebody_else_drives_is_only_looked_at(deployment):
    deployment.rotation({"operation": "begin", "kind": "rotation"})
    deployment.machine.at_work = True

    assert drive(RunKind.ROTATION, ports=deployment.ports()).is_good
    assert [] == deployment.machine.started


def test_a_run_that_nobody_drives_any_more_is_taken_up(deployment):
    deployment.rotation({"operation": "begin", "kind": "rotation"})
    began, seen = deployment.clock.monotonic(), Seen()

    assert drive(RunKind.ROTATION, ports=deployment.ports(), display=seen).is_good
    assert 1 == len(deployment.machine.started)
    assert deployment.clock.monotonic() > began + STILL_SECONDS
    assert any("starting the state machine" in trouble for trouble in seen.troubles)


def test_a_run_that_never_moves_is_given_up(deployment):
    deployment.machine.starts_are_in_vain = True
    with pytest.raises(NoProgress, match="does not move"):
        drive(RunKind.ROTATION, ports=deployment.ports())
    assert 1 + STARTS == len(deployment.machine.started)


def test_an_execution_that_failed_is_said_at_once(deployment):
    deployment.machine.dies_of = "States.Timeout"
    with pytest.raises(NoProgress, match=r"States\.Timeout.*log groups"):
        drive(RunKind.ROTATION, ports=deployment.ports())


def test_a_run_that_is_gone_is_not_waited_for(deployment):
    load, looks = deployment.runs.load, []

    def gone(run_id):
        looks.append(run_id)
        return load(run_id) if len(looks) == 1 else None

    deployment.runs.load = gone
    with pytest.raises(NoProgress, match="gone from the runs table"):
        drive(RunKind.ROTATION, ports=deployment.ports())


def test_a_service_that_throttles_is_asked_again(deployment):
    deployment.machine.unreachable = 3
    assert drive(RunKind.ROTATION, ports=deployment.ports()).is_good
