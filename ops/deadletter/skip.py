"""`sealstream deadletter skip`: letters are deleted undone, and the audit log says so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial

from ops.deadletter.letter import Content, Objects, Of, Position
from ops.deadletter.listing import document, table_of
from ops.deadletter.queues import MESSAGES_PER_CALL, Letter, Queue
from ops.deadletter.redrive import Ports, ports_from_environment
from ops.errors import NotHeld
from ops.json_lines import JsonLines
from ops.patience import Patience
from ops.telling import for_programs
from ops.text import plural


def skip(
    whose: Sequence[Of],
    message_ids: Collection[str],
    *,
    ask: Callable[[str], bool] | None,
    as_json: bool = False,
    ports: Ports | None = None,
) -> int:
    """Delete the letters with these ids, and print which, however it ends.

    A position, or an object, is audited by its function before its message goes; of findings the next sweep finds the
    items too; of what is foreign nobody knows anything.

    Args:
        whose: among whose letters they are looked for.
        message_ids: which letters.
        ask: whether to do it, given what it is about; None where nobody is to be asked.
        as_json: for programs, in a terminal too.
        ports: by default those that the environment names.

    Returns:
        0 where all are gone; 1 where one was not found, or not skipped.

    Raises:
        FunctionRefused: a function will not do it.
        NoProgress: nothing answers for too long.
        KeyboardInterrupt: nothing more is begun.
    """
    ports = ports or ports_from_environment(whose)
    as_json = for_programs(as_json=as_json)
    skipped: list[Letter] = []
    try:
        for queue in ports.queues:
            for letter in _skipped_of(queue, message_ids, ask, ports):
                skipped.append(letter)  # noqa: PERF402 - what was done is told however it ends
    finally:
        left = sorted({*message_ids} - {letter.message_id for letter in skipped})
        if as_json:
            lines = JsonLines()
            for letter in skipped:
                lines.write("skipped", **document(letter))
            lines.write("finished", skipped=len(skipped), left=left)
        else:
            print(f"{plural(len(skipped), 'dead letter')} skipped")
            if left:
                print(f"not skipped, or not in these queues, or held by another command: {', '.join(left)}")
    return 1 if left else 0


def _skipped_of(
    queue: Queue, message_ids: Collection[str], ask: Callable[[str], bool] | None, ports: Ports
) -> Iterator[Letter]:
    patience = Patience(ports.clock, _quiet)
    with queue.letters(at_once=MESSAGES_PER_CALL, insist=patience.insist) as letters:
        found = [letter for letter in letters if letter.message_id in message_ids]
        if not found or (ask is not None and not ask(_question(found))):
            return
        for letter in found:
            with suppress(NotHeld):  # the answer took its time, and another may be at work on it
                patience.insist(partial(queue.hold, letter))
                _skip(letter, queue, ports, patience)
                yield letter


def _question(found: Sequence[Letter]) -> str:
    listed = "\n".join(table_of(found))
    records = sum(letter.records for letter in found)
    return f"{listed}\nSkip {plural(len(found), 'dead letter')}, about {plural(records, 'record')}, for good?"


def _skip(letter: Letter, queue: Queue, ports: Ports, patience: Patience) -> None:
    for asked in _told_of(letter.content):
        invoke, _ = ports.functions[letter.of]
        patience.insist(partial(invoke, asked))
    patience.insist(partial(queue.delete, letter))


def _told_of(content: Content) -> Iterator[dict[str, object]]:
    """What a function says in the audit log; nothing of findings, nor of what is foreign."""
    if isinstance(content, Position):
        yield {
            "operation": "skip",
            "shard_id": content.shard_id,
            "first": content.first,
            "last": content.last,
            "records": content.records,
        }
    elif isinstance(content, Objects):
        for notice in content.notices:
            about = notice.object
            yield {"operation": "skip_object", "bucket": about.bucket, "key": about.key, "version": about.version}


def _quiet(message: str) -> None:
    """What fails is tried again; its last failure is told."""
