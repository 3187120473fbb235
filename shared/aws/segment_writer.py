"""Audit events into the audit bucket: what an invocation has to tell becomes one segment (docs/audit_trail.md)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.aws.audit_bucket import AuditBucket
from shared.trail.ocsf import ocsf
from shared.trail.segments import segments


class SegmentWriter:
    """Writes segments of one stage."""

    def __init__(self, bucket: AuditBucket, stage: str, wall: Callable[[], float] = time.time) -> None:
        self._bucket = bucket
        self._stage = stage
        self._wall = wall

    def write(self, events: Sequence[Mapping[str, Any]], *, where: str) -> Sequence[tuple[str | None, int]]:
        """Write segments, one where one holds them all; for each its key, and how many of the events it holds.

        No key where a segment of that name is there already: then it holds these very events, for its name is of all
        that they say, and nobody else may put anything there.

        Args:
            events: at least one, as the audit log gives them.
            where: what they came from: shard and first sequence number, or the id of a request.

        Raises:
            StoreUnavailable: it is not there.
        """
        made = segments(map(ocsf, events), written_at=self._wall(), stage=self._stage, where=where)
        return [
            (name.key if self._bucket.put_once(name.key, content) else None, count) for name, content, count in made
        ]
