"""`sealstream deadletter list`: every message, given back as soon as it was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ops.clock import iso
from ops.deadletter.letter import Content, Findings, Foreign, Objects, Of, Position
from ops.deadletter.queues import LOOK_SECONDS, MESSAGES_PER_CALL, Letter, Queue, queues, told_hidden
from ops.json_lines import JsonLines
from ops.telling import for_programs
from ops.text import counted, plural, table


def list_letters(whose: Sequence[Of], *, as_json: bool = False, of: Sequence[Queue] | None = None) -> int:
    """Print them, the oldest of each queue first.

    Returns:
        0 where all could be seen; 1 where others hold some.

    Raises:
        StoreUnavailable: SQS does not answer.
        SettingsError: a name is missing.
    """
    of = queues(whose) if of is None else of
    found = [letter for queue in of for letter in read(queue)]
    hidden = sum(queue.hidden for queue in of)
    if for_programs(as_json=as_json):
        lines = JsonLines()
        for letter in found:
            lines.write("letter", **document(letter))
        lines.write("listed", letters=len(found), records=sum(letter.records for letter in found), hidden=hidden)
        return 1 if hidden else 0
    if found:
        print("\n".join(table_of(found)))
    print("\n".join([summary(found), *told_hidden(of)] if found or not hidden else told_hidden(of)))
    return 1 if hidden else 0


def read(queue: Queue) -> list[Letter]:
    """All messages of a queue, which stay in it."""
    with queue.letters(at_once=MESSAGES_PER_CALL, hidden_seconds=LOOK_SECONDS) as letters:
        return sorted(letters, key=lambda letter: letter.sent_at)


def document(letter: Letter) -> dict[str, Any]:
    """For programs."""
    return {
        "message_id": letter.message_id,
        "of": str(letter.of),
        "sent_at": iso(letter.sent_at or None),
        "records": letter.records,
        **_content(letter.content),
    }


def _content(content: Content) -> dict[str, Any]:
    match content:
        case Position():
            return {
                "shard_id": content.shard_id,
                "first": content.first,
                "last": content.last,
                "arrived_from": iso(content.arrived_from),
                "arrived_to": iso(content.arrived_to),
                "condition": content.condition,
            }
        case Findings():
            return {"findings": dict(Counter(str(one.reason) for one in content.references))}
        case Objects():
            return {"objects": [notice.object.name for notice in content.notices]}
        case Foreign():
            return {"foreign": content.why}


def table_of(letters: Iterable[Letter]) -> Iterator[str]:
    """A line for each."""
    head = ("of", "sent", "records", "arrived", "about", "id")
    rows = [
        (
            str(letter.of),
            iso(letter.sent_at or None) or "?",
            f"{letter.records:,}" if letter.records else "?",
            *_about(letter.content),
            letter.message_id,
        )
        for letter in letters
    ]
    return table(head, rows)


def _about(content: Content) -> tuple[str, str]:
    """When the first record arrived, and what the message says."""
    match content:
        case Position():
            return iso(content.arrived_from) or "?", f"{content.shard_id}, {content.condition or 'given up'}"
        case Findings():
            return "", f"findings: {counted(Counter(str(one.reason) for one in content.references))}"
        case Objects():
            return "", ", ".join(notice.object.name for notice in content.notices) or "nothing"
        case Foreign():
            return "", f"foreign: {content.why}"


def summary(letters: Sequence[Letter]) -> str:
    """How many, about how many records and items."""
    if not letters:
        return "no dead letters"
    return f"{plural(len(letters), 'dead letter')}: {counted(Counter(str(letter.of) for letter in letters))}"
