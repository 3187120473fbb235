"""How the demo ends where something goes wrong; that it runs is shown by tests/integration/test_demo.py."""

from __future__ import annotations

import json
import signal
from types import SimpleNamespace

import pytest

from ops.demo import __main__ as demo
from ops.local_aws.process import LocalAwsError


@pytest.fixture
def ended(monkeypatch) -> list[str]:
    """What was ended, in order."""
    ended: list[str] = []
    monkeypatch.setattr(demo, "down", lambda folder: ended.append(str(folder)))
    monkeypatch.setattr(demo, "up", lambda folder, say: SimpleNamespace(environment={}, server=None))
    return ended


def test_a_demo_that_cannot_start_ends_nothing_that_another_one_started(monkeypatch, ended, capsys):
    def runs_already(folder, say):
        raise LocalAwsError("the local AWS runs already")

    monkeypatch.setattr(demo, "up", runs_already)

    assert 1 == demo.main()
    assert [] == ended
    assert "runs already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("raised", "status"), [(TimeoutError("after 120 s"), 1), (KeyboardInterrupt(), 130), (LocalAwsError("x"), 1)]
)
def test_whatever_stops_it_the_local_aws_is_ended_and_the_status_tells(monkeypatch, ended, raised, status):
    def story(environment, timings, log, token_of):
        raise raised

    monkeypatch.setattr(demo, "story", story)

    assert status == demo.main()
    assert 1 == len(ended)


def test_a_second_interrupt_does_not_stop_the_ending(monkeypatch, ended):
    def interrupted(folder):
        signal.raise_signal(signal.SIGINT)
        ended.append("ended all the same")

    def story(environment, timings, log, token_of):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "story", story)
    monkeypatch.setattr(demo, "down", interrupted)

    assert 130 == demo.main()
    assert ["ended all the same"] == ended


@pytest.mark.parametrize(("kept", "status"), [(True, 0), (False, 1)])
def test_a_promise_that_is_not_kept_is_said_and_the_status_tells(monkeypatch, ended, tmp_path, capsys, kept, status):
    monkeypatch.setattr(demo, "_FIGURES", tmp_path / "demo.json")
    monkeypatch.setattr(demo, "story", lambda environment, timings, log, token_of: {"records_sent": 3})
    monkeypatch.setattr(demo, "promises", lambda figures: {"one": True, f"of {figures['records_sent']}": kept})

    assert status == demo.main()
    assert ("NO  of 3" in capsys.readouterr().out) is not kept
    figures = json.loads((tmp_path / "demo.json").read_text(encoding="utf-8"))
    assert (3, True) == (figures["records_sent"], "all" in figures["seconds"])
