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

    def write(self, events: Sequence[Mapping[str, Any]], *, where: str) -> str | None:
        """Write a segment, and give its key; None where these very events are in one of that key already.

        Args:
            events: at least one, as the audit log gives them.
            where: what they came from: shard and first sequence number, or the id of a request.

        Raises:
            StoreUnavailable: it is not there.
        """
        event_ids = [event["event_id"] for event in events]
        name = SegmentName.of(event_ids, written_at=self._wall(), stage=self._stage, where=where)
        is_new = self._bucket.put_once(name.key, segment_bytes(map(ocsf, events)))
        return name.key if is_new else None
