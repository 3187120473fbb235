"""Four days with everything in them that a report tells of: as events, and as a trail in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

from ops.audit.reading import at_of
from shared.trail.ocsf import ocsf
from shared.trail.segments import segments
from tests.fakes.trail import START, FakeTrail
from tests.unit.ops.audit.trail import a_stage_of, event

DAY = 86_400.0
END = START + 4 * DAY
NOTARY_SECONDS = 10_800
POLICY = "4c0d1e22aa55ff01"
ROTATION, RECONCILIATION, UNFINISHED = "a1" * 16, "b2" * 16, "c3" * 16
SSN = {"kind": "plaintext", "where": "ssn", "why": "stands in clear", "data_class": "pii"}
BEGUN: dict[str, Any] = {"findings": [SSN], "exposure": "begun"}
NOTE = {"kind": "undeclared", "where": "note", "why": "looks like a card number", "data_class": ""}
HOSTILE = '<script>alert("x")</script>'
"""The id of an item, as somebody may choose it."""


def change(name: str, at: float, verdict: str, item: str = "customer-1", **fields: Any) -> dict[str, Any]:
    """What the auditor says of a change."""
    findings = fields.pop("findings", [])
    image = {"findings": findings, "finding_count": len(findings), "sealed_count": 5, "policy": POLICY}
    told = {
        "tenant_id": "acme",
        "item_id": item,
        "change": "modify",
        "verdict": verdict,
        "sequence_number": f"{at:.0f}",
    }
    return event(name, at=at, **told, **image, **fields)


def removal(at: float, item: str) -> dict[str, Any]:
    """An item that is gone."""
    told = {"tenant_id": "acme", "item_id": item, "change": "remove", "verdict": "removed", "removed_by": "expiry"}
    return event("item.removed", at=at, sequence_number=f"{at:.0f}", **told)


@cache
def a_period() -> Sequence[Mapping[str, Any]]:
    """Its events, in order."""
    return sorted([*_changes(), *_keys(), *_runs(), *_records()], key=lambda one: one["at"])


def trail_in(folder: Path, events: Sequence[Mapping[str, Any]], *, until: float = END) -> Path:
    """A copy of a trail of these events, some of them twice; gives the file with its public key."""
    trail = FakeTrail(now=START)
    while trail.now < until:
        trail.wait(NOTARY_SECONDS)
        since = trail.now - NOTARY_SECONDS
        # what happened shortly before was delivered again
        some = [one for one in events if since - 600 <= at_of(one) < trail.now]
        for stage, told in groupby(sorted(some, key=a_stage_of), key=a_stage_of):
            where = f"s-{since:.0f}"
            for name, content, _ in segments(map(ocsf, told), written_at=trail.now, stage=stage, where=where):
                trail.put(name.key, content)
        trail.notarise()
    for key, one in trail.objects.items():
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(one.content)
        os.utime(file, (one.last_modified, one.last_modified))
    pem = folder.parent / "key.pem"
    pem.write_text(trail.key.pem, "ascii")
    return pem


def _changes() -> Iterator[dict[str, Any]]:
    chance = Random(1)
    for number in range(600):
        at = START + 3_600 + number * 500.0
        item = f"customer-{number}"
        yield change("item.written", at, "verified", item)
        if chance.random() < 0.05:
            yield change("item.stale", at + 1, "stale", item)
            yield change("item.reencrypted", at + 3, "verified", item)
        if chance.random() < 0.03:
            yield removal(at + 5, item)
    for number in range(9):
        at = START + 9_000 + number * 30_000.0
        yield change("item.plaintext_found", at, "plaintext", f"open-{number}", **BEGUN)
        if number:
            yield change("item.remediated", at + 2**number, "verified", f"open-{number}", open_seconds=2**number)
    yield change("item.plaintext_found", END - 7_000, "plaintext", HOSTILE, **BEGUN)
    yield removal(END - 6_000, HOSTILE)
    yield change("item.undeclared_sensitive", START + DAY, "undeclared", findings=[NOTE])
    yield change("item.malformed", START + 2 * DAY, "malformed")


def _keys() -> Iterator[dict[str, Any]]:
    for number in range(8):
        key = {"tenant_id": "acme", "data_class": "pii", "key_id": f"{number + 1:08x}"}
        yield event("key.created", at=START + number, **key)
        yield event("key.retired", at=START + 2 * DAY + 90 + number, run_id=ROTATION, **key)


def _runs() -> Iterator[dict[str, Any]]:
    at = START + 2 * DAY
    census: dict[str, Any] = {
        "visited": 600,
        "sealed_values": 3_000,
        "stale_values": 0,
        "clear_values": 0,
        "unknown_values": 0,
    }
    yield event("rotation.started", at=at, run_id=ROTATION, kind="rotation")
    told = {"run_id": ROTATION, "kind": "rotation", "verdict": "retired"}
    yield event("census.completed", at=at + 80, **told, **census)
    yield event("rotation.completed", at=at + 100, **told, renewed=8, retired=8, reencrypted_values=3_000, kept=0)
    yield event("rotation.started", at=at + DAY, run_id=RECONCILIATION, kind="reconciliation")
    judged: dict[str, Any] = {
        "visited": 600,
        "verified": 599,
        "stale": 1,
        "plaintext": 0,
        "malformed": 0,
        "undeclared": 0,
        "unjudged": 0,
    }
    told = {"run_id": RECONCILIATION, "kind": "reconciliation", "verdict": "findings"}
    yield event("reconciliation.completed", at=at + DAY + 60, **told, **judged, sent=1)
    yield event(
        "rotation.started", at=END - 60, run_id=UNFINISHED, kind="destruction", tenant_id="acme", key_id="00c0ffee"
    )


def _records() -> Iterator[dict[str, Any]]:
    source = {"shard_id": "shardId-000000000000", "sequence_number": "49"}
    for number, reason in enumerate(("not_json", "not_json", "item_too_large")):
        at, entry = START + 500 + number, f"{number:032x}"
        yield event("record.quarantined", at=at, quarantine_id=entry, reason=reason, record_count=2, **source)
    yield event("record.discarded", at=END - 500, quarantine_id=f"{0:032x}", reason="not_json", record_count=2)
    yield event("access.denied", at=END - 400, tenant_id="acme", asked_tenant_id="globex", why="tenant-mismatch")
