"""What operators can ask of the redriver; see `shared.runtime.requests` for the form."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Final, Protocol

from consumers.encryptor.again.entries import Entries, Fate
from consumers.encryptor.again.stretches import Counts, Stretch, Stretches
from consumers.encryptor.again.telling import Telling
from shared.errors import RequestRefused
from shared.runtime import skipping
from shared.runtime.audit_log import AuditEvent
from shared.runtime.requests import Request
from shared.runtime.rereading import SLACK_SECONDS, AtRecord, AtTime, CallTime, Letter, Reread, TimeSpan

MOST_ENTRIES: Final = 25
RESERVE_SECONDS: Final = 60
"""With less time left no batch and no entry is begun. Whoever is killed in one all the same is repeated."""

_OPERATIONS: Final[Mapping[str, frozenset[str]]] = {
    "shards": frozenset({"from"}),
    "replay": frozenset(
        {"shard_id", "from", "to", "after", "next", "ahead", "records_per_second", "seconds", "dry_run"}
    ),
    "reread": frozenset({"shard_id", "first", "last", "after", "next", "ahead", "seconds"}),
    "skip": skipping.FIELDS,
    "skip_object": skipping.OBJECT_FIELDS,
    "redrive": frozenset({"quarantine_ids"}),
    "discard": frozenset({"quarantine_ids"}),
}
_QUARANTINE_ID: Final = re.compile(r"[0-9a-f]{32}")


class ListedShard(Protocol):
    """What is told of a shard."""

    @property
    def shard_id(self) -> str:
        """Its id."""

    @property
    def parents(self) -> tuple[str, ...]:
        """The shards that it was made from."""

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more records."""


