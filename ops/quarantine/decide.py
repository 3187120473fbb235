"""`sealstream quarantine redrive` and `discard`: the redriver does it, some entries a call, and may do it twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Final

from ops.clock import Clock, iso
from ops.environment import function
from ops.errors import FunctionFailed, NoProgress
from ops.functions import Invoke, not_understood
from ops.json_lines import JsonLines
from ops.patience import Patience
from ops.quarantine.index import Entry, QuarantineIndex, Selection
from ops.quarantine.listing import quarantine_index, summary
from ops.telling import Teller, for_programs, teller_for
from ops.text import counted, plural, table
from shared.errors import StoreUnavailable

ENTRIES_PER_CALL: Final = 25
"""As many as the redriver takes."""
NOT_REACHED: Final = "not_reached"
GIVES_UP_AFTER: Final = 3
"""Calls in a row of which nothing came: then nothing comes of any."""


class Operation(StrEnum):
    """What is decided about entries."""

    REDRIVE = "redrive"
    DISCARD = "discard"

    @property
    def done(self) -> str:
        """The state of an entry of which it was done."""
        return {Operation.REDRIVE: "redriven", Operation.DISCARD: "discarded"}[self]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an entry.

    Attributes:
        state: `redriven`, `discarded`, `held`, `too_old`, `gone`, or NOT_REACHED.
        outcomes: of its records, where they went through the encryptor's path.
        reason: for which it is held now.
        passes_later: it is not done with, and the same call may come further later.
    """

    state: str
    outcomes: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    detail: str = ""
    passes_later: bool = False


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
            _decide(operation, fates, ports, teller)
    finally:
        if as_json:
            JsonLines().write("finished", states=_states(fates.values()), outcomes=_outcomes(fates.values()))
        else:
            print("\n".join(_report(operation, fates, entries or {})))
    return 1 if any(fate.state != operation.done or fate.passes_later for fate in fates.values()) else 0


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


def _decide(operation: Operation, fates: dict[str, Fate], ports: Ports, teller: Teller) -> None:
    """Have it done of these entries, whose fates are replaced one after the other."""
    open_ids, ended, in_vain = list(fates), 0, 0
    teller.progress(0, len(fates), "")
    while open_ids and in_vain < GIVES_UP_AFTER:
        some = open_ids[:ENTRIES_PER_CALL]
        patience = Patience(ports.clock, teller.trouble)
        try:
            answer = patience.insist(partial(_call, ports.redriver, operation, some, fates))
            in_vain = 0
        except NoProgress as error:
            teller.told(str(error))
            answer, in_vain = {one: fates[one] for one in some}, in_vain + 1
        open_ids = [one for one in open_ids if one not in answer]
        for quarantine_id, fate in answer.items():
            teller.happened("decided", quarantine_id=quarantine_id, **_document(fate))
        ended += len(answer)
        teller.progress(ended, len(fates), counted(_states(fates.values())))


def _call(
    redriver: Invoke, operation: Operation, quarantine_ids: Sequence[str], fates: dict[str, Fate]
) -> dict[str, Fate]:
    """One invocation, which puts the fates of some of these, as they are now, into `fates`.

    Returns:
        Those that have come to an end, at least one.

    Raises:
        FunctionFailed: there is none, and may be later.
        FunctionRefused: the redriver will not do it.
    """
    answer = redriver({"operation": str(operation), "quarantine_ids": list(quarantine_ids)})
    try:
        told = {one: _fate(fate) for one, fate in answer["entries"].items() if one in fates}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise not_understood("redriver") from None
    fates.update(told)
    ended = {one: fate for one, fate in told.items() if not fate.passes_later}
    if not ended:
        raise FunctionFailed(f"of {plural(len(quarantine_ids), 'entry', 'entries')} none passed for now")
    return ended


def _fate(told: Mapping[str, Any]) -> Fate:
    outcomes = {str(name): int(number) for name, number in (told.get("outcomes") or {}).items()}
    reason, detail = str(told.get("reason") or ""), str(told.get("detail") or "")
    return Fate(str(told["state"]), outcomes, reason, detail, told.get("retry") is True)


def _document(fate: Fate) -> dict[str, Any]:
    return {"state": fate.state, "outcomes": dict(fate.outcomes), "reason": fate.reason, "detail": fate.detail}


def _states(fates: Iterable[Fate]) -> dict[str, int]:
    return dict(Counter(fate.state for fate in fates))


def _outcomes(fates: Iterable[Fate]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for fate in fates:
        total.update(fate.outcomes)
    return dict(total)


def _report(operation: Operation, fates: Mapping[str, Fate], entries: Mapping[str, Entry]) -> Iterator[str]:
    if not fates:
        yield "no entries"
        return
    yield f"entries: {counted(_states(fates.values()))}"
    outcomes = _outcomes(fates.values())
    if outcomes:
        yield f"records: {counted(outcomes)}"
    left = {one: fate for one, fate in fates.items() if fate.state != operation.done}
    if left:
        yield "left:"
        rows = [
            (one, fate.state, fate.reason or (entries[one].reason if one in entries else "?"), fate.detail)
            for one, fate in left.items()
        ]
        yield from table(("id", "state", "reason", "detail"), rows, indent=2)
