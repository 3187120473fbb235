"""The redriver in memory: a stream that is read again, and a quarantine about whose entries it decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from consumers.encryptor.again.entries import Entries
from consumers.encryptor.again.operations import Redriver
from consumers.encryptor.again.stretches import Stretches
from consumers.encryptor.again.telling import Telling
from shared.errors import Reason
from shared.model import EntryState, HeldEntry, QuarantineEntry
from shared.runtime.audit_log import AuditLog
from shared.runtime.rereading import AfterRecord, AtTime, Page, Place, ShardRecord
from tests.chaos.memory import MemoryWorld
from tests.chaos.model import Order
from tests.chaos.processes import MOST_SECONDS, EncryptorProcess
from tests.chaos.stream import Stream
from tests.fakes.items import FakeQuarantine

PAGE_RECORDS = 3


class DecidedQuarantine(FakeQuarantine):
    """Entries that are held, or were decided about; one that comes again is held again."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, HeldEntry] = {}

    def keep(self, entry: QuarantineEntry) -> None:
        row = self.rows.get(entry.quarantine_id)
        if row is None or row.state is not EntryState.HELD:
            self.entries[entry.quarantine_id] = entry
            self.rows[entry.quarantine_id] = _held(entry)

    def find(self, quarantine_id: str) -> HeldEntry | None:
        return self.rows.get(quarantine_id)

    def content(self, entry: HeldEntry) -> bytes | None:
        kept = self.entries.get(entry.quarantine_id)
        return kept.sealed_content if kept else None

    def hold(self, entry: HeldEntry, reason: Reason, detail: str) -> bool:
        self.rows[entry.quarantine_id] = replace(entry, reason=reason, detail=detail)
        return True

    def decide(self, entry: HeldEntry, state: EntryState, at: float) -> bool:
        if self.rows[entry.quarantine_id].state is not EntryState.HELD:
            return False
        self.rows[entry.quarantine_id] = replace(entry, state=state, decided_at=at)
        return True

    def carry_out(self, entry: HeldEntry) -> None:
        del self.entries[entry.quarantine_id]
        self.rows[entry.quarantine_id] = replace(entry, object_key="")


class ReplayWorld(MemoryWorld):
    """A world whose policy may change, and whose records may come again as operators ask for them."""

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self.held_entries = self.quarantine = DecidedQuarantine()

    def deploy(self, order: Order) -> None:
        """Another policy from now on, over the same table."""
        self.order = order

    def deliver(self) -> None:
        """What the event source mapping has not brought yet."""
        process = EncryptorProcess(self)
        for shard in self.stream.shards:
            while batch := shard.waiting(10):
                before = shard.done
                shard.answered(batch, process.invoke(batch))
                assert shard.done > before

    def redriver(self) -> Redriver:
        """A new process of it."""
        process = EncryptorProcess(self)
        telling = Telling(process.keyring, AuditLog(), self.clock.wall)
        source = _Source(self.stream)
        return Redriver(
            stretches=Stretches(
                process.encryptor,
                source,
                telling,
                self.stream_arn,
                wait=self.clock.advance,
                monotonic=self.clock.monotonic,
            ),
            entries=Entries(
                process.encryptor,
                self.held_entries,
                process.keyring,
                self.order.policy.dataset,
                telling,
                self.clock.wall,
            ),
            shards=lambda since: [],
            forgotten_before=lambda now: None,
            prepare=lambda: None,
            telling=telling,
            wall=self.clock.wall,
            monotonic=self.clock.monotonic,
        )

    def replay(self, shard_id: str, start: float, end: float) -> dict[str, Any]:
        """Replay what arrived in a shard from `start` on and before `end`, call by call; what the last one answered."""
        payload: dict[str, Any] = {"operation": "replay", "shard_id": shard_id, "from": start, "to": end}
        while True:
            answer = self._ask(payload)
            if answer["done"]:
                return answer
            payload["after"] = answer["after"]

    def redrive(self, quarantine_id: str) -> dict[str, Any]:
        """Put one entry back; what became of it."""
        found: dict[str, Any] = self._ask({"operation": "redrive", "quarantine_ids": [quarantine_id]})["entries"]
        return found[quarantine_id]

    def _ask(self, payload: dict[str, Any]) -> dict[str, Any]:
        return self.redriver().answer(payload, request_id="request", seconds_left=lambda: MOST_SECONDS)


class _Source:
    """The stream as `shared.aws.kinesis_records` gives it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def pages(self, shard_id: str, place: Place, *, most: Callable[[], int]) -> Iterator[Page]:
        (shard,) = [one for one in self._stream.shards if one.shard_id == shard_id]
        records = [_record(event) for event in shard.events]
        left = [record for record in records if _is_at(record, place)]
        while left:
            size = min(PAGE_RECORDS, most())
            yield Page(left[:size])
            left = left[size:]
        yield Page([], caught_up=True)


def _record(event: dict[str, Any]) -> ShardRecord:
    kinesis = event["kinesis"]
    return ShardRecord(kinesis["sequenceNumber"], kinesis["approximateArrivalTimestamp"], event)


def _is_at(record: ShardRecord, place: Place) -> bool:
    if isinstance(place, AtTime):
        return record.arrived_at >= place.seconds
    number = int(place.sequence_number)
    return int(record.sequence_number) >= number + isinstance(place, AfterRecord)


def _held(entry: QuarantineEntry) -> HeldEntry:
    return HeldEntry(
        quarantine_id=entry.quarantine_id,
        state=EntryState.HELD,
        reason=entry.reason,
        kept_reason=entry.reason,
        detail=entry.detail,
        tenant_id=entry.tenant_id,
        stream_arn=entry.stream_arn,
        shard_id=entry.shard_id,
        sequence_number=entry.sequence_number,
        arrived_at=entry.arrived_at,
        record_count=entry.record_count,
        object_key="content",
    )
