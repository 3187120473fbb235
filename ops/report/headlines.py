"""The six figures that come first, and how each is to be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from ops.report import lasting
from ops.report.blocks import Headline, State
from ops.report.html import joined
from ops.report.report import OF_THE_PERIOD, NotKnown, Part, Report
from ops.report.trail_section import VERDICTS
from ops.report.words import NOTHING, count, duration, share, time
from ops.runs.verdict import meaning
from ops.text import plural
from shared.model import EntryState, KeyState
from shared.runs.model import RunKind


def headlines(report: Report) -> Iterator[Headline]:
    """In their order: what a sentence asks attention for, and nothing else, is marked so."""
    asks = {one.part for one in report.attention()}
    unknown = {one.part for one in report.not_known()}
    unsure = frozenset() if report.is_complete else OF_THE_PERIOD
    for part, headline in (
        (Part.EXPOSURES, _exposed(report)),
        (Part.COVERAGE, _verified(report)),
        (Part.TRAIL, _trail(report)),
        (Part.KEYS, _keys(report)),
        (Part.RUNS, _run(report)),
        (Part.QUARANTINE, _quarantine(report)),
    ):
        states = ((State.LOOK, asks), (State.UNKNOWN, unknown), (State.UNSURE, unsure))
        yield replace(headline, state=next((state for state, parts in states if part in parts), headline.state))


def _exposed(report: Report) -> Headline:
    exposures, now = report.exposures, report.period.made_at
    known = (one for one in lasting.longest_first(exposures, now) if lasting.seconds(one, now) is not None)
    lasted = joined(*(joined(", the longest for ", lasting.told(one, now)) for one in islice(known, 1)))
    values = report.clear_at_last_count
    counted = f"; {plural(values, 'value')} at the last census" if values else ""
    beside = joined(f"of {len(exposures):,} found in {_in_what(report)}", lasted, counted)
    state = State.NOTE if exposures else State.FINE
    return Headline("found in clear, not ended", count(len(report.open_exposures), "exposures.open"), beside, state)


def _verified(report: Report) -> Headline:
    coverage = report.tally.coverage
    verified = count(coverage.verified, "changes.verified")
    of_what = "" if report.is_complete else f", in {_in_what(report)}"
    beside = joined(verified, f" of {coverage.verifiable:,} that left something to verify", of_what)
    is_fine = coverage.verified == coverage.verifiable and not coverage.told_otherwise
    state = State.FINE if is_fine else State.NOTE
    return Headline("of changes verified", share(coverage.verified, coverage.verifiable), beside, state)


def _trail(report: Report) -> Headline:
    label = "audit trail"
    if isinstance(report.trail, NotKnown):
        return Headline(label, "not verified", report.trail.why, State.LOOK)
    result = report.trail.result
    until = joined(", until ", time(result.proven_until)) if result.proven_until else ""
    beside = joined(count(result.segments, "trail.segments"), " segments as they were attested", until)
    return Headline(label, VERDICTS[result.verdict], beside, State.FINE)


def _keys(report: Report) -> Headline:
    label, keys = "active data keys", report.keys
    if isinstance(keys, NotKnown):
        return Headline(label, NOTHING, keys.why, State.UNKNOWN)
    oldest = keys.oldest_active_at
    age = "" if oldest is None else f"the oldest for {duration(report.period.made_at - oldest)}; "
    overdue = "how old they may get is not known"
    if keys.overdue is not None:
        overdue = f"{keys.overdue:,} older than the policy wants"
    return Headline(label, f"{keys.count(KeyState.ACTIVE):,}", f"{age}{overdue}", State.FINE)


def _run(report: Report) -> Headline:
    """The last that did not end well, else the last rotation."""
    last = [*(run for run in report.tally.runs if run.kind == RunKind.ROTATION), *report.bad_runs][-1:]
    if not last:
        return Headline("last rotation", "none", f"was begun or ended in {_in_what(report)}", State.FINE)
    run = last[0]
    label = f"last {run.kind}"
    if not run.verdict:
        return Headline(label, "goes on", joined("since ", time(run.started_at)), State.NOTE)
    done = f"{plural(run.did.get('retired', 0), 'old data key')}, " if run.kind == RunKind.ROTATION else ""
    beside = joined(done, time(run.ended_at), f": {meaning(run.verdict)}")
    return Headline(label, run.verdict.replace("_", " "), beside, State.FINE)


def _quarantine(report: Report) -> Headline:
    label, now = "records held in quarantine", report.held
    if isinstance(now, NotKnown):
        return Headline(label, NOTHING, now.why, State.UNKNOWN)
    oldest = joined("the oldest since ", time(now.oldest_at)) if now.oldest_at else "nothing waits for a decision"
    entries = f"; {plural(now.entries.get(EntryState.HELD, 0), 'entry', 'entries')}" if now.records_held else ""
    beside = joined(oldest, entries)
    return Headline(label, f"{now.records_held:,}", beside, State.FINE)


def _in_what(report: Report) -> str:
    return "the period" if report.is_complete else "what could be counted"
