"""Figures of a period, from one pass over its events."""

from __future__ import annotations

from collections import Counter

from ops.report.coverage import OVERFLOW
from ops.report.runs import with_phases
from ops.report.tally import tallied
from shared.runs.model import Phase, Run, RunKind
from tests.unit.ops.audit.trail import START
from tests.unit.ops.report.period import DAY, END, RECONCILIATION, ROTATION, UNFINISHED, a_period, change, removal

UNKNOWN_TIME = 0.0


def test_every_event_is_counted_by_its_name():
    assert Counter(one["event"] for one in a_period()) == tallied(a_period()).by_name


def test_every_change_is_counted_by_its_verdict():
    changes = [one for one in a_period() if one["event"].startswith("item.")]
    coverage = tallied(a_period()).coverage
    assert Counter(one["verdict"] for one in changes) == coverage.by_verdict
    assert coverage.by_verdict == {kind: sum(numbers) for kind, numbers in coverage.steps.counts.items()}


def test_what_is_gone_need_not_be_verified():
    coverage = tallied([change("item.written", START, "verified"), removal(START + 1, "a")]).coverage
    assert (2, 1, 1) == (coverage.changes, coverage.verifiable, coverage.verified)


def test_a_standing_item_is_no_change_but_what_is_found_in_it_counts():
    finding = {"kind": "plaintext", "where": "ssn", "why": "stands in clear", "data_class": "pii"}
    standing = {**change("item.plaintext_found", START, "plaintext", findings=[finding]), "change": "standing"}
    coverage = tallied([standing]).coverage
    assert (0, {("plaintext", "ssn", "stands in clear", "pii"): 1}) == (coverage.changes, coverage.findings)
    assert 1 == coverage.in_clear
    malformed = change("item.malformed", START, "malformed", exposure="begun")
    assert 1 == tallied([malformed]).coverage.in_clear, "it lies open all the same"


def test_a_change_without_a_time_is_counted_and_in_no_step():
    tally = tallied([change("item.written", UNKNOWN_TIME, "verified"), change("item.written", START, "verified")])
    assert (2, 1, {"verified": (1,)}) == (tally.coverage.changes, tally.coverage.undated, tally.coverage.steps.counts)
    assert (START, START) == (tally.first_at, tally.last_at)


def test_places_are_kept_up_to_a_number_and_none_is_lost():
    def found(number):
        finding = {"kind": "malformed", "where": f"a{number}", "why": "no envelope", "data_class": ""}
        return change("item.malformed", START + number, "malformed", findings=[finding])

    findings = tallied(map(found, range(1_200))).coverage.findings
    assert (1_001, 200) == (len(findings), findings[OVERFLOW])


def test_a_run_is_told_with_its_census_and_its_end():
    runs = {run.run_id: run for run in tallied(a_period()).runs}
    rotation = runs[ROTATION]
    assert ("retired", 3_000, 0) == (
        rotation.verdict,
        rotation.census["sealed_values"],
        rotation.census["stale_values"],
    )
    assert (START + 2 * DAY, START + 2 * DAY + 100) == (rotation.started_at, rotation.ended_at)
    assert 8 == rotation.did["retired"]
    assert ("findings", 599) == (runs[RECONCILIATION].verdict, runs[RECONCILIATION].census["verified"])
    assert ("", "tenant acme, key 00c0ffee") == (runs[UNFINISHED].verdict, runs[UNFINISHED].scope)


def test_a_run_that_goes_on_is_told_with_its_phase():
    asked = []

    def load(run_id):
        asked.append(run_id)
        return Run(run_id, RunKind.DESTRUCTION, Phase.CENSUS, END, segments=1, workers=1)

    phases = {run.run_id: run.phase for run in with_phases(tallied(a_period()).runs, load)}
    assert ({ROTATION: "", RECONCILIATION: "", UNFINISHED: "census"}, [UNFINISHED]) == (phases, asked)


def test_a_period_without_events_has_figures_too():
    tally = tallied([])
    assert (0, 0, None) == (tally.events, tally.coverage.changes, tally.first_at)


def test_a_policy_is_that_of_the_last_change_that_was_verified():
    older = {**change("item.written", START, "verified"), "policy": "00" * 8}
    stale = {**change("item.stale", START + 2, "stale"), "policy": "11" * 8}
    coverage = tallied([older, change("item.written", START + 1, "verified"), stale]).coverage
    assert {"00" * 8: 1, "4c0d1e22aa55ff01": 1, "11" * 8: 1} == coverage.policies
    assert "4c0d1e22aa55ff01" == coverage.latest_policy
