"""`sealstream quarantine list`: entries, oldest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ops.clock import iso
from ops.environment import setting
from ops.json_lines import JsonLines
from ops.quarantine.index import Entry, QuarantineIndex, Selection
from ops.telling import for_programs
from ops.text import counted, plural, table
from shared.aws.clients import client


def list_entries(selection: Selection, *, as_json: bool = False, index: QuarantineIndex | None = None) -> None:
    """Print them; raises StoreUnavailable, SettingsError."""
    entries = (index or quarantine_index()).entries(selection)
    records = sum(entry.record_count for entry in entries)
    if for_programs(as_json=as_json):
        lines = JsonLines()
        for entry in entries:
            lines.write("entry", **entry.document())
        lines.write("listed", entries=len(entries), records=records)
        return
    if entries:
        print("\n".join(table_of(entries)))
    print(summary(entries))


def quarantine_index() -> QuarantineIndex:
    """That of the deployment; raises SettingsError."""
    name = setting("QUARANTINE_TABLE")
    return QuarantineIndex(client("dynamodb"), name)


def table_of(entries: Iterable[Entry]) -> Iterable[str]:
    """A line for each, with its place in a file where any has one."""
    entries = list(entries)
    has_files = any(entry.place_in_file for entry in entries)
    head = ("arrived", "reason", "records", "tenant", "state", "id", *(("object",) if has_files else ()), "detail")
    rows = [
        (
            iso(entry.arrived_at or None) or "?",
            entry.reason,
            f"{entry.record_count:,}",
            entry.public_tenant or "?",
            entry.state,
            entry.quarantine_id,
            *((entry.place_in_file,) if has_files else ()),
            entry.detail,
        )
        for entry in entries
    ]
    return table(head, rows)


def summary(entries: Sequence[Entry]) -> str:
    """How many, with how many records, for which reasons."""
    if not entries:
        return "no entries"
    records = sum(entry.record_count for entry in entries)
    reasons = Counter(entry.reason for entry in entries)
    return f"{plural(len(entries), 'entry', 'entries')}, {plural(records, 'record')}: {counted(reasons)}"
