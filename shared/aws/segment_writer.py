"""Audit events into the audit bucket: what an invocation has to tell becomes one segment (docs/audit_trail.md)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.aws.audit_bucket import AuditBucket
from shared.trail.ocsf import ocsf
from shared.trail.segments import SegmentName, segment_bytes


class SegmentWriter:
    """Writes segments of one stage."""

    def __init__(self, bucket: AuditBucket, stage: str, wall: Callable[[], float] = time.time) -> None:
        self._bucket = bucket
        self._stage = stage
        self._wall = wall

    def write(self, events: Sequence[Mapping[str, Any]], *, where: str) -> bool:
        """Write a segment; False where these very events are in one of this name already.

        Args:
            events: at least one, as the audit log gives them; of several with one id the first counts.
            where: what they came from: shard and first sequence number, or the id of a request.

        Raises:
            StoreUnavailable: it is not there.
        """
        distinct: dict[str, Mapping[str, Any]] = {}
        for event in events:
            distinct.setdefault(event["event_id"], event)
        name = SegmentName.of(distinct, written_at=self._wall(), stage=self._stage, where=where)
        return self._bucket.put_once(name.key, segment_bytes(ocsf(event) for event in distinct.values()))
