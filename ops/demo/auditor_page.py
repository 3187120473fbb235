"""What the demo ends with: the notary attests the trail, and a page for an auditor tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ops.demo.leaks import LeakSearch
from ops.demo.screen import console
from ops.environment import function
from ops.local_aws.process import BUILD
from ops.report.report import NotKnown, Report

FILE: Final = BUILD / "report.html"


def make(environment: Mapping[str, str], leaks: LeakSearch, *, since: float) -> dict[str, Any]:
    """Write it, and search it as everything else was searched; gives the figures that it shows.

    Args:
        environment: the stacks' outputs as `SEALSTREAM_*`.
        leaks: the values that must not stand there.
        since: when the demo began, seconds since the epoch.
    """
    from ops.report.gather import Wanted  # noqa: PLC0415 - what draws is slow to load
    from ops.report.write import told, write_report  # noqa: PLC0415

    function("NOTARY", "notary", environment)({})
    report = write_report(Wanted(since), FILE)
    for line in told(report, FILE):
        console.print(line, markup=False, soft_wrap=True)
    return _figures(report) | {"plaintext_hits": len(leaks.hits(FILE.name, FILE.read_text(encoding="utf-8")))}


def _figures(report: Report) -> dict[str, Any]:
    coverage = report.tally.coverage
    events = {name: number for name, number in report.tally.by_name.items() if name.startswith("item.")}
    trail = report.trail
    return {
        "changes": coverage.changes,
        "changes_verified": coverage.verified,
        "audit_events": events,
        "exposures": len(report.exposures),
        "exposures_open": len(report.open_exposures),
        "trail": trail.why if isinstance(trail, NotKnown) else trail.result.verdict.name.lower(),
        "segments_attested": 0 if isinstance(trail, NotKnown) else trail.result.segments,
        "segments_unreadable": len(report.unreadable),
    }
