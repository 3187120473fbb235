"""A report from a copy of the trail, and from a deployment whose stores answer or not."""

from __future__ import annotations

import os
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from ops import cli
from ops.audit.folder import Folder
from ops.report.blocks import State
from ops.report.exposure_section import exposure_section
from ops.report.gather import Wanted, gather
from ops.report.headlines import headlines
from ops.report.html import Html
from ops.report.keys import KeyFacts, KeyInventory
from ops.report.report import NotKnown, Part, TrailCheck
from ops.report.trail_section import trail_section
from shared.errors import RequestRefused, StoreUnavailable, TrailBroken
from shared.model import KeyState
from shared.runtime.audit_log import AuditEvent
from shared.trail.findings import TrailVerdict
from shared.trail.manifest import Link
from tests.unit.ops.audit.trail import START, MemoryObjects, event
from tests.unit.ops.report.period import BEGUN, DAY, END, NOTARY_SECONDS, a_period, change, trail_in
from tests.unit.ops.report.shown import Shown, figures_of, said


@pytest.fixture(autouse=True)
def _without_plots(monkeypatch):
    """They take a second."""
    monkeypatch.setattr("ops.report.plots.drawn", lambda *_: Html(""))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy") / "trail"
    trail_in(folder, a_period())
    return folder


@pytest.fixture
def key(folder):
    return folder.parent / "key.pem"


def test_a_copy_and_a_key_are_enough(folder, key):
    report = gather(Wanted(START, folder=folder, public_key=key, period_seconds=NOTARY_SECONDS), END)
    assert len(a_period()) == report.tally.events, "each once, though some were written twice"
    assert isinstance(report.trail, TrailCheck)
    assert (TrailVerdict.INTACT, 0) == (report.trail.result.verdict, len(report.unreadable))
    assert "given in key.pem" == report.trail.key_source
    assert isinstance(report.keys, NotKnown)
    assert isinstance(report.held, NotKnown)


def test_without_a_key_a_copy_is_not_called_intact(folder):
    report = gather(Wanted(START, folder=folder), END)
    assert isinstance(report.trail, NotKnown)
    assert "had from elsewhere" in report.trail.why


def test_a_changed_segment_is_told(tmp_path):
    folder = tmp_path / "trail"
    key = trail_in(folder, a_period()[:200])
    segment = sorted(folder.rglob("*.ndjson.gz"))[1]
    segment.write_bytes(segment.read_bytes()[:-1])
    report = gather(Wanted(START, folder=folder, public_key=key, period_seconds=NOTARY_SECONDS), END)
    assert isinstance(report.trail, TrailCheck)
    assert TrailVerdict.TAMPERED == report.trail.result.verdict
    assert [segment.relative_to(folder).as_posix()] == report.trail.result.doubted
    assert "1 segment proves nothing: its events are not counted here." in said(report)
    assert f"<code>{report.trail.result.doubted[0]}</code>" in trail_section(report)


def planted(folder, *events, at):
    """A segment that nobody of the trail wrote; its key."""
    written = MemoryObjects()
    key = written.write(*events, at=at, where="planted")
    file = folder / key
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(written.objects[key])
    os.utime(file, (at, at))
    return key


def of_the_first_day(folder, key):
    return gather(Wanted(START, START + DAY, folder, key, NOTARY_SECONDS), END)


def test_what_was_planted_after_the_period_is_found_and_not_counted(tmp_path):
    folder = tmp_path / "trail"
    key = trail_in(folder, a_period())
    before = of_the_first_day(folder, key)
    forged = [change("item.written", START + 7.0 + number, "verified") for number in range(100)]
    where = planted(folder, *forged, at=START + DAY + 7_200)

    report = of_the_first_day(folder, key)

    assert before.tally == report.tally
    assert isinstance(report.trail, TrailCheck)
    assert TrailVerdict.TAMPERED == report.trail.result.verdict
    assert [where] == report.trail.result.doubted
    assert [where] == [one.key for one in report.trail.result.findings]


