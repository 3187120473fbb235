"""The six figures that come first, and how each is to be read."""

from __future__ import annotations

from collections.abc import Iterator

from ops.report import lasting
from ops.report.blocks import Headline, State
from ops.report.html import joined
from ops.report.report import NotKnown, Report
from ops.report.trail_section import VERDICTS
from ops.report.words import NOTHING, count, duration, share, time
from ops.runs.verdict import is_good, meaning
from shared.model import EntryState, KeyState
from shared.runs.model import RunKind
from shared.trail.findings import TrailVerdict


def headlines(report: Report) -> Iterator[Headline]:
    """In their order."""
    yield _exposed(report)
    yield _verified(report)
    yield _trail(report)
    yield _keys(report)
    yield _rotation(report)
    yield _quarantine(report)


def _exposed(report: Report) -> Headline:
    exposures, still = report.exposures, len(report.open_exposures)
    longest = max((lasting.seconds(one, report.period.made_at) for one in exposures), default=None)
    beside = f"of {len(exposures):,} found in the period" + (
        "" if longest is None else f", the longest for {duration(longest)}"
    )
    state = State.LOOK if still else State.NOTE if exposures else State.FINE
    return Headline("items still in clear", count(still, "exposures.open"), beside, state)


def _verified(report: Report) -> Headline:
    coverage = report.tally.coverage
    verified = count(coverage.verified, "changes.verified")
    beside = joined(verified, f" of {coverage.verifiable:,} that left something to verify")
    state = State.FINE if coverage.verified == coverage.verifiable else State.NOTE
    return Headline("of changes verified", share(coverage.verified, coverage.verifiable), beside, state)


def _trail(report: Report) -> Headline:
    label = "audit trail"
    if isinstance(report.trail, NotKnown):
        return Headline(label, "not verified", report.trail.why, State.UNKNOWN)
    result = report.trail.result
    state = {TrailVerdict.INTACT: State.FINE, TrailVerdict.UNCHECKED: State.UNKNOWN}.get(result.verdict, State.LOOK)
    until = joined(", until ", time(result.proven_until)) if result.proven_until else ""
    beside = joined(count(result.segments, "trail.segments"), " segments as they were attested", until)
    return Headline(label, VERDICTS[result.verdict], beside, state)


def _keys(report: Report) -> Headline:
    label, keys = "active data keys", report.keys
    if isinstance(keys, NotKnown):
        return Headline(label, NOTHING, keys.why, State.UNKNOWN)
    oldest = keys.oldest_active_at
    age = "" if oldest is None else f"the oldest for {duration(report.period.made_at - oldest)}; "
    beside = f"{age}{keys.overdue:,} older than the policy wants"
    state = State.LOOK if keys.overdue or keys.unreadable else State.FINE
    return Headline(label, f"{keys.count(KeyState.ACTIVE):,}", beside, state)


def _rotation(report: Report) -> Headline:
    label = "last rotation"
    last = [run for run in report.tally.runs if run.kind == RunKind.ROTATION][-1:]
    if not last:
        return Headline(label, "none", "was begun or ended in the period", State.FINE)
    run = last[0]
    if not run.verdict:
        return Headline(label, "goes on", joined("since ", time(run.started_at)), State.NOTE)
    done = run.did.get("retired", 0)
    beside = joined(f"{done:,} old data keys, ", time(run.ended_at), f": {meaning(run.verdict)}")
    return Headline(label, run.verdict.replace("_", " "), beside, State.FINE if is_good(run.verdict) else State.LOOK)


def _quarantine(report: Report) -> Headline:
    label, now = "records held in quarantine", report.held
    if isinstance(now, NotKnown):
        return Headline(label, NOTHING, now.why, State.UNKNOWN)
    oldest = joined("the oldest since ", time(now.oldest_at)) if now.oldest_at else "nothing waits for a decision"
    beside = joined(oldest, f"; {now.entries.get(EntryState.HELD, 0):,} entries") if now.records_held else oldest
    return Headline(label, f"{now.records_held:,}", beside, State.LOOK if now.records_held else State.FINE)
