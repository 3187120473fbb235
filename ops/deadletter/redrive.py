"""`sealstream deadletter redrive`: what was given up on is done after all, and its message deleted.

A message is deleted only once the function has read all that it names; whoever is killed before that begins it again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Final, assert_never

from ops.clock import Clock, iso
from ops.deadletter.letter import Findings, Foreign, Objects, Of, Position
from ops.deadletter.listing import document
from ops.deadletter.queues import Letter, Queue, queues, told_hidden
from ops.environment import function, setting
from ops.errors import FunctionRefused, NoProgress, NotHeld
from ops.functions import Invoke
from ops.json_lines import JsonLines
from ops.patience import PATIENCE_SECONDS, Patience
from ops.stretch import Reading, Stretch, added
from ops.telling import Teller, for_programs, teller_for
from ops.text import counted, plural, table
from shared.aws.clients import client
from shared.aws.findings_queue import SqsFindingsQueue
from shared.aws.landing_queue import SqsLandingQueue
from shared.findings import ItemReference
from shared.landing import Notice

GIVES_UP_AFTER: Final = 3
"""Letters in a row that nothing could be done about: then nothing can be done about any."""
QUARANTINED: Final = "quarantined"
_MISSING: Final[Mapping[Of, str]] = {
    Of.ENCRYPTOR: (
        "Missing: the stream no longer holds these records, only their producers do, who may send them again. "
        "Where they have, or none is needed: `sealstream deadletter skip ID`."
    ),
    Of.AUDITOR: (
        "Missing: the table's stream no longer holds these changes (it does for 24 hours); the items stand. "
        "`sealstream reconcile` audits them as they are; then `sealstream deadletter skip ID`."
    ),
}
"""What can still be done where retention has passed."""


class State(StrEnum):
    """What became of a letter; all but DONE leave it in its queue."""

    DONE = "done"
    MISSING = "missing"
    WAITING = "waiting"
    HELD = "held"
    REFUSED = "refused"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Fate:
    """How a letter ended.

    Attributes:
        reading: what came of its records.
        why: it is left.
    """

    letter: Letter
    state: State
    reading: Reading = field(default_factory=Reading)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ports:
    """What works letters off; only those that somebody's letters need must be there.

    Attributes:
        functions: those who read positions again, or tell of what is skipped, and their titles.
        send_findings: puts references on the findings queue.
        send_object: asks the landing ingest for an object.
    """

    queues: Sequence[Queue]
    functions: Mapping[Of, tuple[Invoke, str]] = field(default_factory=dict)
    send_findings: Callable[[Iterable[ItemReference]], None] = lambda _: None
    send_object: Callable[[Notice], None] = lambda _: None
    clock: Clock = field(default_factory=Clock)


def redrive(
    whose: Sequence[Of], message_ids: Collection[str] = (), *, as_json: bool = False, ports: Ports | None = None
) -> int:
    """Work off the letters of these, or those among them that are named, and print what came of it, however it ends.

    Returns:
        0 where all are done and nothing went to quarantine; otherwise, or where a named letter is not there, or others
        hold some, 1.

    Raises:
        NoProgress: SQS does not answer for long.
        SettingsError: a name is missing.
        KeyboardInterrupt: nothing more is begun.
    """
    ports = ports or ports_from_environment(whose)
    as_json = for_programs(as_json=as_json)
    fates: list[Fate] = []
    try:
        with teller_for("redrive", as_json=as_json) as teller:
            for fate in _worked_off(ports, message_ids, teller):
                fates.append(fate)  # noqa: PERF402 - what was done is told however it ends
    finally:
        is_through = all(queue.is_through for queue in ports.queues)
        unknown = sorted({*message_ids} - {fate.letter.message_id for fate in fates})
        hidden = [] if message_ids else list(told_hidden(ports.queues))
        if as_json:
            states = {str(state): sum(fate.state is state for fate in fates) for state in State}
            JsonLines().write("finished", letters=states, counts=_counts(fates), unknown=unknown, hidden=hidden)
        else:
            print("\n".join(_report(fates, unknown, hidden, is_through=is_through)))
    is_good = not unknown and not hidden and not _counts(fates).get(QUARANTINED)
    return 0 if is_good and all(fate.state is State.DONE for fate in fates) else 1


def ports_from_environment(whose: Sequence[Of]) -> Ports:
    """What these letters need; raises SettingsError."""
    functions: dict[Of, tuple[Invoke, str]] = {
        of: (function(name, title), title)
        for of, name, title in (
            (Of.ENCRYPTOR, "REDRIVER", "redriver"),
            (Of.AUDITOR, "REAUDITOR", "reauditor"),
            (Of.LANDING, "REDRIVER", "redriver"),
        )
        if of in whose
    }
    senders: dict[str, Any] = {}
    if Of.REENCRYPTOR in whose:
        senders["send_findings"] = SqsFindingsQueue(client("sqs"), setting("FINDINGS_QUEUE")).send
    if Of.LANDING in whose:
        senders["send_object"] = SqsLandingQueue(client("sqs"), setting("LANDING_QUEUE")).send
    return Ports(queues(whose), functions, **senders)


def _worked_off(ports: Ports, message_ids: Collection[str], teller: Teller) -> Iterator[Fate]:
    named = {*message_ids}
    for queue in ports.queues:
        in_vain = done = 0
        patience = Patience(ports.clock, teller.trouble)
        with queue.letters(insist=patience.insist) as letters:
            for letter in letters:
                if message_ids and letter.message_id not in named:
                    continue
                fate = _work_off(letter, queue, ports, teller)
                in_vain = _in_vain(in_vain, fate)
                done += 1
                teller.happened("letter", **document(letter), **_told(fate))
                teller.progress(done, None, f"{queue.of}: {plural(done, 'letter')}")
                yield fate
                named.discard(letter.message_id)
                if message_ids and not named:
                    return
                if in_vain == GIVES_UP_AFTER:
                    teller.told(f"{in_vain} letters of the {queue.of} in a row got nowhere: leaving the others")
                    break


def _in_vain(so_far: int, fate: Fate) -> int:
    """How many in a row got nowhere; what is foreign, or another command's, tells nothing of the function."""
    if fate.state is State.WAITING:
        return so_far + 1
    return so_far if fate.state in {State.FOREIGN, State.HELD} else 0


