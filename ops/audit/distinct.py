"""Documents of many events: each event once, in the order of their times, however many there are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Self

from shared.model import Outcome
from shared.trail.ocsf_tellings import TELLINGS

Event = Mapping[str, Any]
"""As docs/audit_events.md has it: `event`, `event_id`, `at` and the event's own fields."""

_OF_THE_TELLING: Final = frozenset({"at", "request_id", "open_seconds", "key_material_id", *Outcome})
"""What is told otherwise, or not at all, by who tells the same again."""
_OF_ONE_TELLING: Final[Mapping[str, frozenset[str]]] = {
    "record.quarantined": frozenset({"shard_id", "sequence_number"})
}
"""The same, of events of one name: another record may bring the same line of a file, whose entry has one id."""
_CACHE_KIB: Final = 32 * 1024
_TABLES: Final = """
    CREATE TABLE segment (number INTEGER PRIMARY KEY, key TEXT UNIQUE);
    CREATE TABLE seen (id TEXT, told BLOB, counts INTEGER, segment INTEGER, PRIMARY KEY (id, told)) WITHOUT ROWID;
    CREATE TABLE batch (number INTEGER PRIMARY KEY, id TEXT, told BLOB, segment INTEGER, at TEXT, sequence TEXT,
                        severity INTEGER, document TEXT, UNIQUE (id, told));
"""
_ADD: Final = """
    INSERT INTO batch (id, told, segment, at, sequence, severity, document)
    SELECT :id, :told, :segment, :at, :sequence, :severity, :document
    WHERE NOT EXISTS (SELECT 1 FROM seen WHERE id = :id AND told = :told)
    ON CONFLICT (id, told) DO UPDATE SET document = excluded.document WHERE length(excluded.document) > length(document)
"""
_TOLD_OTHERWISE: Final = """
    SELECT one.number, coalesce(before.segment, first.segment)
    FROM batch AS one
    LEFT JOIN seen AS before ON before.id = one.id AND before.counts
    LEFT JOIN batch AS first ON first.number = (SELECT min(number) FROM batch WHERE id = one.id)
    WHERE one.id IN (SELECT id FROM batch GROUP BY id HAVING count(*) > 1
                     UNION SELECT id FROM batch JOIN seen USING (id))
      AND (before.id IS NOT NULL OR first.number < one.number)
"""
"""What contradicts what came before, and the segment of that."""
_IN_ORDER: Final = """
    SELECT number, segment, document FROM batch ORDER BY at, length(sequence), sequence, severity, id
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A telling of an event.

    Attributes:
        segment: the key of the one that tells it.
        against: the key of the one that tells something else under the same id, and came first; "" where none does.
    """

    document: Mapping[str, Any]
    segment: str
    against: str = ""


class Distinct:
    """Takes batches of documents, and gives each batch back sorted, without the events that an earlier one had.

    Of two in one batch that tell the same it keeps the longer: some are told again with fewer fields. Of two that tell
    different things under one id both are kept, the graver one last, and the one that came later says so. All lies in
    a database on disk that has no name and is gone with the process, so memory does not grow with the trail.
    """

    def __init__(self) -> None:
        self._keys: dict[int, str] = {}
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB}; {_TABLES}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def add(self, segment: str, told: Iterable[tuple[Event, Mapping[str, Any]]]) -> None:
        """Events of the present batch that a segment tells, in any order, each with the document to give back."""
        self._database.execute("BEGIN")
        self._database.execute("INSERT OR IGNORE INTO segment (key) VALUES (?)", (segment,))
        ((number,),) = self._database.execute("SELECT number FROM segment WHERE key = ?", (segment,))
        self._database.executemany(_ADD, (_row(number, event, document) for event, document in told))
        self._database.execute("COMMIT")

    def batch(self) -> Iterator[Kept]:
        """The present batch by `at`, changes of one second by sequence number; once all are read, a new one begins."""
        otherwise = dict(self._database.execute(_TOLD_OTHERWISE))
        with closing(self._database.cursor()) as cursor:
            for number, segment, document in cursor.execute(_IN_ORDER):
                against = self._key(otherwise[number]) if number in otherwise else ""
                yield Kept(json.loads(document), self._key(segment), against)
        self._keys.clear()
        self._database.execute("INSERT INTO seen SELECT id, told, TRUE, segment FROM batch")
        contradicting = (
            "UPDATE seen SET counts = FALSE WHERE (id, told) = (SELECT id, told FROM batch WHERE number = ?)"
        )
        self._database.executemany(contradicting, ((number,) for number in otherwise))
        self._database.execute("DELETE FROM batch")

    def _key(self, segment: int) -> str:
        """Of a segment, by its number here; those of the present batch are remembered."""
        if segment not in self._keys:
            ((self._keys[segment],),) = self._database.execute("SELECT key FROM segment WHERE number = ?", (segment,))
        return self._keys[segment]


def _row(segment: int, event: Event, document: Mapping[str, Any]) -> dict[str, Any]:
    telling = TELLINGS.get(event["event"])
    of_the_telling = _OF_THE_TELLING | _OF_ONE_TELLING.get(event["event"], frozenset())
    said = {name: value for name, value in event.items() if name not in of_the_telling}
    return {
        "id": event["event_id"],
        "told": sha256(json.dumps(said, sort_keys=True).encode("ascii")).digest(),
        "segment": segment,
        "at": event["at"],
        "sequence": str(event.get("sequence_number", "")),
        "severity": 0 if telling is None else int(telling.severity),
        "document": json.dumps(document),
    }
