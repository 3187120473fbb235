"""Decisions about entries, carried out by the redriver: some a call, and again where they did not pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final

from ops.clock import Clock
from ops.errors import FunctionFailed, NoProgress
from ops.functions import Invoke, not_understood
from ops.patience import FIRST_PATIENCE_SECONDS, LONGEST_PAUSE_SECONDS, PATIENCE_SECONDS, Patience
from ops.telling import Teller
from ops.text import counted, plural

ENTRIES_PER_CALL: Final = 25
"""As many as the redriver takes."""
NOT_REACHED: Final = "not_reached"
GIVES_UP_AFTER: Final = 3
"""Calls in a row of which nothing came: then nothing comes of any."""
_WRITTEN: Final = "written"
_MET_AGAIN: Final = ("duplicate", "superseded")
"""What a record that an earlier attempt wrote is to a later one: still there, or overtaken."""
_RETRY: Final = "retry"


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

    def after(self, earlier: Fate) -> Fate:
        """This one, with what an earlier attempt wrote, which the later met again, or did not try again."""
        outcomes = dict(self.outcomes or earlier.outcomes)
        if self.outcomes:
            written = earlier.outcomes.get(_WRITTEN, 0)
            for name in _MET_AGAIN:
                if met := min(written, outcomes.get(name, 0)):
                    outcomes |= {_WRITTEN: outcomes.get(_WRITTEN, 0) + met, name: outcomes[name] - met}
                    written -= met
        elif outcomes and not self.passes_later:
            outcomes[_RETRY] = 0  # nothing is left that would be tried again
        return replace(self, outcomes=outcomes)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "state": self.state,
            "outcomes": dict(self.outcomes),
            "reason": self.reason,
            "detail": self.detail,
        }


@dataclass(slots=True)
class Rounds:
    """Has it done of each entry once a round; of those that did not pass once more in the next, after a pause.

    Attributes:
        fates: of all entries, replaced one after the other.
    """

    operation: Operation
    fates: dict[str, Fate]
    redriver: Invoke
    clock: Clock
    teller: Teller
    _answered: bool = False
    _in_vain: int = 0
    _ended: int = 0

    def to_the_end(self) -> None:
        """Go on until all have come to an end, or none does any more; raises FunctionRefused."""
        self.teller.progress(0, len(self.fates), "")
        left = self._round(list(self.fates))
        while left and self._in_vain < GIVES_UP_AFTER:
            patience = Patience(self.clock, self.teller.trouble)
            patience.rest(LONGEST_PAUSE_SECONDS)
            try:
                left = patience.insist(partial(self._further, left))
            except NoProgress as error:
                self.teller.told(str(error))
                break
        self._end([one for one in left if self.fates[one].passes_later])

    def _further(self, quarantine_ids: Sequence[str]) -> list[str]:
        left = self._round(quarantine_ids)
        if len(left) == len(quarantine_ids) and self._in_vain < GIVES_UP_AFTER:
            raise FunctionFailed(f"of {plural(len(left), 'entry', 'entries')} none passed for now")
        return left

    def _round(self, quarantine_ids: Sequence[str]) -> list[str]:
        """Ask about each once; those that may pass later, or were not reached."""
        untried, later = list(quarantine_ids), []
        while untried and self._in_vain < GIVES_UP_AFTER:
            some = untried[:ENTRIES_PER_CALL]
            try:
                told = self._patience().insist(partial(_answer, self.redriver, self.operation, some))
            except NoProgress as error:
                self.teller.told(str(error))
                self._in_vain += 1
                untried = untried[len(some) :]
                later += some
                continue
            self._answered, self._in_vain = True, 0
            self.fates |= {one: fate.after(self.fates[one]) for one, fate in told.items()}
            untried = [one for one in untried if one not in told]
            later += [one for one, fate in told.items() if fate.passes_later]
            self._end([one for one, fate in told.items() if not fate.passes_later])
        return later + untried

    def _end(self, quarantine_ids: Sequence[str]) -> None:
        for one in quarantine_ids:
            self.teller.happened("decided", quarantine_id=one, **self.fates[one].document())
        self._ended += len(quarantine_ids)
        self.teller.progress(self._ended, len(self.fates), counted(states(self.fates.values())))

    def _patience(self) -> Patience:
        """With a call; little where none was answered yet, or the last was in vain, so that all ends in minutes."""
        seconds = PATIENCE_SECONDS if self._answered and not self._in_vain else FIRST_PATIENCE_SECONDS
        return Patience(self.clock, self.teller.trouble, seconds)


def states(fates: Iterable[Fate]) -> dict[str, int]:
    """How many are in each."""
    return dict(Counter(fate.state for fate in fates))


def _answer(redriver: Invoke, operation: Operation, quarantine_ids: Sequence[str]) -> dict[str, Fate]:
    """One invocation; the fates of some of these, at least of one.

    Raises:
        FunctionFailed: there is none, and may be later.
        FunctionRefused: the redriver will not do it.
    """
    answer = redriver({"operation": str(operation), "quarantine_ids": list(quarantine_ids)})
    try:
        told = {one: _fate(fate) for one, fate in answer["entries"].items() if one in quarantine_ids}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise not_understood("redriver") from None
    if not told:
        raise FunctionFailed(f"of {plural(len(quarantine_ids), 'entry', 'entries')} none was reached")
    return told


def _fate(told: Mapping[str, Any]) -> Fate:
    outcomes = {str(name): int(number) for name, number in (told.get("outcomes") or {}).items()}
    reason, detail = str(told.get("reason") or ""), str(told.get("detail") or "")
    return Fate(str(told["state"]), outcomes, reason, detail, told.get("retry") is True)
