"""A run is taken to its end from here, whatever fails meanwhile, and by whomever it was begun."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from threading import Event, Lock, current_thread, main_thread

import pytest

from ops.errors import FunctionFailed, FunctionRefused, NoProgress
from ops.patience import FIRST_PATIENCE_SECONDS, PATIENCE_SECONDS
from ops.runs import driver
from ops.runs.display import Silent
from ops.runs.driver import drive
from ops.runs.errors import AnotherRun
from ops.runs.options import Options
from ops.runs.watch import Figures
from shared.errors import StoreUnavailable
from shared.runs.model import Example, Phase, RunKind, Scope, Worker
from tests.unit.ops.runs.deployment import Deployment


class Seen(Silent):
    def __init__(self) -> None:
        self.figures: list[Figures] = []
        self.troubles: list[str] = []
        self.joined: list[bool] = []
        self.said: list[str] = []

    def told(self, message):
        self.said.append(message)

    def begun(self, run, *, joined):
        self.joined.append(joined)

    def progress(self, figures):
        assert current_thread() is main_thread()
        self.figures.append(figures)

    def trouble(self, message):
        self.troubles.append(message)


class Failing:
    """Raises as often as is told."""

    def __init__(self, times, error=None):
        self.times = times
        self.error = error or FunctionFailed("sweeper: Runtime.ExitError")
        self._lock = Lock()

    def __call__(self, payload):
        with self._lock:
            self.times -= 1
            if self.times >= 0:
                raise self.error


@pytest.mark.parametrize("kind", RunKind)
def test_a_run_of_each_kind_is_taken_through_its_phases_to_a_good_verdict(kind):
    deployment = Deployment()

    view = drive(kind, ports=deployment.ports())

    assert view.is_good
    assert view.run.phase is Phase.DONE
    assert all(120 == scan.counts["visited"] for scan in view.scans.values())
    assert all((4, 4) == (scan.segments_done, scan.segments) for scan in view.scans.values())


def test_what_was_asked_reaches_the_rotation_function_and_nothing_else_does():
    deployment = Deployment()
    asked = Options(
        scope=Scope(due=False, tenant_id="acme", key_id=0xBEEF),
        workers=4,
        segments=8,
        items_per_second=0.5,
        retire=False,
        barrier_seconds=0,
    )

    drive(RunKind.ROTATION, asked, ports=deployment.ports())
    drive(RunKind.ADOPTION, ports=deployment.ports())

    begun = [payload for payload in deployment.asked if payload["operation"] == "begin"]
    assert {
        "operation": "begin",
        "kind": "rotation",
        "workers": 4,
        "segments": 8,
        "items_per_second": 0.5,
        "retire": False,
        "barrier_seconds": 0,
        "due": False,
        "tenant_id": "acme",
        "key_id": "0000beef",
    } == begun[0]
    assert {"operation": "begin", "kind": "adoption"} == begun[1]


def test_a_worker_that_fails_ten_times_is_borne():
    deployment, seen = Deployment(before_sweep=Failing(10)), Seen()

    assert drive(RunKind.ADOPTION, ports=deployment.ports(), display=seen).is_good
    assert 10 == len(seen.troubles)


def test_a_rotation_function_that_is_cut_off_is_called_again():
    deployment = Deployment(before_rotation=Failing(5))
    assert drive(RunKind.ROTATION, ports=deployment.ports()).is_good


def test_workers_that_always_fail_are_given_up_with_the_last_failure():
    deployment = Deployment(before_sweep=Failing(1_000_000))
    began = deployment.clock.monotonic()

    with pytest.raises(NoProgress, match=r"gave up after 300 s.*Runtime\.ExitError"):
        drive(RunKind.ADOPTION, ports=deployment.ports())
    assert PATIENCE_SECONDS < deployment.clock.monotonic() - began < PATIENCE_SECONDS + 60


def test_an_interrupt_waits_for_no_worker_and_lets_none_begin_anything_more(monkeypatch):
    monkeypatch.setattr(driver, "LOOK_SECONDS", 0.01)
    deployment, works, go_on, taken = Deployment(), Event(), Event(), []

    def held_up(payload):
        taken.append(current_thread())
        works.set()
        assert go_on.wait(10)

    class Interrupted(Silent):
        def progress(self, figures):
            if works.is_set():
                raise KeyboardInterrupt

    deployment.before_sweep = held_up
    with pytest.raises(KeyboardInterrupt):
        drive(RunKind.SURVEY, Options(workers=1), ports=deployment.ports(), display=Interrupted())
    assert taken[0].is_alive()
    go_on.set()
    taken[0].join(10)
    assert 1 == len(taken)


def test_a_function_that_never_answered_is_given_up_soon():
    deployment = Deployment(before_rotation=Failing(1_000))

    with pytest.raises(NoProgress, match=f"gave up after {FIRST_PATIENCE_SECONDS:g} s"):
        drive(RunKind.ROTATION, ports=deployment.ports())


def test_a_failure_after_a_long_wait_is_borne_as_any_other():
    deployment = Deployment(barrier_seconds=3_000)

    def fails_after_the_barrier(payload):
        if payload["operation"] == "advance" and deployment.clock.monotonic() > 3_000:
            deployment.before_rotation = lambda payload: None
            raise FunctionFailed("rotation function: Sandbox.Timedout")

    deployment.before_rotation = fails_after_the_barrier
    assert drive(RunKind.ROTATION, ports=deployment.ports()).is_good


def test_a_refusal_ends_it_at_once():
    deployment = Deployment(before_rotation=Failing(1, FunctionRefused("rotation function: no such option")))

    with pytest.raises(FunctionRefused, match="no such option"):
        drive(RunKind.ROTATION, ports=deployment.ports())
    assert 1 == len(deployment.asked)


@pytest.mark.parametrize("kind", RunKind)
def test_segments_are_worked_on_by_the_function_that_the_kind_of_run_asks_for(kind):
    deployment, asked = Deployment(), set()

    def work(worker, payload):
        asked.add(worker)
        return deployment.sweeper(payload)

    ports = replace(deployment.ports(), workers={worker: partial(work, worker) for worker in Worker})
    drive(kind, ports=ports)

    assert {Worker.RECONCILER if kind is RunKind.RECONCILIATION else Worker.SWEEPER} == asked


def test_a_refusal_of_one_worker_ends_all():
    deployment = Deployment(before_sweep=Failing(1, FunctionRefused("sweeper: policy.toml:3: no")))
    with pytest.raises(FunctionRefused, match="policy"):
        drive(RunKind.SURVEY, ports=deployment.ports())


def test_who_is_overtaken_goes_on_with_another_segment():
    deployment = Deployment()
    work, taken = deployment.sweeper, []

    def overtaken_once(payload):
        taken.append(payload["segment"])
        if taken == [0]:
            return {**payload, "done": False, "overtaken": True}
        return work(payload)

    deployment.sweeper = overtaken_once  # type: ignore[method-assign]
    view = drive(RunKind.SURVEY, Options(workers=1), ports=deployment.ports())

    assert [0, 1] == taken[:2]
    assert ["begin", "advance", "advance"] == [payload["operation"] for payload in deployment.asked]
    assert 120 == view.scans[Phase.CENSUS].counts["visited"]


def test_the_barrier_is_waited_for_and_looked_at_meanwhile():
    deployment, seen = Deployment(barrier_seconds=30), Seen()
    began = deployment.clock.wall()

    view = drive(RunKind.ROTATION, ports=deployment.ports(), display=seen)

    assert view.run.census_at is not None
    assert view.run.census_at >= began + 30
    waited = [one for one in seen.figures if one.phase is Phase.BARRIER]
    assert len(waited) > 20
    assert len(deployment.asked) < 10
    assert {view.run.barrier_until} == {one.ends_at for one in waited}


@pytest.mark.parametrize("interrupted_in", [Phase.SWEEP, Phase.BARRIER, Phase.CENSUS])
def test_what_is_interrupted_goes_on_where_it_was(interrupted_in):
    deployment = Deployment(barrier_seconds=5)
    visits: Counter[tuple[Phase, int, str]] = Counter()

    def counted(payload):
        run = deployment.runs.load(payload["run_id"])
        segment = deployment.runs.segment(run.run_id, run.phase, payload["segment"])
        visits[run.phase, segment.number, segment.cursor] += 1

    class Interrupted(Silent):
        def progress(self, figures):
            if figures.phase is interrupted_in:
                raise KeyboardInterrupt

    deployment.before_sweep = counted
    with pytest.raises(KeyboardInterrupt):
        drive(RunKind.ROTATION, Options(workers=1), ports=deployment.ports(), display=Interrupted())
    seen = Seen()
    view = drive(RunKind.ROTATION, Options(workers=1), ports=deployment.ports(), display=seen)

    assert [True] == seen.joined
    assert view.is_good
    assert 120 == view.scans[Phase.SWEEP].counts["visited"]
    assert {1} == set(visits.values())


def test_a_run_of_another_scope_is_seen_through_before_the_one_that_was_asked_for_begins():
    deployment, seen = Deployment(), Seen()
    scheduled = deployment.rotation({"operation": "begin", "kind": "rotation"})["run_id"]
    asked = Options(scope=Scope(due=False, tenant_id="acme", key_id=0xBEEF))

    view = drive(RunKind.ROTATION, asked, ports=deployment.ports(), display=seen)

    assert [True, False] == seen.joined
    assert "another scope" in seen.said[0]
    assert Phase.DONE is deployment.ports().runs.load(scheduled).phase
    assert scheduled != view.run.run_id
    assert view.is_good


def test_nobody_who_does_not_wait_begins_behind_a_run_of_another_scope():
    deployment = Deployment()
    deployment.rotation({"operation": "begin", "kind": "rotation"})
    with pytest.raises(AnotherRun, match="another scope"):
        drive(RunKind.ROTATION, Options(scope=Scope(due=False)), ports=deployment.ports(), wait=False)
    assert drive(RunKind.ROTATION, ports=deployment.ports()).is_good


def test_a_key_may_be_named_without_its_tenant_and_is_found_again():
    deployment = Deployment()
    named = {"operation": "begin", "kind": "rotation", "due": False, "tenant_id": "acme", "key_id": "0000beef"}
    deployment.rotation(named)

    assert (
        drive(RunKind.ROTATION, Options(scope=Scope(due=False, key_id=0xBEEF)), ports=deployment.ports()).run.run_id
        == f"{1:032x}"
    )


def test_a_rotation_that_is_to_retire_nothing_does_not_join_one_that_does():
    deployment = Deployment()
    deployment.rotation({"operation": "begin", "kind": "rotation"})
    with pytest.raises(AnotherRun, match="retiring"):
        drive(RunKind.ROTATION, Options(retire=False), ports=deployment.ports(), wait=False)


@pytest.mark.parametrize(("begun", "asked"), [(True, False), (False, True)])
def test_backups_are_only_given_up_by_who_says_so(begun, asked):
    deployment = Deployment()
    deployment.rotation({"operation": "begin", "kind": "destruction", "abandon_backups": begun})
    with pytest.raises(AnotherRun, match="backups"):
        drive(RunKind.DESTRUCTION, Options(abandon_backups=asked), ports=deployment.ports(), wait=False)


@pytest.mark.parametrize(
    ("begun", "asked"),
    [
        ({"tenant_id": "acme"}, Options()),
        ({}, Options(scope=Scope(tenant_id="acme"))),
        ({"tenant_id": "acme", "key_id": "0000beef"}, Options(scope=Scope(tenant_id="acme"))),
        ({"tenant_id": "acme", "key_id": "0000beef"}, Options(scope=Scope(tenant_id="other", key_id=0xBEEF))),
        ({"retire": False}, Options()),
    ],
    ids=str,
)
def test_a_destruction_that_was_not_asked_for_is_neither_joined_nor_seen_through(begun, asked):
    deployment = Deployment()
    run_id = deployment.rotation({"operation": "begin", "kind": "destruction", **begun})["run_id"]
    before = deployment.runs.load(run_id)

    with pytest.raises(AnotherRun, match=rf"{run_id}.*begun with another (scope|end).*sealstream rotation cancel"):
        drive(RunKind.DESTRUCTION, asked, ports=deployment.ports())

    assert before == deployment.runs.load(run_id)
    assert {"begin"} == {payload["operation"] for payload in deployment.asked}


@pytest.mark.parametrize(
    ("begun", "asked"),
    [
        ({}, Options()),
        ({"due": False, "tenant_id": "acme"}, Options(scope=Scope(tenant_id="acme"))),
        ({"due": False, "tenant_id": "acme", "key_id": "0000beef"}, Options(scope=Scope(key_id=0xBEEF))),
    ],
    ids=str,
)
def test_a_destruction_goes_on_for_who_asks_for_the_same(begun, asked):
    deployment = Deployment()
    run_id = deployment.rotation({"operation": "begin", "kind": "destruction", **begun})["run_id"]
    assert run_id == drive(RunKind.DESTRUCTION, asked, ports=deployment.ports()).run.run_id


def test_a_run_that_only_cannot_be_looked_at_goes_on():
    deployment, seen = Deployment(), Seen()
    look_fails = [True]

    def before(method):
        if method == "segments" and look_fails and current_thread() is main_thread():
            look_fails.clear()
            raise StoreUnavailable("reading the segments of a run: ThrottlingException")

    deployment.runs.before = before
    assert drive(RunKind.SURVEY, ports=deployment.ports(), display=seen).is_good
    assert ["reading the segments of a run: ThrottlingException"] == seen.troubles


def test_a_runs_table_that_does_not_hold_the_run_is_said_at_once():
    deployment = Deployment()
    deployment.runs.load = lambda run_id: None  # type: ignore[method-assign]
    with pytest.raises(FunctionRefused, match="same deployment"):
        drive(RunKind.SURVEY, ports=deployment.ports())


def test_what_keeps_a_verdict_from_being_good_is_in_the_view():
    example = Example("acme", "i-1", "a[].b", "KeyDenied")
    deployment = Deployment(left=(example,), census_counts={"stale_values": 3})

    view = drive(RunKind.ROTATION, ports=deployment.ports())

    assert not view.is_good
    assert (example,) == view.examples
    assert 3 == view.scans[Phase.CENSUS].counts["stale_values"]
