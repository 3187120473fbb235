"""The metrics of a reconciler's invocation."""

from __future__ import annotations

from consumers.auditor.standing.visitor import UNJUDGED
from shared.model import VerdictKind
from shared.runtime.metrics import Metric, verdict_metrics
from shared.scan.work import Worked


def figures(worked: Worked) -> dict[str, float]:
    """Items by verdict, and what was sent on of them."""
    counts = worked.progress.counts
    verdicts = verdict_metrics({kind: counts.get(kind, 0) for kind in VerdictKind})
    del verdicts[Metric.ITEMS_REMOVED]  # what is gone does not stand
    return {
        Metric.ITEMS_SCANNED: counts.get("visited", 0),
        **verdicts,
        Metric.ITEMS_UNJUDGED: counts.get(UNJUDGED, 0),
        Metric.FINDINGS_SENT: counts.get("sent", 0),
    }