def test_a_forged_end_of_an_exposure_counts_as_little_however_late_it_came(tmp_path):
    folder = tmp_path / "trail"
    found = change("item.plaintext_found", START + 100, "plaintext", **BEGUN)
    key = trail_in(folder, [found])
    end = change("item.remediated", START + 3.2 * DAY, "verified", open_seconds=9)
    where = planted(folder, end, at=START + 3.2 * DAY)

    report = of_the_first_day(folder, key)

    assert 1 == len(report.open_exposures)
    assert isinstance(report.trail, TrailCheck)
    assert [where] == report.trail.result.doubted


def test_an_exposure_of_the_period_ends_whenever_that_was_told(tmp_path):
    folder = tmp_path / "trail"
    found = change("item.plaintext_found", START + 100, "plaintext", **BEGUN)
    end = change("item.remediated", START + 3.2 * DAY, "verified", open_seconds=9)
    key = trail_in(folder, [found, end])

    report = of_the_first_day(folder, key)

    assert (1, 0, 1) == (len(report.exposures), len(report.open_exposures), report.tally.events)


def test_what_no_manifest_attests_yet_is_counted(tmp_path):
    folder = tmp_path / "trail"
    key = trail_in(folder, a_period()[:50])
    planted(folder, change("item.written", END - 60, "verified"), at=END - 50)
    report = gather(Wanted(START, folder=folder, public_key=key, period_seconds=NOTARY_SECONDS), END)
    assert isinstance(report.trail, TrailCheck)
    assert (51, 1, TrailVerdict.INTACT) == (
        report.tally.events,
        report.trail.result.pending,
        report.trail.result.verdict,
    )


def test_events_that_cannot_be_counted_are_told_with_their_segments(tmp_path):
    folder = tmp_path / "trail"
    names = [name for name in AuditEvent if name.startswith("item.")]
    clear = change("item.plaintext_found", START + 100, "plaintext", **BEGUN)
    key = trail_in(folder, [clear, *(event(name, at=START + 8) for name in names)])

    report = gather(Wanted(START, folder=folder, public_key=key, period_seconds=NOTARY_SECONDS), END)

    assert (1, len(names)) == (report.tally.events, sum(one.events for one in report.left_out.values()))
    told = f"{len(names)} of {len(names) + 1} events in 2 segments are not counted: not what their writers tell."
    assert told in said(report)
    shown = trail_section(report)
    assert all(f"<code>{segment}</code>" in shown for segment in report.left_out)
    assert "not of the form that the name promises" in shown
    assert not any("cannot be read" in one for one in said(report))


@pytest.mark.parametrize("days", [1, 4])
def test_what_is_told_in_two_ways_is_counted_once_named_and_an_exposure_if_either_says_so(tmp_path, days):
    folder = tmp_path / "trail"
    found = change("item.plaintext_found", START + NOTARY_SECONDS + 100, "plaintext", **BEGUN)
    well = {**change("item.written", START + 100, "verified"), "event_id": found["event_id"]}
    others = [change("item.written", START + at, "verified", "customer-2", uid="77" * 16) for at in (50, 40_000)]
    key = trail_in(folder, [well, found, others[0], {**others[1], "item_id": "customer-3"}])

    report = gather(Wanted(START, START + days * DAY, folder, key, NOTARY_SECONDS), END)

    assert ({"item.written": 2}, 1) == (report.tally.by_name, len(report.exposures))
    assert not any("pairs of segments" in one for one in said(report)), "the auditor judges anew, which is no fault"
    assert 2 == report.tally.coverage.told_otherwise
    shown = trail_section(report)
    assert all(f"<code>{one}</code>" in shown for pair in report.conflicts for one in pair)


