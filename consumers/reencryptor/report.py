"""What the re-encryptor tells: a line per item that it had to leave, a line of metrics per batch.

What it mended the auditor tells, from the table's stream: nothing is told twice, and no crash here loses any of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from consumers.reencryptor.batch import MessageResult
from shared.keys.counts import KeyringCounts
from shared.public_ids import public_item_id, public_tenant
from shared.reencrypt.model import Fate
from shared.runtime.log import json_lines
from shared.runtime.metrics import Metric, emit, fate_metrics


def report_batch(results: Sequence[MessageResult], counts: KeyringCounts, *, started: float, ended: float) -> None:
    """Write the batch's lines to standard output; times in seconds since the epoch."""
    mended = [one for result in results for one in result.mended]
    lines = json_lines()
    for example in (example for one in mended if one.fate is Fate.LEFT for example in one.examples):
        tenant_id, item_id = public_tenant(example.tenant_id), public_item_id(example.item_id)
        lines.msg("left", tenant_id=tenant_id, item_id=item_id, where=example.where, why=example.why)
    references = [one for result in results for one in result.references]
    oldest = min((result.sent_at for result in results), default=ended)
    values = {
        Metric.FINDINGS_RECEIVED: len(references),
        **fate_metrics(sum((result.fates() for result in results), Counter[Fate]())),
        Metric.VALUES_REENCRYPTED: sum(one.reencrypted_values for one in mended),
        Metric.VALUES_SEALED: sum(one.sealed_values for one in mended),
        Metric.KEY_CACHE_HITS: counts.cache_hits,
        Metric.KEY_CACHE_MISSES: counts.cache_misses,
        Metric.KMS_CALLS: counts.kms_generate + counts.kms_decrypt,
        Metric.KMS_FAILURES: counts.kms_failed,
        Metric.KEYS_CREATED: counts.keys_created,
        Metric.OLDEST_RECORD_AGE_SECONDS: max(0.0, ended - oldest),
        Metric.BATCH_DURATION_MS: (ended - started) * 1_000,
    }
    emit(values, at=ended)
