"""Entries of the quarantine for those who decide about them, in memory, over `FakeQuarantine`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shared.errors import Reason
from shared.model import EntryState, HeldEntry, QuarantineEntry
from tests.fakes.items import FakeQuarantine


class FakeHeldEntries:
    """The quarantine's index and contents.

    Attributes:
        rows: by id; filled from what the quarantine keeps.
        before: called with the name of each call; may raise, as a store that is down or a process that is killed.
        after: the same after each call that changes something.
    """

    def __init__(self, quarantine: FakeQuarantine) -> None:
        self.rows: dict[str, HeldEntry] = {}
        self.before: Callable[[str], None] = lambda name: None
        self.after: Callable[[str], None] = lambda name: None
        self._quarantine = quarantine

    def find(self, quarantine_id: str) -> HeldEntry | None:
        self.before("find")
        kept = self._quarantine.entries.get(quarantine_id)
        if kept is not None and quarantine_id not in self.rows:
            self.rows[quarantine_id] = _row(kept)
        return self.rows.get(quarantine_id)

    def content(self, entry: HeldEntry) -> bytes | None:
        self.before("content")
        kept = self._quarantine.entries.get(entry.quarantine_id)
        return kept.sealed_content if kept else None

    def hold(self, entry: HeldEntry, reason: Reason, detail: str) -> bool:
        self.before("hold")
        row = self.rows[entry.quarantine_id]
        if row.state is not EntryState.HELD:
            return False
        self.rows[entry.quarantine_id] = replace(row, reason=reason, detail=detail)
        return True

    def decide(self, entry: HeldEntry, state: EntryState, at: float) -> bool:
        self.before("decide")
        row = self.rows[entry.quarantine_id]
        if row.state is not EntryState.HELD:
            return False
        self.rows[entry.quarantine_id] = replace(row, state=state, decided_at=at)
        self.after("decide")
        return True

    def carry_out(self, entry: HeldEntry) -> None:
        self.before("carry_out")
        if self.rows[entry.quarantine_id].state is not EntryState.HELD:
            self._quarantine.entries.pop(entry.quarantine_id, None)
            self.rows[entry.quarantine_id] = replace(self.rows[entry.quarantine_id], object_key="")
        self.after("carry_out")


def _row(kept: QuarantineEntry) -> HeldEntry:
    return HeldEntry(
        quarantine_id=kept.quarantine_id,
        state=EntryState.HELD,
        reason=kept.reason,
        kept_reason=kept.reason,
        detail=kept.detail,
        tenant_id=kept.tenant_id,
        stream_arn=kept.stream_arn,
        shard_id=kept.shard_id,
        sequence_number=kept.sequence_number,
        arrived_at=kept.arrived_at,
        record_count=kept.record_count,
        object_key=f"2023/11/14/{kept.quarantine_id}",
    )