def _work_off(letter: Letter, queue: Queue, ports: Ports, teller: Teller) -> Fate:
    content = letter.content
    match content:
        case Position():
            return _read_again(letter, content, queue, ports, Patience(ports.clock, teller.trouble, PATIENCE_SECONDS))
        case Findings():
            return _sent(letter, queue, [partial(ports.send_findings, content.references)], ports, teller)
        case Objects():
            sends = [partial(ports.send_object, notice) for notice in content.notices]
            return _sent(letter, queue, sends, ports, teller)
        case Foreign():
            return Fate(letter, State.FOREIGN, why=content.why)
        case _:  # pragma: no cover
            assert_never(content)


def _sent(letter: Letter, queue: Queue, sends: Iterable[Callable[[], None]], ports: Ports, teller: Teller) -> Fate:
    """What a letter asks for is asked for where it was at first."""
    patience = Patience(ports.clock, teller.trouble)
    try:
        for send in sends:
            patience.insist(send)
        patience.insist(partial(queue.delete, letter))
    except NoProgress as error:
        return Fate(letter, State.WAITING, why=str(error))
    return Fate(letter, State.DONE, Reading(done=True, records=letter.records))


def _read_again(letter: Letter, position: Position, queue: Queue, ports: Ports, patience: Patience) -> Fate:
    invoke, title = ports.functions[letter.of]

    def invoke_while_held(payload: Mapping[str, Any]) -> Any:
        queue.hold(letter)
        return invoke(payload)

    asked = {"operation": "reread", "shard_id": position.shard_id, "first": position.first, "last": position.last}
    stretch = Stretch(invoke_while_held, title, asked)
    try:
        stretch.to_the_end(patience)
        if stretch.reading.done and not stretch.reading.missing:
            patience.insist(partial(queue.delete, letter))
    except NotHeld as error:
        return Fate(letter, State.HELD, stretch.reading, str(error))
    except NoProgress as error:
        return Fate(letter, State.WAITING, stretch.reading, str(error))
    except FunctionRefused as error:
        return Fate(letter, State.REFUSED, stretch.reading, str(error))
    reading = stretch.reading
    if reading.missing:
        return Fate(letter, State.MISSING, reading, _what_is_left(reading))
    if not reading.done:
        return Fate(letter, State.WAITING, reading, "stopped before all was read")
    return Fate(letter, State.DONE, reading)


def _what_is_left(reading: Reading) -> str:
    if reading.found_from:
        return f"the stream holds from {reading.found_from} on"
    return f"the stream holds nothing after {reading.after}" if reading.records else "nothing of it is left"


def _told(fate: Fate) -> dict[str, Any]:
    reading = fate.reading
    return {
        "state": str(fate.state),
        "read": reading.records,
        "counts": reading.counted,
        "reasons": dict(reading.reasons),
        "found_from": reading.found_from or None,
        "why": fate.why,
    }


def _counts(fates: Iterable[Fate]) -> dict[str, int]:
    total: dict[str, int] = {}
    for fate in fates:
        total = added(total, fate.reading.counted)
    return total


def _report(fates: Sequence[Fate], unknown: Sequence[str], hidden: Sequence[str], *, is_through: bool) -> Iterator[str]:
    yield from hidden
    if not fates and not unknown:
        if is_through and not hidden:
            yield "no dead letters"
        return
    done = sum(fate.state is State.DONE for fate in fates)
    yield f"{plural(len(fates), 'dead letter')}, {done:,} done"
    for of in Of:
        counts = _counts(fate for fate in fates if fate.letter.of is of)
        if counts:
            yield f"{of}: {counted(counts)}"
    left = [fate for fate in fates if fate.state is not State.DONE]
    if left:
        yield "left:"
        yield from table(("of", "state", "records", "arrived", "id", "why"), [_row(fate) for fate in left], indent=2)
    for of in (Of.ENCRYPTOR, Of.AUDITOR):
        if any(fate.state is State.MISSING and fate.letter.of is of for fate in left):
            yield _MISSING[of]
    if unknown:
        where = "not in these queues, or held by another command" if is_through else "not reached"
        yield f"{where}: {', '.join(unknown)}"


def _row(fate: Fate) -> tuple[str, ...]:
    letter, content = fate.letter, fate.letter.content
    arrived = iso(content.arrived_from) or "?" if isinstance(content, Position) else ""
    records = f"{letter.records:,}" if letter.records else "?"
    return (str(letter.of), str(fate.state), records, arrived, letter.message_id, fate.why)
