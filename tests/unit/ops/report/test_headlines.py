"""The figures that come first and the sentences above them say the same, whatever there is to be said."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from ops.audit.exposure_events import exposures
from ops.audit.reading import LeftOut
from ops.report.blocks import Headline, State
from ops.report.headlines import headlines
from ops.report.held import Held
from ops.report.keys import KeyFacts, inventory
from ops.report.report import NotKnown, Report, TrailCheck
from ops.report.tally import tallied
from shared.model import KeyState
from shared.trail.findings import Tampering, TrailFinding
from tests.unit.ops.audit.trail import START, MemoryObjects, event
from tests.unit.ops.report.period import BEGUN, DAY, END, change
from tests.unit.ops.report.shown import said
from tests.unit.ops.report.test_page import INTACT, report

WELL = change("item.written", START, "verified")
FOUND = change("item.plaintext_found", START, "plaintext", **BEGUN)
SEALED = change("item.remediated", START + 9, "verified", open_seconds=9)
CENSUS: dict[str, Any] = {"visited": 9, "sealed_values": 9, "stale_values": 0, "unknown_values": 0}


def run(run_id: str, kind: str, verdict: str, at: float, *, clear: int = 0) -> list[dict[str, Any]]:
    told = {"run_id": run_id * 32, "kind": kind, "verdict": verdict}
    return [
        event("rotation.started", at=at, run_id=run_id * 32, kind=kind),
        event("census.completed", at=at + 1, **told, **CENSUS, clear_values=clear),
        event("rotation.completed", at=at + 2, **told, retired=1),
    ]


def with_finding(kind: Tampering) -> TrailCheck:
    found = replace(INTACT, findings=[TrailFinding(kind, "segments/one", "its SHA-256 is another")])
    return TrailCheck(found, "9f" * 32, "asked of KMS")


TRAILS = (
    TrailCheck(INTACT, "9f" * 32, "asked of KMS"),
    with_finding(Tampering.CHANGED),
    with_finding(Tampering.UNCHECKABLE),
    TrailCheck(replace(INTACT, doubted=["segments/one"]), "9f" * 32, "asked of KMS"),
    NotKnown("no key was given"),
)
MISSING: tuple[dict[str, Any], ...] = (
    {},
    {"unreadable": {"segments/two": "ends too early"}},
    {"left_out": {"segments/two": LeftOut(1, 2, "auditor does not tell key.created")}},
    {"conflicts": [("segments/one", "segments/two")]},
)
TALLIES = tuple(
    tallied([WELL, *events])
    for events in (
        [],
        run("a", "rotation", "retired", START),
        run("a", "rotation", "not_safe", START),
        [*run("a", "rotation", "not_safe", START), *run("b", "rotation", "retired", START + 9)],
        [*run("a", "rotation", "retired", START), *run("b", "survey", "in_clear", START + 9, clear=7)],
        [change("item.malformed", START, "malformed", "i-2")],
        [change("item.stale", START, "stale", "i-2")],
        [event("trail.verification_failed", at=START, findings=[], finding_count=1)],
    )
)
EXPOSED = ((), exposures([FOUND, SEALED]), exposures([FOUND]))
OLD = KeyFacts("pii", KeyState.ACTIVE, END - 900 * DAY)
KEYS = (
    inventory([OLD], {}, END),
    inventory([OLD], {"pii": 90}, END),
    inventory([OLD], None, END),
    inventory([KeyFacts("", None, 0.0)], {}, END),
    NotKnown("refused"),
)
HELD = (Held({}, {}, None), Held({("not_json", "held"): 2}, {"held": 1}, END), NotKnown("refused"))
NOT_IN_ORDER = {State.LOOK, State.UNKNOWN, State.UNSURE}
SAYS = {
    "found in clear": "in clear",
    "of changes": "change",
    "audit trail": "audit trail|segment",
    "active data keys": "data key|key store",
    "last ": "^The last ",
    "records held": "in quarantine",
}
"""Of a figure, by how its label begins: what a sentence about it has in it."""


@pytest.fixture(scope="module")
def every() -> list[tuple[Report, list[str], list[Headline]]]:
    """Each report with what asks for attention and with its figures."""
    base = report()
    told = (
        replace(base, trail=trail, tally=tally, exposures=exposed, keys=keys, held=held, **missing)
        for trail, missing, tally, exposed, keys, held in product(TRAILS, MISSING, TALLIES, EXPOSED, KEYS, HELD)
    )
    return [(one, said(one), [*headlines(one)]) for one in told]


def says(one: Headline, sentences: list[str]) -> bool:
    (words,) = (words for label, words in SAYS.items() if one.label.startswith(label))
    return any(re.search(words, sentence) for sentence in sentences)


def test_whatever_asks_for_attention_is_marked_so_in_the_band_and_nothing_else_is(every):
    for _, sentences, figures in every:
        marked = [one for one in figures if one.state is State.LOOK]
        assert all(says(one, sentences) for one in marked), (sentences, marked)
        assert all(any(says(one, [sentence]) for one in marked) for sentence in sentences), (sentences, marked)


def test_nothing_is_in_order_that_is_not_known_not_verified_or_left_out(every):
    for told, _, figures in every:
        exposed, verified, trail, keys, last, held = (one.state in NOT_IN_ORDER for one in figures)
        if told.trail is not TRAILS[0] or told.unreadable or told.left_out:
            assert all((exposed, verified, trail, last))
        if isinstance(told.keys, NotKnown) or told.keys.overdue is None:
            assert keys
        if isinstance(told.held, NotKnown):
            assert held


def test_what_is_not_known_has_its_sentence(every):
    for told, sentences, figures in every:
        assert sentences or [*told.not_known()] or not any(one.state in NOT_IN_ORDER for one in figures)


def test_only_who_does_not_judge_anew_asks_for_attention_by_telling_otherwise():
    auditor, sweeper = (MemoryObjects().write(WELL, stage=stage) for stage in ("auditor", "sweeper"))
    (told,) = [one for one in said(report(conflicts=[(auditor, auditor), (auditor, sweeper)])) if "one id" in one]
    assert "1 pair of segments tells different things under one id: the first counts." == told


def test_of_runs_of_one_kind_and_scope_the_last_counts():
    mended = [*run("a", "rotation", "not_safe", START), *run("b", "rotation", "retired", START + 9)]
    told = report(tally=tallied(mended), exposures=())
    assert not [one for one in said(told) if "rotation" in one]
    worse = [*run("a", "rotation", "retired", START), *run("b", "rotation", "not_safe", START + 9)]
    told = report(tally=tallied(worse), exposures=())
    expected = "The last rotation, bbbbbbbb: not safe to retire: some old data keys are kept."
    assert [expected] == [one for one in said(told) if "rotation" in one]


def test_values_in_clear_that_a_census_counted_ask_for_attention_until_the_next_counts_none():
    counted = run("a", "survey", "in_clear", START, clear=7)
    told = report(tally=tallied(counted), exposures=())
    assert "The last census counted 7 values in clear." in said(told)
    after = report(tally=tallied([*counted, *run("b", "rotation", "retired", START + 9)]), exposures=())
    assert not any("census" in one for one in said(after))
