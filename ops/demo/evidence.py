"""The leak search over a running deployment: each place, what was read there, what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from ops.demo.leaks import (
    LeakSearch,
    bucket_objects,
    log_lines,
    queue_messages,
    stream_records,
    table_items,
    text_of,
)
from shared.aws.clients import client

IN_CLEAR_BY_NATURE: Final = ("source stream (kept for a day)", "landing bucket (a file that is done: for a week)")
"""Where producers put what is not sealed yet; encrypted at rest, and not searched."""


@dataclass(frozen=True, slots=True)
class Searched:
    """One place: how many documents were read, in how many a value was found, and in how many of the rogue item's."""

    name: str
    documents: int
    hits: int
    rogue_hits: int


def search(
    environment: Mapping[str, str], leaks: LeakSearch, *, rogue: tuple[str, str] = ("", ""), log: Path | None = None
) -> list[Searched]:
    """Search items and their stream, keys, runs, quarantine, audit trail, queues, logs and metrics of a deployment.

    Everything but `IN_CLEAR_BY_NATURE`.

    Args:
        environment: the stacks' outputs as `SEALSTREAM_*`.
        leaks: the values to find.
        rogue: tenant and id of an item that was written in clear on purpose.
        log: a file that is searched too, such as the local AWS's own log.
    """
    places = [*_places(environment), *([("local AWS's own log", _lines(log))] if log else [])]
    return [_search_place(name, documents, leaks, rogue) for name, documents in places]


def as_table(searched: Iterable[Searched]) -> Table:
    """The search's result for people."""
    table = Table("searched", "hits", "hits in the rogue item", "place", box=None)
    for place in searched:
        table.add_row(str(place.documents), str(place.hits), str(place.rogue_hits), place.name)
    return table


def _places(environment: Mapping[str, str]) -> Iterator[tuple[str, Iterable[Any]]]:
    yield "items table", table_items(environment["SEALSTREAM_TABLE"])
    yield "items table's stream", stream_records(environment["SEALSTREAM_TABLE_STREAM"])
    yield "key store", table_items(environment["SEALSTREAM_KEY_STORE"])
    yield "runs", table_items(environment["SEALSTREAM_RUNS"])
    yield "landing runs", table_items(environment["SEALSTREAM_LANDING_RUNS"])
    yield "quarantine index", table_items(environment["SEALSTREAM_QUARANTINE_TABLE"])
    yield "quarantine bucket", bucket_objects(environment["SEALSTREAM_QUARANTINE_BUCKET"])
    yield "audit bucket", bucket_objects(environment["SEALSTREAM_AUDIT_BUCKET"])
    yield "findings queue", queue_messages(environment["SEALSTREAM_FINDINGS_QUEUE"])
    yield "landing queue", queue_messages(environment["SEALSTREAM_LANDING_QUEUE"])
    for consumer in ("encryptor", "auditor", "reencryptor", "landing"):
        dead_letters = environment[f"SEALSTREAM_{consumer.upper()}_DEAD_LETTER_QUEUE"]
        yield f"{consumer}'s dead letters", queue_messages(dead_letters)
    for page in client("logs").get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:  # the state machine's is one of them
            yield f"log {group['logGroupName']}", log_lines(group["logGroupName"])
    yield "metrics", (("metrics", metric) for metric in client("cloudwatch").list_metrics()["Metrics"])


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        yield path.name, line


def _search_place(name: str, documents: Iterable[Any], leaks: LeakSearch, rogue: tuple[str, str]) -> Searched:
    read = hits = rogue_hits = 0
    for where, document in documents:
        read += 1
        if leaks.hits(where, document if isinstance(document, str) else text_of(document)):
            if _is_of(rogue, document):
                rogue_hits += 1
            else:
                hits += 1
    return Searched(name, read, hits, rogue_hits)


def _is_of(rogue: tuple[str, str], document: Any) -> bool:
    """Whether a document is the rogue item itself, or its change in the stream."""
    if not isinstance(document, dict):
        return False
    keys = document.get("dynamodb", {}).get("Keys", document)
    return bool((keys.get("tenant_id"), keys.get("item_id")) == ({"S": rogue[0]}, {"S": rogue[1]}))
