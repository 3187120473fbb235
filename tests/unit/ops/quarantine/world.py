"""Entries in memory, behind what `decide`, `list` and `show` ask of the index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ops.quarantine.index import Entry, Selection

ENTRIES = [
    Entry(
        quarantine_id=f"{number:032x}",
        state="held",
        reason=reason,
        detail="at byte 3",
        tenant_id=tenant,
        record_count=count,
        arrived_at=1_700_000_000.0 + number,
        shard_id="shard-1",
        sequence_number=str(number),
        object_key=f"2023/11/14/{number:032x}",
    )
    for number, (reason, tenant, count) in enumerate(
        [("not_json", "", 1), ("undeclared_attribute", "acme", 1_000), ("undeclared_attribute", "globex", 2)]
    )
]
IDS = [entry.quarantine_id for entry in ENTRIES]


@dataclass
class FakeIndex:
    held: list[Entry]

    def entries(self, selection: Selection) -> list[Entry]:
        return [entry for entry in self.held if selection.means(entry)]

    def get(self, quarantine_ids: Iterable[str]) -> dict[str, Entry]:
        wanted = set(quarantine_ids)
        return {entry.quarantine_id: entry for entry in self.held if entry.quarantine_id in wanted}


def index() -> Any:
    return FakeIndex(list(ENTRIES))
