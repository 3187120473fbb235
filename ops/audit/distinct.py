"""Events one by one of many: each id once, in the order of their times, however many there are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final, Self

_CACHE_KIB: Final = 32 * 1024
_TABLES: Final = """
    CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE batch (id TEXT PRIMARY KEY, at TEXT, sequence TEXT, event TEXT);
"""
_ADD: Final = """
    INSERT INTO batch SELECT :id, :at, :sequence, :event WHERE NOT EXISTS (SELECT 1 FROM seen WHERE id = :id)
    ON CONFLICT (id) DO UPDATE SET event = excluded.event WHERE length(excluded.event) > length(event)
"""
_IN_ORDER: Final = "SELECT event FROM batch ORDER BY at, length(sequence), sequence, id"


class Distinct:
    """Takes batches of events, and gives each batch back sorted, without what an earlier one had.

    Of two in one batch with the same id it keeps the longer: some are told again with fewer fields. Everything lies in
    a database of its own on disk, without a name and gone with the process, so memory does not grow with the trail.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB}; {_TABLES}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def add(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Events of the present batch, in any order, repeated or not."""
        self._database.execute("BEGIN")
        self._database.executemany(_ADD, map(_row, events))
        self._database.execute("COMMIT")

    def batch(self) -> Iterator[Mapping[str, Any]]:
        """The present batch by `at`, changes of one second by sequence number; once all are read, a new one begins."""
        with closing(self._database.cursor()) as cursor:
            for (event,) in cursor.execute(_IN_ORDER):
                yield json.loads(event)
        self._database.execute("INSERT INTO seen SELECT id FROM batch")
        self._database.execute("DELETE FROM batch")


def _row(event: Mapping[str, Any]) -> dict[str, str]:
    return {
        "id": event["event_id"],
        "at": event["at"],
        "sequence": str(event.get("sequence_number", "")),
        "event": json.dumps(event),
    }
