"""The page says what the trail says, and nothing that somebody else put there is taken for a part of it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from ops.audit.exposure_events import exposures, in_order
from ops.audit.exposures import NEVER_KNOWN
from ops.audit.holders import Copies
from ops.audit.reading import TOLD_OTHERWISE
from ops.report.blocks import State
from ops.report.headlines import headlines
from ops.report.held import Held
from ops.report.html import Html
from ops.report.keys import KeyFacts, inventory
from ops.report.page import page
from ops.report.plots import held_plot, key_plot
from ops.report.report import NotKnown, Period, Report, TrailCheck
from ops.report.tally import tallied
from shared.aws.backups import Copy, RecoveryWindow
from shared.model import KeyState
from shared.runtime.audit_log import ALLOWED_FIELDS, COMMON_FIELDS, AuditEvent
from shared.trail.findings import Tampering, TrailFinding
from shared.trail.verify import TrailResult
from tests.unit.ops.audit.trail import START, event
from tests.unit.ops.report.period import BEGUN, DAY, END, HOSTILE, a_period, change, removal
from tests.unit.ops.report.shown import Shown, figures_of, said

INTACT = TrailResult([], manifests=40, segments=398, pending=2, unproven=0, proven_until=END - 60)
KEYS = inventory(
    [
        KeyFacts("pii", KeyState.ACTIVE, END - DAY),
        KeyFacts("pci", KeyState.ACTIVE, END - 91 * DAY),
        KeyFacts("pii", KeyState.RETIRED, START, START + DAY, END),
    ],
    {"pci": 90},
    END,
)
BACKUP = Copy("backup", "nightly", END - DAY, END - DAY)
HELD = Held({("not_json", "held"): 2, ("not_json", "discarded"): 2}, {"held": 1, "discarded": 1}, END - DAY)


def report(**changes) -> Report:
    whole = Report(
        period=Period(START, END, END),
        names={"items table": "items"},
        tally=tallied(a_period()),
        exposures=exposures(a_period()),
        copies=Copies(RecoveryWindow(START - DAY, 35), [BACKUP], unknown=["asking AWS Backup: refused"]),
        keys=KEYS,
        held=HELD,
        trail=TrailCheck(INTACT, "9f" * 32, "asked of KMS"),
    )
    return replace(whole, **changes)


@pytest.fixture(scope="module")
def whole():
    return page(report())


@pytest.fixture
def shown(whole):
    return Shown(whole)


@pytest.fixture
def _without_plots(monkeypatch):
    """They take a second."""
    monkeypatch.setattr("ops.report.plots.drawn", lambda *_: Html(""))


def test_every_figure_of_the_trail_stands_there(shown):
    expected = figures_of(a_period())
    assert expected == {name: shown.figures.get(name) for name in expected}


def test_what_stands_now_is_there_too(shown):
    expected = {
        "keys.pii.active": 1,
        "keys.pii.retired": 1,
        "keys.pci.overdue": 1,
        "quarantine.not_json.held": 2,
        "trail.segments": 398,
        "trail.pending": 2,
    }
    assert expected == {name: shown.figures.get(name) for name in expected}


def test_it_needs_nothing_and_runs_nothing(shown, whole):
    assert {"script", "link", "img", "iframe", "image", "foreignobject"}.isdisjoint(shown.elements)
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", whole))
    assert {"http://www.w3.org/2000/svg"} == addresses, "a name, not an address"


def test_each_id_is_there_once_and_whatever_is_named_by_one_has_it(shown, whole):
    assert len(set(shown.ids)) == len(shown.ids)
    assert set(shown.named_by) <= set(shown.ids)
    assert {name[1:] for name in re.findall(r'href="(#[^"]+)"', whole)} <= set(shown.ids)


def test_plots_use_the_colours_of_the_page_alone(whole):
    drawings = re.findall(r"<svg.*?</svg>", whole, re.DOTALL)
    assert 8 == len(drawings), "four plots, each wide and narrow"
    assert not [one for drawing in drawings for one in re.findall(r"(?<!url\()#[0-9a-f]{6}\b", drawing)]


def test_the_same_figures_give_the_same_plot():
    assert key_plot(KEYS) == key_plot(KEYS)


def test_an_id_that_somebody_chose_is_text(shown):
    assert HOSTILE in shown.text
    assert "script" not in shown.elements


def test_names_of_a_class_are_drawn_as_they_are():
    keys = inventory([KeyFacts("$x^2$", KeyState.ACTIVE, END - DAY)], {}, END)
    assert ">$x^2$</text>" in key_plot(keys)


def test_where_a_copy_of_it_may_lie_is_told_and_what_nobody_knows(shown):
    for words in ("point-in-time recovery, until 2026-02-0", "backup nightly, once somebody deletes it", "refused"):
        assert words in shown.text


@pytest.mark.usefixtures("_without_plots")
def test_an_end_that_may_be_another_items_is_told_as_that():
    item = "sha256:b413"
    found = exposures([change("item.plaintext_found", START, "plaintext", item, **BEGUN), removal(START + 9, item)])
    text = Shown(page(report(exposures=found))).text
    assert "not surely ended: perhaps at 2026-01-01 00:00:09, if it was this item: others are shown alike" in text


def test_whatever_a_row_says_can_be_drawn():
    odd = Held({("<b>\0\ud800 and so on, at great length", "held"): 1}, {"held": 1}, None)
    assert ">&lt;b&gt;\\u0000\\ud800 and so on, at grea…</text>" in held_plot(odd)


def test_what_asks_for_attention_comes_first(shown):
    first = shown.text[: shown.text.index("Coverage The") if "Coverage The" in shown.text else 2_000]
    for sentence in (
        "1 item stands in clear, and no event says that it ended.",
        "1 change left not of the form that sealstream writes.",
        "1 data key is older than the policy wants.",
        "2 records wait in quarantine for a decision.",
    ):
        assert sentence in first


@pytest.mark.usefixtures("_without_plots")
def test_a_trail_that_was_tampered_with_comes_before_all_else():
    finding = TrailFinding(Tampering.CHANGED, "segments/one", "its SHA-256 is another")
    tampered = TrailCheck(replace(INTACT, findings=[finding]), "9f" * 32, "asked of KMS")
    told = report(trail=tampered)
    assert said(told)[0].startswith("The audit trail is not what was written")
    assert "segments/one" in Shown(page(told)).text


@pytest.mark.usefixtures("_without_plots")
def test_a_trail_that_nobody_could_check_is_not_called_intact():
    finding = TrailFinding(Tampering.UNCHECKABLE, "manifests/", "there is no manifest")
    unchecked = TrailCheck(replace(INTACT, findings=[finding], proven_until=None), "9f" * 32, "asked of KMS")
    told = report(trail=unchecked)
    assert said(told)[0].startswith("The audit trail could not be checked: nothing vouches")
    text = Shown(page(told)).text
    assert ("intact" in text, "All was verified" in text) == (False, False)


@pytest.mark.usefixtures("_without_plots")
def test_when_the_notary_was_silent_is_said_and_is_no_tampering():
    silent = replace(INTACT, silences=[(START, START + 7_200)])
    shown = Shown(page(report(trail=TrailCheck(silent, "9f" * 32, "asked of KMS"))))
    assert "2026-01-01 00:00:002026-01-01 02:00:002 h" in shown.text
    assert "not what was written" not in shown.text


@pytest.mark.usefixtures("_without_plots")
def test_what_was_not_read_is_said_and_is_no_zero():
    told = report(keys=NotKnown("refused"), held=NotKnown("refused"), trail=NotKnown("no key was given"))
    shown = Shown(page(told))
    assert 2 <= shown.text.count("refused")
    expected = "The audit trail was not verified, and nothing vouches for the period's figures: no key was given."
    assert expected == said(told)[0]
    assert ["Data keys: refused.", "What is held in quarantine: refused."] == [one.sentence for one in told.not_known()]
    for sentence in (*said(told), "Data keys: refused."):
        assert sentence in shown.text
    assert "All was verified before" not in shown.text
    assert not [name for name in shown.figures if name.startswith(("keys.", "quarantine.", "trail."))]


@pytest.mark.usefixtures("_without_plots")
def test_segments_that_cannot_be_read_are_named():
    told = report(unreadable={"segments/two": "ends too early"})
    assert "1 of the trail's segments cannot be read" in " ".join(said(told))
    assert "segments/two" in Shown(page(told)).text


@pytest.mark.usefixtures("_without_plots")
def test_a_period_without_anything_gives_a_page_too():
    nothing = report(tally=tallied([]), exposures=(), keys=inventory([], {}, END), held=Held({}, {}, None))
    assert [] == said(nothing)
    shown = Shown(page(nothing))
    assert "Nothing of what is reported here asks for anybody's attention." in shown.text
    assert {0} == {value for name, value in shown.figures.items() if not name.startswith("trail.")}


@pytest.mark.usefixtures("_without_plots")
@pytest.mark.parametrize("keys", [KEYS, NotKnown("refused")])
def test_what_is_not_known_is_not_said_to_ask_for_nothing(keys):
    told = report(tally=tallied([]), exposures=(), keys=keys, held=NotKnown("refused"))
    text = Shown(page(told)).text
    assert "Nothing of what is reported" not in text
    assert "What is held in quarantine: refused." in text


@pytest.mark.usefixtures("_without_plots")
def test_an_exposure_of_which_no_time_is_known_has_none():
    found, end = change("item.plaintext_found", 0.0, "plaintext", **BEGUN), change("item.written", 0.0, "verified")
    for events in ([found], [found, end]):
        text = Shown(page(report(exposures=exposures(events), keys=inventory([], {}, END)))).text
        assert "the longest for not known" not in text
        assert ("years" in text, "not known" in text) == (False, True)


@pytest.mark.usefixtures("_without_plots")
def test_how_long_an_exposure_lasted_at_least_is_told_as_that_wherever_it_is_told():
    found = change("item.plaintext_found", START, "plaintext", findings=BEGUN["findings"], exposure="continued")
    end = change("item.remediated", START + 5, "verified")
    text = Shown(page(report(exposures=exposures([found, end])))).text
    assert 2 == text.count("at least 5 s")


@pytest.mark.usefixtures("_without_plots")
def test_what_was_in_clear_before_the_period_is_said_to_be_unknown_also_where_none_was_found():
    assert NEVER_KNOWN[1] in Shown(page(report(exposures=()))).text


@pytest.mark.usefixtures("_without_plots")
def test_further_tellings_of_a_change_are_counted_as_that():
    well, other = change("item.written", START, "verified"), change("item.malformed", START, "malformed")
    told = report(tally=tallied([well, {**other, TOLD_OTHERWISE: "segments/one"}]), exposures=())
    assert (1, 1, 1) == (told.tally.coverage.changes, told.tally.coverage.verified, told.tally.coverage.told_otherwise)
    assert 1 == Shown(page(told)).figures["changes.told_otherwise"]
    assert State.NOTE == next(one.state for one in headlines(told) if "verified" in one.label)


@pytest.mark.usefixtures("_without_plots")
@pytest.mark.parametrize("value", [None, 5, "x"])
def test_events_that_lack_what_their_names_promise_count_by_their_names_and_harm_nothing(value):
    events = []
    for name in AuditEvent:
        fields = ALLOWED_FIELDS[name] - COMMON_FIELDS
        findings = {"findings": [{}, {"kind": value}]} if "findings" in fields else {}
        events += [event(name), event(name, **{**dict.fromkeys(fields, value), **findings})]
    tally = tallied([*events, *a_period()])
    assert Counter(one["event"] for one in (*events, *a_period())) == tally.by_name
    assert tallied(a_period()).coverage.by_verdict == tally.coverage.by_verdict
    assert page(report(tally=tally, exposures=exposures(in_order(events))))
