"""`sealstream rotation cancel`, and what becomes of those who drive or follow a run that is called off."""

from __future__ import annotations

import json

import pytest

from ops.errors import FunctionFailed, NoProgress
from ops.runs.cancel import cancel
from ops.runs.driver import drive
from ops.runs.operate import operate
from ops.runs.options import Options
from shared.runs.model import Phase, RunKind
from tests.unit.ops.runs.deployment import Deployment


def begun(deployment: Deployment, kind: RunKind = RunKind.ROTATION, **options: object) -> str:
    return str(deployment.rotation({"operation": "begin", "kind": kind, **options})["run_id"])


@pytest.mark.parametrize("kind", RunKind)
def test_the_only_run_that_is_not_done_is_called_off(capsys, kind):
    deployment = Deployment()
    drive(RunKind.SURVEY, ports=deployment.ports())
    run_id = begun(deployment, kind)

    assert 0 == cancel(ports=deployment.ports())

    run = deployment.runs.load(run_id)
    assert (Phase.DONE, "cancelled") == (run.phase, run.verdict)
    told = capsys.readouterr().out
    assert told.startswith(f"{kind} {run_id} (")
    assert "Nothing of what was done is undone" in told


def test_again_is_as_good(capsys):
    deployment = Deployment()
    run_id = begun(deployment)
    assert [0, 0] == [cancel(run_id, ports=deployment.ports()) for _ in range(2)]
    assert 2 == capsys.readouterr().out.count("called off")


def test_of_several_runs_none_is_chosen():
    deployment = Deployment()
    runs = [begun(deployment, kind) for kind in (RunKind.ROTATION, RunKind.ADOPTION)]

    with pytest.raises(SystemExit, match="2 runs are not done: say which") as ended:
        cancel(ports=deployment.ports())

    assert all(run_id in str(ended.value) for run_id in runs)
    assert {""} == {deployment.runs.load(run_id).verdict for run_id in runs}
    assert 0 == cancel(runs[1], ports=deployment.ports())
    assert ["", "cancelled"] == [deployment.runs.load(run_id).verdict for run_id in runs]


def test_where_every_run_is_done_there_is_nothing_to_call_off():
    deployment = Deployment()
    drive(RunKind.ROTATION, ports=deployment.ports())
    with pytest.raises(SystemExit, match="every run is done"):
        cancel(ports=deployment.ports())


def test_a_run_that_had_ended_before_says_how(capsys):
    deployment = Deployment()
    run_id = drive(RunKind.ROTATION, ports=deployment.ports()).run.run_id
    assert 1 == cancel(run_id, ports=deployment.ports())
    assert "had ended before: safe to retire, and retired" in capsys.readouterr().out


def test_for_programs_it_is_one_document(capsys):
    deployment = Deployment()
    run_id = begun(deployment)
    assert 0 == cancel(as_json=True, ports=deployment.ports())
    document = json.loads(capsys.readouterr().out)
    assert (run_id, "cancelled", False) == tuple(document[name] for name in ("run_id", "verdict", "good"))


def test_an_outage_is_borne_and_told_and_not_for_ever(capsys):
    deployment = Deployment()
    run_id = begun(deployment)

    def fails(_):
        raise FunctionFailed("rotation function: throttled")

    deployment.before_rotation = fails
    with pytest.raises(NoProgress):
        cancel(run_id, ports=deployment.ports())
    assert "throttled" in capsys.readouterr().err


@pytest.mark.parametrize("phase", [Phase.SWEEP, Phase.CENSUS])
def test_who_drives_a_run_that_is_called_off_ends_with_status_1_and_says_so(monkeypatch, capsys, phase):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    deployment = Deployment()

    def before_sweep(payload):
        run = deployment.runs.load(payload["run_id"])
        if run.phase is phase:
            deployment.rotation({"operation": "cancel", "run_id": run.run_id})

    deployment.before_sweep = before_sweep

    assert 1 == operate(RunKind.ROTATION, Options(workers=1), ports=deployment.ports())

    told = capsys.readouterr().out
    assert "verdict: called off; nothing of what was done is undone" in told
    assert "begins another" in told


def test_who_waits_for_the_barrier_of_a_run_that_is_called_off_waits_no_longer():
    deployment = Deployment(barrier_seconds=1_680.0)
    ports, began = deployment.ports(), deployment.clock.wall()

    def called_off_after_a_minute(method):
        if method == "load" and deployment.clock.wall() > began + 60:
            deployment.runs.before = lambda method: None
            deployment.rotation({"operation": "cancel", "run_id": f"{1:032x}"})

    deployment.runs.before = called_off_after_a_minute

    assert "cancelled" == drive(RunKind.ROTATION, ports=ports).run.verdict
    assert deployment.clock.wall() < began + 120


class Machine:
    """A state machine that somebody calls its run off under."""

    def __init__(self, deployment):
        self.deployment = deployment

    def start(self, _):
        return "execution"

    def failure(self, _):
        run_id = f"{1:032x}"
        if self.deployment.runs.load(run_id).phase is not Phase.DONE:
            self.deployment.rotation({"operation": "cancel", "run_id": run_id})
        return ""


def test_who_follows_a_run_that_is_called_off_ends_with_status_1(capsys):
    deployment = Deployment()
    deployment.machine = Machine(deployment)
    assert 1 == operate(RunKind.ROTATION, Options(), as_json=True, ports=deployment.ports())
    assert '"verdict": "cancelled"' in capsys.readouterr().out.splitlines()[-1]
