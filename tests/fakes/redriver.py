"""The redriver as operators' commands meet it: its answers, over a stream and a quarantine in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any


@dataclass(frozen=True)
class FakeRecord:
    """One Kinesis record of one user record, and what comes of it."""

    number: int
    arrived_at: float
    outcome: str = "written"


@dataclass
class FakeRedriver:
    """Reads `page` records a call.

    Attributes:
        shards: records of each, in their order.
        parents: of a shard; none for those that are not in it.
        forgotten_before: what the stream no longer holds, by time of arrival; of the shards that have no parents.
        owed_seconds: what each replay answers.
        entries: what is answered about an entry; one that is not in it is gone.
        before: called with each payload before anything is done; may raise, or move a clock.
        asked: every payload.
    """

    shards: Mapping[str, list[FakeRecord]] = field(default_factory=dict)
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    page: int = 2
    forgotten_before: float | None = None
    owed_seconds: float = 0.0
    before: Callable[[Mapping[str, Any]], None] = lambda payload: None
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, payload: Mapping[str, Any]) -> Any:
        with self._lock:
            self.asked.append(payload)
        self.before(payload)
        return getattr(self, f"_{payload['operation']}")(payload)

    def of(self, operation: str) -> list[Mapping[str, Any]]:
        """What was asked of one operation."""
        return [payload for payload in self.asked if payload["operation"] == operation]

    def _shards(self, payload: Mapping[str, Any]) -> Any:
        return {
            "shards": [
                {"shard_id": shard, "parents": list(self.parents.get(shard, ())), "closed": False}
                for shard, records in self.shards.items()
                if any(record.arrived_at >= payload["from"] for record in records)
            ],
            "forgotten_before": self.forgotten_before,
        }

    def _replay(self, payload: Mapping[str, Any]) -> Any:
        after, since, until = int(payload.get("after", -1)), payload.get("from", 0.0), payload["to"]
        meant = [
            record
            for record in self.shards[payload["shard_id"]]
            if record.number > after and since <= record.arrived_at < until
        ]
        answer = self._read(payload, meant)
        place = payload.get("next", payload.get("after"))
        held = [record.number for record in self.shards[payload["shard_id"]] if record.number >= int(place or 0)]
        answer["missing"] = place is not None and int(place) not in held
        answer["found_from"] = str(held[0]) if answer["missing"] and held else None
        is_first = place is None and payload["shard_id"] not in self.parents
        answer["forgotten_before"] = self.forgotten_before if is_first else None
        if payload.get("dry_run"):
            outcomes = answer["outcomes"]
            sendable = sum(number for name, number in outcomes.items() if name != "quarantined")
            answer["outcomes"] = {"sendable": sendable, "quarantined": outcomes["quarantined"]}
        return answer

    def _reread(self, payload: Mapping[str, Any]) -> Any:
        first, last, after = int(payload["first"]), int(payload["last"]), int(payload.get("after", -1))
        held = self.shards.get(payload["shard_id"], [])
        meant = [record for record in held if max(first, after + 1) <= record.number <= last]
        answer = self._read(payload, meant)
        there = {record.number for record in held}
        begins_late = int(payload.get("next", payload.get("after", first))) not in there
        missing = begins_late or (answer["done"] and last not in there)
        return answer | {"missing": missing, "found_from": str(meant[0].number) if begins_late and meant else None}

    def _read(self, payload: Mapping[str, Any], meant: list[FakeRecord]) -> dict[str, Any]:
        page = meant[: self.page]
        waiting = next((place for place, record in enumerate(page) if record.outcome == "retry"), None)
        read = page if waiting is None else page[:waiting]
        outcomes = Counter(record.outcome for record in read)
        quarantined = outcomes["quarantined"]
        return {
            "shard_id": payload["shard_id"],
            "done": waiting is None and len(meant) <= self.page,
            "after": str(read[-1].number) if read else payload.get("after"),
            "next": str(meant[len(read)].number) if len(read) < len(meant) else None,
            "kinesis_records": len(read),
            "outcomes": {
                **{name: outcomes[name] for name in ("written", "duplicate", "superseded", "quarantined")},
                "retry": 0 if waiting is None else 1,
            },
            "reasons": {"not_json": quarantined} if quarantined else {},
            "oldest_arrived_at": min((record.arrived_at for record in read), default=None),
            "owed_seconds": self.owed_seconds,
        }

    def _skip(self, payload: Mapping[str, Any]) -> Any:
        return {}

    _skip_object = _skip

    def _redrive(self, payload: Mapping[str, Any]) -> Any:
        return {"entries": {one: self.entries.get(one, {"state": "gone"}) for one in payload["quarantine_ids"]}}

    _discard = _redrive


@dataclass
class FakeAuditor:
    """Reads what it is asked to again; each change is verified.

    Attributes:
        missing: the table's stream no longer holds what is asked for.
    """

    missing: bool = False
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def __call__(self, payload: Mapping[str, Any]) -> Any:
        self.asked.append(payload)
        if payload["operation"] == "skip":
            return {}
        records = 0 if self.missing else 3
        return {
            "done": True,
            "after": payload["last"],
            "missing": self.missing,
            "verdicts": {"verified": records},
            "records": records,
        }