def test_of_a_copy_the_period_ends_when_it_was_made(tmp_path):
    folder = tmp_path / "trail"
    key = trail_in(folder, a_period())
    Folder(folder).keep_about([], END)
    much_later = END + 90 * DAY

    report = gather(Wanted(folder=folder, public_key=key, period_seconds=NOTARY_SECONDS), much_later)

    assert (END - 30 * DAY, END) == (report.period.since, report.period.until)
    assert (len(a_period()), "2026-01-05T00:00:00Z") == (report.tally.events, report.names["made"])
    assert isinstance(report.trail, TrailCheck)
    assert TrailVerdict.INTACT == report.trail.result.verdict
    with pytest.raises(RequestRefused, match="when the copy was made"):
        gather(Wanted(END + DAY, folder=folder, public_key=key), much_later)


@pytest.fixture
def _nothing_answers(monkeypatch):
    def refused(*_, **__):
        raise StoreUnavailable("asking: AccessDeniedException")

    for name in ("client", "quarantine_index", "run_store", "known_copies"):
        monkeypatch.setattr(f"ops.report.gather.{name}", refused)
    monkeypatch.setattr("ops.audit.proven.client", refused)


@pytest.mark.usefixtures("_nothing_answers")
def test_a_deployment_without_rights_gives_a_report_that_says_so(bucket):
    report = gather(Wanted(START), END, objects=bucket)
    assert (30, {}) == (report.tally.events, report.names)
    for part in (report.keys, report.held, report.trail):
        assert NotKnown("asking: AccessDeniedException") == part


@pytest.mark.usefixtures("_nothing_answers")
@pytest.mark.parametrize("until", [None, START + DAY])
def test_what_the_deployment_noted_as_its_end_has_to_be_there(folder, key, monkeypatch, until):
    def noted(window):
        return replace(window, at_least=Link(1_000, "00" * 32)) if window.until is None else window

    monkeypatch.setattr("ops.audit.proven.with_noted_end", noted)
    wanted = Wanted(START, until, public_key=key, period_seconds=NOTARY_SECONDS)

    report = gather(wanted, END, objects=Folder(folder))

    assert isinstance(report.trail, TrailCheck)
    assert [("truncated", "manifests/000000001000.json")] == [
        (one.kind, one.key) for one in report.trail.result.findings
    ]


@pytest.mark.usefixtures("_nothing_answers")
def test_a_row_that_somebody_else_wrote_is_named_and_the_objects_are_verified_all_the_same(tmp_path, monkeypatch):
    def noted(_):
        raise TrailBroken("the row is not as the notary writes it")

    monkeypatch.setattr("ops.audit.proven.with_noted_end", noted)
    folder = tmp_path / "trail"
    key = trail_in(folder, a_period()[:20])
    forged = [change("item.written", START + 7.0 + number, "verified") for number in range(100)]
    where = planted(folder, *forged, at=START + 7_200)

    report = gather(Wanted(START, public_key=key, period_seconds=NOTARY_SECONDS), END, objects=Folder(folder))

    assert isinstance(report.trail, TrailCheck)
    assert (20, [where]) == (report.tally.events, report.trail.result.doubted)
    assert "runs table, row trail/last" == report.trail.result.findings[0].key
    assert said(report)[0].startswith("The audit trail is not what was written")


def test_events_that_were_left_out_leave_nothing_in_order(tmp_path):
    folder = tmp_path / "trail"
    key = trail_in(folder, [change("item.plaintext_found", START + 100, "plaintext", **BEGUN)])
    (segment,) = folder.rglob("*.ndjson.gz")
    segment.write_bytes(segment.read_bytes()[:-1])

    report = gather(Wanted(START, folder=folder, public_key=key, period_seconds=NOTARY_SECONDS), END)

    assert not report.is_complete
    assert {State.LOOK, State.UNKNOWN, State.UNSURE} == {one.state for one in headlines(report)}
    assert "Not all of the trail is counted here" in exposure_section(report)
    assert "nothing was found" not in exposure_section(report)


