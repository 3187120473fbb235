"""Documents of many events: each event once, in the order of their times, however many there are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final, Self

from shared.trail.ocsf_tellings import TELLINGS

Event = Mapping[str, Any]
"""As docs/audit_events.md has it: `event`, `event_id`, `at` and the event's own fields."""

_CACHE_KIB: Final = 32 * 1024
_TABLES: Final = """
    CREATE TABLE seen (id TEXT, told TEXT, PRIMARY KEY (id, told)) WITHOUT ROWID;
    CREATE TABLE batch (id TEXT, told TEXT, at TEXT, sequence TEXT, severity INTEGER, document TEXT,
                        PRIMARY KEY (id, told));
"""
_ADD: Final = """
    INSERT INTO batch SELECT :id, :told, :at, :sequence, :severity, :document
    WHERE NOT EXISTS (SELECT 1 FROM seen WHERE id = :id AND told = :told)
    ON CONFLICT (id, told) DO UPDATE SET document = excluded.document WHERE length(excluded.document) > length(document)
"""
_IN_ORDER: Final = "SELECT document FROM batch ORDER BY at, length(sequence), sequence, severity, id"


class Distinct:
    """Takes batches of documents, and gives each batch back sorted, without the events that an earlier one had.

    Of two in one batch that tell the same event it keeps the longer: some are told again with fewer fields. Two that
    make something else of the same cause, another event or another verdict, are both kept, the graver one last: what
    was found once is not taken back by who says under the same id that all is well. All lies in a database on disk
    that has no name and is gone with the process, so memory does not grow with the trail.
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

    def add(self, told: Iterable[tuple[Event, Mapping[str, Any]]]) -> None:
        """Events of the present batch, in any order, repeated or not, each with the document to give back."""
        self._database.execute("BEGIN")
        self._database.executemany(_ADD, map(_row, told))
        self._database.execute("COMMIT")

    def batch(self) -> Iterator[Mapping[str, Any]]:
        """The present batch by `at`, changes of one second by sequence number; once all are read, a new one begins."""
        with closing(self._database.cursor()) as cursor:
            for (document,) in cursor.execute(_IN_ORDER):
                yield json.loads(document)
        self._database.execute("INSERT INTO seen SELECT id, told FROM batch")
        self._database.execute("DELETE FROM batch")


def _row(told: tuple[Event, Mapping[str, Any]]) -> dict[str, str | int]:
    event, document = told
    telling = TELLINGS.get(event["event"])
    return {
        "id": event["event_id"],
        "told": f"{event['event']} {event.get('verdict')}",
        "at": event["at"],
        "sequence": str(event.get("sequence_number", "")),
        "severity": 0 if telling is None else int(telling.severity),
        "document": json.dumps(document),
    }