@dataclass(frozen=True, slots=True)
class Redriver:
    """Answers operators.

    Attributes:
        shards: those of the source stream that were open at a time or later, seconds since the epoch.
        forgotten_before: retention has taken what arrived before this time, at this time; None: nothing.
        prepare: publishes the policy, once, before anything is sealed under it.
    """

    stretches: Stretches
    entries: Entries
    shards: Callable[[float], Sequence[ListedShard]]
    forgotten_before: Callable[[float], float | None]
    prepare: Callable[[], object]
    telling: Telling
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def answer(self, event: object, *, request_id: str, seconds_left: Callable[[], float]) -> dict[str, Any]:
        """Do what is asked for; every operation may be repeated, and may be cut off anywhere.

        Raises:
            RequestRefused: it has to be asked for otherwise.
            RetryLater: not now.
        """
        request = Request(event, _OPERATIONS)
        match request.operation:
            case "shards":
                return self._shards(request)
            case "replay":
                return self._replay(request, request_id, seconds_left)
            case "reread":
                return self._reread(request, request_id, seconds_left)
            case "skip":
                skipping.skip(request, self.telling.audit_log, stream="source", request_id=request_id, at=self.wall())
                return {}
            case "skip_object":
                skipping.skip_object(request, self.telling.audit_log, request_id=request_id, at=self.wall())
                return {}
            case operation:
                return self._decide(operation, request, request_id, seconds_left)

    def _shards(self, request: Request) -> dict[str, Any]:
        now = self.wall()
        listed = {shard.shard_id: shard for shard in self.shards(min(request.number("from"), now))}
        parents = {
            shard_id: [parent for parent in listed[shard_id].parents if parent in listed] for shard_id in sorted(listed)
        }
        return {
            "shards": [
                {"shard_id": shard_id, "parents": parents[shard_id], "closed": listed[shard_id].is_closed}
                for shard_id in TopologicalSorter(parents).static_order()
            ],
            "forgotten_before": self.forgotten_before(now),
        }

    def _replay(self, request: Request, request_id: str, seconds_left: Callable[[], float]) -> dict[str, Any]:
        after, following = map(request.sequence_number_if_given, ("after", "next"))
        begin = request.number("from") if after is None or request.has("from") else 0.0
        # what arrives from now on is the encryptor's own business
        end = min(request.number("to"), self.wall()) if request.has("to") else self.wall()
        if begin >= end:
            raise RequestRefused("replay: 'from' must lie before 'to' and in the past")
        rate = request.number("records_per_second") if request.has("records_per_second") else None
        # the record is met again, so that what retention took between two calls shows
        known = following or after
        stretch = Stretch(
            shard_id=request.shard_id(),
            place=AtTime(begin - SLACK_SECONDS) if known is None else AtRecord(known),
            span=TimeSpan(begin, end),
            after=after,
            ahead=request.places("ahead"),
            records_per_second=rate,
        )
        forgotten_before = self._forgotten(stretch.shard_id, begin) if known is None else None
        call_time = self._call_time(request, seconds_left)
        if request.flag("dry_run"):
            came, counts = self.stretches.plan(stretch, call_time)
        else:
            self.prepare()
            came, counts = self.stretches.replay(stretch, call_time)
            self._tell(AuditEvent.STREAM_REPLAYED, stretch, came, counts, request_id)
        found_from = came.begun_instead_of(stretch.place) or came.found_from
        has_lost_all = known is not None and came.done and came.begun_at is None
        missing = found_from is not None or came.has_gap or has_lost_all
        lost = {"missing": missing, "found_from": found_from, "forgotten_before": forgotten_before}
        return counts.answer(stretch.shard_id, came) | lost

    def _forgotten(self, shard_id: str, since: float) -> float | None:
        """Of a shard's records since a time retention may have taken what arrived before this one; None: nothing.

        Nothing, too, of a shard that came to be later, as those do whose parents were still open then.
        """
        before = self.forgotten_before(self.wall())
        if before is None or before <= since:
            return None
        parents = {shard.shard_id: shard.parents for shard in self.shards(before)}
        return None if any(parent in parents for parent in parents.get(shard_id, ())) else before

    def _reread(self, request: Request, request_id: str, seconds_left: Callable[[], float]) -> dict[str, Any]:
        first, last = skipping.read_range(request)
        after, following = map(request.sequence_number_if_given, ("after", "next"))
        letter = Letter(first, last, after, following)
        stretch = Stretch(
            shard_id=request.shard_id(),
            place=letter.place,
            span=letter.span,
            after=letter.after,
            ahead=request.places("ahead"),
        )
        self.prepare()
        came, counts = self.stretches.replay(stretch, self._call_time(request, seconds_left))
        self._tell(AuditEvent.RECORD_REDRIVEN, stretch, came, counts, request_id)
        return counts.answer(stretch.shard_id, came) | letter.found(came)

    def _tell(self, event: AuditEvent, stretch: Stretch, came: Reread, counts: Counts, request_id: str) -> None:
        ahead, at = counts.newly_ahead, self.wall()
        self.telling.stretch(event, stretch.shard_id, came, counts.outcomes, ahead=ahead, request_id=request_id, at=at)

    def _decide(
        self, operation: str, request: Request, request_id: str, seconds_left: Callable[[], float]
    ) -> dict[str, Any]:
        ids = request.ids("quarantine_ids", _QUARANTINE_ID, most=MOST_ENTRIES, wanted="ids of entries, 32 hex digits")
        call_time = self._call_time(request, seconds_left)
        if operation == "redrive":
            self.prepare()
        fates: dict[str, Fate] = {}
        for quarantine_id in ids:
            if operation == "redrive":
                fates[quarantine_id] = self.entries.redrive(
                    quarantine_id, request_id=request_id, seconds_left=seconds_left
                )
            else:
                fates[quarantine_id] = self.entries.discard(quarantine_id, request_id=request_id)
            if call_time.is_over():
                break
        return {"entries": {quarantine_id: fate.answer() for quarantine_id, fate in fates.items()}}

    def _call_time(self, request: Request, seconds_left: Callable[[], float]) -> CallTime:
        seconds = request.number("seconds") if request.has("seconds") else None
        return CallTime(seconds_left, RESERVE_SECONDS, seconds=seconds, monotonic=self.monotonic)
