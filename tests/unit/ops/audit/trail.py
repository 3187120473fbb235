"""An audit bucket with segments of real events, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from shared.aws.audit_bucket import Listed
from shared.trail.ocsf import ocsf
from shared.trail.segments import segments
from shared.trail.stages import TOLD_BY

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""
HOUR = 3_600.0


def event(name: str = "item.written", *, at: float = START, uid: str = "", **fields: Any) -> dict[str, Any]:
    """An event; without `uid` its id comes of all that it says, so that the same has the same."""
    time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"event": name, "at": time, **fields}
    return {"event_id": uid or sha256(repr(sorted(told.items())).encode()).hexdigest()[:32], **told}


def a_stage_of(*events: Mapping[str, Any]) -> str:
    names = {one["event"] for one in events}
    return next(stage for stage, told in TOLD_BY.items() if names <= told)


class MemoryObjects:
    """Objects by key; each has the one version that was put first.

    Attributes:
        refused: what reading a key raises.
    """

    def __init__(self) -> None:
        self.refused: dict[str, Exception] = {}
        self.objects: dict[str, bytes] = {}
        self.read_keys: list[str] = []

    def write(self, *events: Mapping[str, Any], at: float = START, stage: str = "", where: str = "s-1") -> str:
        """A segment, written then; its key. Without `stage` it is of one that tells all these events."""
        stage = stage or a_stage_of(*events)
        ((name, content, _),) = segments(map(ocsf, events), written_at=at, stage=stage, where=where)
        self.objects.setdefault(name.key, content)
        return name.key

    def listed(self, prefix: str, start_after: str = "") -> Iterator[Listed]:
        for key in sorted(self.objects):
            if key.startswith(prefix) and key > start_after:
                yield Listed(key, len(self.objects[key]), START, f"version of {key}")

    def read(self, key: str, version_id: str | None = None) -> bytes:
        assert f"version of {key}" == version_id
        self.read_keys.append(key)
        if key in self.refused:
            raise self.refused[key]
        return self.objects[key]
