"""A run told at its end, and by `rotation status`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from consumers.rotation.verdict import RunVerdict
from ops.runs.driver import drive
from ops.runs.operate import operate
from ops.runs.options import Options, scope_text
from ops.runs.report import lines
from ops.runs.status import show_status
from ops.runs.verdict import is_good, meaning, what_to_do
from ops.runs.view import RunView
from shared.errors import SettingsError
from shared.runs.model import Example, Phase, Run, RunKind, Scope, Segment, Tally
from tests.fakes.runs import FakeRunStore
from tests.unit.ops.runs.deployment import Deployment

RUN = Run(
    "a" * 32,
    RunKind.ROTATION,
    Phase.DONE,
    started_at=1_700_000_000.0,
    segments=1,
    workers=2,
    scope=Scope(due=False),
    barrier_until=1_700_000_050.0,
    census_at=1_700_000_060.0,
    ended_at=1_700_000_070.0,
    counts={"rewrapped": 3, "renewed": 2},
    verdict="retired",
)
NOW = 1_700_000_100.0


def stored(run, *segments):
    runs = FakeRunStore()
    runs.begin(run)
    for segment in segments:
        runs.save_segment(segment)
    return runs


def view_of(run, *segments):
    return RunView.gather(stored(run, *segments), run)


def segment(phase=Phase.CENSUS, number=0, *, done=True, **tally):
    return Segment(RUN.run_id, phase, number, done=done, tally=Tally(**tally))


def text_of(view):
    return "\n".join(lines(view, NOW))


def test_a_good_end_is_told_with_its_figures():
    view = view_of(
        RUN,
        segment(Phase.SWEEP, counts={"visited": 4_000, "mended": 3_900}),
        segment(Phase.CENSUS, counts={"visited": 4_000}),
        segment(Phase.CENSUS, 1, counts={"visited": 20}),
    )

    text = text_of(view)

    assert "verdict: safe to retire, and retired" in text
    assert "rewrapped 3, renewed 2" in text
    assert "visited 4,000, mended 3,900" in text
    assert "2 of 2 segments, 402 items/s on average" in text
    assert "`sealstream rotation retire`" not in text


def test_a_bad_end_names_what_prevents_the_good_one_and_what_to_do():
    examples = (Example("acme", "i-1", "a[].b", "KeyDenied"), Example("acme", "i\x1b[2J", "c", "not opened"))
    run = replace(RUN, verdict="not_safe", examples=(Example("beta", "0000beef", "", "too recent"),))
    view = view_of(run, segment(keys={"acme/0000beef": 1_234}, counts={"stale_values": 1_234}, examples=examples))

    text = text_of(view)

    for part in ("not safe to retire", "acme/0000beef  1,234", "a[].b", "KeyDenied", "too recent", "i\\u001b[2J"):
        assert part in text
    assert what_to_do("not_safe") in text
    assert "\x1b" not in text


def test_what_the_sweep_left_is_told_too_and_nothing_twice():
    same, other = Example("acme", "i-1", "a", "KeyDenied"), Example("acme", "i-2", "a", "KeyDestroyed")
    view = view_of(RUN, segment(Phase.SWEEP, examples=(same, other)), segment(examples=(same,)))
    assert (same, other) == view.examples


def test_a_survey_says_what_would_be_sealed_by_path_and_class():
    run = replace(RUN, kind=RunKind.SURVEY, verdict="in_clear")
    counts = {"visited": 9, "would_seal:health.notes (odd) (phi)": 4, "would_seal:ssn (pii)": 1_000}
    view = view_of(run, segment(counts=counts | {"would_seal:other places": 5}))

    text = text_of(view)

    assert "health.notes (odd)  phi    4" in text
    assert "ssn                 pii    1,000" in text
    assert "other places               5" in text
    assert "`sealstream adopt`" in text
    assert {"path": "ssn", "data_class": "pii", "values": 1_000} in view.document(NOW)["would_seal"]
    assert {"visited": 9} == view.scans[Phase.CENSUS].counts


def test_a_reconciliation_says_how_many_items_have_each_verdict_and_what_was_found_in_some():
    run = replace(RUN, kind=RunKind.RECONCILIATION, verdict="findings")
    counts = {"visited": 1_234_567, "verified": 1_234_000, "plaintext": 566, "unjudged": 1, "sent": 566}
    view = view_of(run, segment(counts=counts, examples=(Example("acme", "i-1", "ssn", "found in clear"),)))

    text = text_of(view)

    for row in ("verdict     items", "verified    1,234,000", "stale       0", "plaintext   566", "unjudged    1"):
        assert row in text
    assert "some items are not in order" in text
    assert "found (some, where there are many):" in text
    assert "acme    i-1" in text
    assert "`sealstream reconcile`" in text


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (Phase.PREPARE, "phase    prepare"),
        (Phase.SWEEP, "0 of 2 segments, 40 items/s on average"),
        (Phase.BARRIER, "until 2023-11-14T22:14:10Z"),
        (Phase.CENSUS, "phase    census, since 2023-11-14T22:14:20Z"),
    ],
)
def test_a_run_that_goes_on_says_how_far_it_is(phase, expected):
    run = replace(RUN, phase=phase, ended_at=None, verdict="")
    view = view_of(run, segment(Phase.SWEEP, counts={"visited": 4_000}, done=False))

    assert expected in text_of(view)
    assert "verdict" not in text_of(view)
    assert not view.is_good


@pytest.mark.parametrize(
    "verdict", ["retired", "safe_to_retire", "nothing_to_do", "rewrapped", "nothing_in_clear", "destroyed", "in_order"]
)
def test_these_verdicts_are_good(verdict):
    assert is_good(verdict)


@pytest.mark.parametrize(
    "verdict", ["", "not_safe", "not_prepared", "in_clear", "findings", "Retired", "retired_in_part"]
)
def test_no_other_word_is(verdict):
    assert not is_good(verdict)


@pytest.mark.parametrize("verdict", RunVerdict)
def test_every_verdict_has_its_words_and_a_bad_one_says_what_to_do(verdict):
    assert str(verdict) != meaning(verdict)
    assert is_good(verdict) is ("does not know" in what_to_do(verdict))


def test_a_verdict_of_a_newer_version_is_shown_as_it_is():
    assert "retired_in_part" == meaning("retired_in_part")
    assert "newer" in what_to_do("retired_in_part")


@pytest.mark.parametrize(
    ("kind", "scope", "expected"),
    [
        (RunKind.ROTATION, Scope(), "data keys that are due"),
        (RunKind.ROTATION, Scope(tenant_id="acme"), "tenant acme: data keys that are due"),
        (RunKind.ROTATION, Scope(due=False), "all data keys"),
        (RunKind.ROTATION, Scope(due=False, tenant_id="acme", data_class="pii"), "tenant acme, class pii"),
        (RunKind.ROTATION, Scope(due=False, tenant_id="acme", key_id=0xBEEF), "tenant acme, key 0000beef"),
        (RunKind.RETIREMENT, Scope(), "all replaced data keys"),
        (RunKind.ADOPTION, Scope(), "all items"),
        (RunKind.SURVEY, Scope(), "all items"),
        (RunKind.DESTRUCTION, Scope(), "all retired data keys"),
        (RunKind.DESTRUCTION, Scope(tenant_id="acme"), "tenant acme"),
        (RunKind.DESTRUCTION, Scope(due=False, tenant_id="acme", key_id=0xBEEF), "tenant acme, key 0000beef"),
    ],
    ids=str,
)
def test_what_a_run_is_about_is_told_in_words(kind, scope, expected):
    assert expected == scope_text(replace(RUN, kind=kind, scope=scope))


def test_the_command_ends_with_one_document_and_status_0(capsys):
    assert 0 == operate(RunKind.ROTATION, Options(), as_json=True, ports=Deployment().ports())

    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "begun" == printed[0]["event"]
    assert ("finished", "retired", True) == tuple(printed[-1][name] for name in ("event", "verdict", "good"))
    assert 120 == printed[-1]["scans"]["sweep"]["counts"]["visited"]


def test_the_command_ends_with_status_1_where_something_is_left(capsys):
    deployment = Deployment(left=(Example("acme", "i-1", "a", "KeyDenied"),))
    assert 1 == operate(RunKind.ROTATION, Options(), as_json=True, ports=deployment.ports())
    assert "KeyDenied" in capsys.readouterr().out


def test_in_a_terminal_the_end_is_told_in_words(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert 0 == operate(RunKind.ADOPTION, Options(), ports=Deployment().ports())
    assert "verdict: nothing in clear" in capsys.readouterr().out


def test_a_run_that_only_this_process_would_drive_must_be_waited_for():
    deployment = Deployment()
    with pytest.raises(SettingsError, match="--no-wait"):
        operate(RunKind.ROTATION, Options(), wait=False, ports=deployment.ports())
    assert [] == deployment.asked


class Started:
    def start(self, payload):
        return "execution"

    def failure(self, execution):
        return ""


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_that_is_not_waited_for_is_named(monkeypatch, capsys, terminal):
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    assert 0 == operate(RunKind.ROTATION, Options(), wait=False, ports=Deployment(machine=Started()).ports())
    assert f"{1:032x}" in capsys.readouterr().out.splitlines()[-1]


def test_status_shows_the_run_that_began_last_of_whatever_kind(capsys):
    deployment = Deployment()
    drive(RunKind.ROTATION, ports=deployment.ports())
    deployment.clock.advance(60)
    drive(RunKind.SURVEY, ports=deployment.ports())

    show_status(runs=deployment.runs)
    assert capsys.readouterr().out.startswith("survey ")
    show_status(f"{1:032x}", as_json=True, runs=deployment.runs)
    assert "rotation" == json.loads(capsys.readouterr().out)["kind"]


@pytest.mark.parametrize("run_id", [None, "f" * 32])
def test_status_without_a_run_says_so(run_id):
    with pytest.raises(SystemExit, match="run"):
        show_status(run_id, runs=FakeRunStore())


def test_keys_of_a_tenant_whose_name_looks_sensitive_are_shown_without_it():
    keys = {"219-09-9999/0000abcd": 2, "acme/0000beef": 1, "_system/0000cafe": 1}
    view = view_of(replace(RUN, verdict="not_safe"), segment(keys=keys))

    told = text_of(view) + json.dumps(view.document(NOW))

    assert "219-09" not in told
    assert {"0000abcd": 2, "0000beef": 1, "0000cafe": 1} == {
        key.rpartition("/")[2]: values for key, values in view.keys_in_use.items()
    }
    assert {"acme/0000beef", "_system/0000cafe"} < view.keys_in_use.keys()
