"""What the sweeper tells: metrics of each invocation, and an event for each object sealed anew.

What it mends in items the auditor tells, from the table's stream: nothing is told twice, and no crash here loses it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from shared.public_ids import public_item_id
from shared.reencrypt.model import Fate
from shared.runs.model import Phase
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id
from shared.runtime.metrics import Metric, fate_metrics
from shared.scan.work import Worked


def figures(worked: Worked) -> dict[str, float]:
    """The metrics of an invocation."""
    counted = _COUNTED.get(worked.run.phase, lambda _counts: {})(worked.progress.counts)
    return {
        **counted,
        Metric.KEY_CACHE_HITS: worked.keys.cache_hits,
        Metric.KEY_CACHE_MISSES: worked.keys.cache_misses,
        Metric.KMS_CALLS: worked.keys.kms_generate + worked.keys.kms_decrypt,
        Metric.KMS_FAILURES: worked.keys.kms_failed,
        Metric.KEYS_CREATED: worked.keys.keys_created,
    }


def _swept(counts: Mapping[str, int]) -> dict[str, float]:
    visited = counts.get("visited", 0)
    unclean: dict[Fate, int] = {fate: counts.get(fate, 0) for fate in Fate if fate is not Fate.CLEAN}
    return {
        Metric.ITEMS_SCANNED: visited,
        **fate_metrics({Fate.CLEAN: visited - sum(unclean.values()), **unclean}),
        Metric.VALUES_REENCRYPTED: counts.get("reencrypted_values", 0),
        Metric.VALUES_SEALED: counts.get("sealed_values", 0),
    }


def _taken_stock(counts: Mapping[str, int]) -> dict[str, float]:
    return {
        Metric.ITEMS_SCANNED: counts.get("visited", 0),
        Metric.VALUES_COUNTED: counts.get("sealed_values", 0),
        Metric.VALUES_STALE: counts.get("stale_values", 0),
        Metric.VALUES_UNKNOWN: counts.get("unknown_values", 0),
        Metric.VALUES_IN_CLEAR: counts.get("clear_values", 0),
    }


_COUNTED: Final = {Phase.SWEEP: _swept, Phase.CENSUS: _taken_stock}


def report_reencrypted_record(quarantine_id: str, key_id: int, audit_log: AuditLog) -> None:
    """Write the event of an object in quarantine that was sealed anew, under the key of this id."""
    audit_log.write(
        AuditEvent.RECORD_REENCRYPTED,
        event_id=event_id("quarantine", quarantine_id, f"{key_id:08x}"),
        at=time.time(),
        quarantine_id=public_item_id(quarantine_id),
    )