@pytest.mark.usefixtures("_nothing_answers")
@pytest.mark.parametrize("policy", [None, "the stored one"])
def test_how_old_keys_may_get_is_known_by_the_policy_alone(bucket, monkeypatch, policy):
    found = policy and SimpleNamespace(classes={"pii": SimpleNamespace(rotate_after_days=90)})
    monkeypatch.setattr("ops.report.gather.client", lambda _service: Mock())
    monkeypatch.setattr("ops.report.gather.setting", lambda _name: "keys")
    monkeypatch.setattr("ops.report.gather.stored_policy", lambda *_: found)
    facts = KeyFacts("pii", KeyState.ACTIVE, END - 900 * DAY)
    monkeypatch.setattr("ops.report.gather.stored_keys", lambda *_: [facts])

    report = gather(Wanted(START), END, objects=bucket)

    assert isinstance(report.keys, KeyInventory)
    assert (1 if policy else None) == report.keys.overdue
    unknown = [one.part for one in report.not_known()]
    assert (Part.KEYS in unknown) is (policy is None)
    assert (State.LOOK if policy else State.UNKNOWN) == state_of(report, "active data keys")


def state_of(report, label):
    (state,) = {one.state for one in headlines(report) if one.label == label}
    return state


@pytest.mark.usefixtures("_nothing_answers")
def test_a_period_is_whole_seconds_so_that_others_can_ask_for_the_same(bucket):
    report = gather(Wanted(START + 0.7, until=START + 9.2), END, objects=bucket)
    assert (START, START + 10) == (report.period.since, report.period.until)


@pytest.fixture
def bucket():
    bucket = MemoryObjects()
    for number, one in enumerate(a_period()[:30]):
        bucket.write(one, where=f"s-{number}")
    return bucket


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr("sys.argv", ["sealstream", "report", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, capsys.readouterr()

    return run


def test_the_command_writes_the_page_and_says_what_asks_for_attention(run, folder, key, tmp_path):
    file = tmp_path / "new" / "report.html"
    asked = ("--offline", folder, "--public-key", key, "--minutes", 180)
    status, told = run(*asked, "--from", "2026-01-01", "--to", "2026-01-05", "--html", file)
    assert 0 == status, told.err
    assert f"{file}: {len(a_period()):,} events of the period" in told.out
    assert "1 item stands in clear" in told.out
    shown = Shown(file.read_text("utf-8"))
    expected = figures_of(a_period())
    assert expected == {name: shown.figures.get(name) for name in expected}
    assert [file] == [*file.parent.iterdir()], "nothing unfinished is left"


def test_the_command_says_what_is_not_known(run, tmp_path):
    (tmp_path / "empty").mkdir()
    status, told = run("--offline", tmp_path / "empty", "--html", tmp_path / "a.html")
    assert 0 == status, told.err
    _, unverified, *unknown = told.out.splitlines()
    assert unverified.startswith("The audit trail was not verified")
    assert "no public key was given" in unverified
    assert ["Data keys", "What is held in quarantine"] == [one.split(": ")[1] for one in unknown]


def test_the_command_wants_a_period(run, folder, tmp_path):
    status, told = run("--offline", folder, "--from", "2026-01-02", "--to", "2026-01-01", "--html", tmp_path / "a.html")
    assert 2 == status
    assert "--from must be before --to" in told.err


def test_the_command_says_where_it_cannot_write(run, folder, tmp_path):
    (tmp_path / "a").write_text("")
    status, _ = run("--offline", folder, "--from", "2026-01-01", "--html", tmp_path / "a" / "b.html")
    assert "cannot be written" in str(status)


def test_only_the_events_of_the_period_are_counted(folder):
    report = gather(Wanted(START, until=START + 86_400.0, folder=folder), END)
    expected = [one for one in a_period() if one["at"] < "2026-01-02T00:00:00"]
    assert len(expected) == report.tally.events
