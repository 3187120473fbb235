"""`sealstream quarantine redrive` and `discard`: which entries, and what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ops.clock import Clock, iso
from ops.environment import function
from ops.functions import Invoke
from ops.json_lines import JsonLines
from ops.quarantine.index import Entry, QuarantineIndex, Selection
from ops.quarantine.listing import quarantine_index, summary
from ops.quarantine.rounds import NOT_REACHED, Fate, Operation, Rounds, states
from ops.telling import for_programs, teller_for
from ops.text import counted, plural, table
from shared.errors import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Ports:
    """What decides."""

    index: QuarantineIndex
    redriver: Invoke
    clock: Clock = field(default_factory=Clock)


def decide(
    operation: Operation,
    quarantine_ids: Sequence[str],
    selection: Selection,
    *,
    ask: Callable[[str], bool] | None,
    as_json: bool = False,
    ports: Ports | None = None,
) -> int:
    """Decide about the entries of these ids, or, where none is given, about all that the selection means.

    What came of it is printed however it ends.

    Args:
        operation: what is decided.
        quarantine_ids: the entries; they need not be in the index.
        selection: used where no id is given.
        ask: whether to do it, given what it is about; None where nobody is to be asked.
        as_json: for programs, in a terminal too.
        ports: by default those that the environment names.

    Returns:
        0 where that was done of every entry, or there is none; 1 where one is left, which is listed.

    Raises:
        FunctionRefused: the redriver will not do it.
        StoreUnavailable: the index does not answer, where it is what says which entries.
        KeyboardInterrupt: nothing more is begun.
    """
    ports = ports or Ports(quarantine_index(), function("REDRIVER", "redriver"))
    as_json = for_programs(as_json=as_json)
    if quarantine_ids:
        entries = _known(ports.index, quarantine_ids)
        wanted = list(dict.fromkeys(quarantine_ids))
    else:
        entries = {entry.quarantine_id: entry for entry in ports.index.entries(selection)}
        wanted = list(entries)
    if wanted and ask is not None and not ask(_question(operation, wanted, entries, selection)):
        return 1
    fates = dict.fromkeys(wanted, Fate(NOT_REACHED))
    try:
        with teller_for(operation, as_json=as_json) as teller:
            Rounds(operation, fates, ports.redriver, ports.clock, teller).to_the_end()
    finally:
        left = {one: fate for one, fate in fates.items() if fate.state != operation.done or fate.passes_later}
        if as_json:
            told = {"states": states(fates.values()), "outcomes": _outcomes(fates.values()), "left": list(left)}
            JsonLines().write("finished", **told)
        else:
            print("\n".join(_report(fates, left, entries or {})))
    return 1 if left else 0


def _known(index: QuarantineIndex, quarantine_ids: Sequence[str]) -> dict[str, Entry] | None:
    """What the index says of these; None where it does not answer, which a decision by id does not need."""
    try:
        return index.get(quarantine_ids)
    except StoreUnavailable:
        return None


def _question(
    operation: Operation, wanted: Sequence[str], entries: Mapping[str, Entry] | None, selection: Selection
) -> str:
    if entries is None:
        about = f"{plural(len(wanted), 'entry', 'entries')}, of which the index tells nothing now"
    else:
        about = _about(wanted, entries) + _arrived(selection)
    return f"{operation.capitalize()} {about}{', for good' if operation is Operation.DISCARD else ''}?"


def _arrived(selection: Selection) -> str:
    since = "" if selection.since is None else f" from {iso(selection.since)} on"
    until = "" if selection.until is None else f" before {iso(selection.until)}"
    return f"; arrived{since}{until}" if since or until else ""


def _about(wanted: Sequence[str], entries: Mapping[str, Entry]) -> str:
    known = [entries[one] for one in wanted if one in entries]
    unknown = len(wanted) - len(known)
    return summary(known) + (f"; {plural(unknown, 'id')} of no entry" if unknown else "")


def _outcomes(fates: Iterable[Fate]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for fate in fates:
        total.update(fate.outcomes)
    return dict(total)


def _report(fates: Mapping[str, Fate], left: Mapping[str, Fate], entries: Mapping[str, Entry]) -> Iterator[str]:
    if not fates:
        yield "no entries"
        return
    yield f"entries: {counted(states(fates.values()))}"
    outcomes = _outcomes(fates.values())
    if outcomes:
        yield f"records: {counted(outcomes)}"
    if left:
        yield "left:"
        rows = [
            (one, fate.state, fate.reason or (entries[one].reason if one in entries else "?"), fate.detail)
            for one, fate in left.items()
        ]
        yield from table(("id", "state", "reason", "detail"), rows, indent=2)
