"""A stretch of a stream that a function reads again, step by step; each step may be repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from ops.clock import iso
from ops.errors import FunctionFailed
from ops.functions import Invoke, not_understood
from ops.patience import Patience
from ops.text import plural

STEP_SECONDS: Final = 5
"""How long one invocation reads, so that progress is seen."""
LONGEST_STEP_SECONDS: Final = 300
"""How long where it finds nothing: a quiet stretch takes many reads."""
RETRY: Final = "retry"
WRITTEN_BEYOND: Final = "written_beyond"


class StandsStill(FunctionFailed):
    """A record of the stretch does not pass, and what is behind it waits."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a stretch is read.

    Attributes:
        after: the last sequence number that was read; "" before the first.
        next: the one that follows it; "" where nobody knows.
        records: Kinesis records, or changes of the table.
        counts: user records by outcome, or changes by verdict; one that is tried again counts each time but as `retry`.
        reasons: those quarantined, by reason.
        ahead: those that the last step wrote behind where it ended, as it told; the step that comes past counts them.
        waiting: user records that the last step left to be tried again.
        reached: when the oldest that the last step read arrived, seconds since the epoch; None where nobody knows.
        missing: the stream no longer holds some of them, of a replay: some that were there when it began.
        found_from: the first that was still there behind those; "" where none.
        forgotten_before: when reading began, the stream had forgotten what arrived before this time; None: nothing.
        owed_seconds: how long to wait before the next step, or the rate that was asked for is not kept.
    """

    done: bool = False
    after: str = ""
    next: str = ""
    records: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    ahead: Mapping[str, Any] = field(default_factory=dict)
    waiting: int = 0
    reached: float | None = None
    missing: bool = False
    found_from: str = ""
    forgotten_before: float | None = None
    owed_seconds: float = 0.0

    @property
    def counted(self) -> dict[str, int]:
        """Counts, with those that are written beyond where reading ended; no step has counted these yet."""
        beyond = 0 if self.done else sum(map(len, self.ahead.values()))
        return added(self.counts, {WRITTEN_BEYOND: beyond})

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "done": self.done,
            "after": self.after or None,
            "records": self.records,
            "counts": self.counted,
            "reasons": dict(self.reasons),
            "waiting": self.waiting,
            "reached": iso(self.reached),
            "missing": self.missing,
            "found_from": self.found_from or None,
        }

    def then(self, step: Reading) -> Reading:
        """This one, and a step further."""
        return Reading(
            done=step.done,
            after=step.after or self.after,
            next=step.next,
            records=self.records + step.records,
            counts=added(self.counts, step.counts),
            reasons=added(self.reasons, step.reasons),
            ahead=step.ahead,
            waiting=step.waiting,
            reached=max(filter(None, (self.reached, step.reached)), default=None),
            missing=self.missing or step.missing,
            found_from=self.found_from or step.found_from,
            forgotten_before=max(filter(None, (self.forgotten_before, step.forgotten_before)), default=None),
            owed_seconds=step.owed_seconds,
        )


@dataclass(slots=True)
class Stretch:
    """Reads on from where it is.

    Attributes:
        who: the function's title, for messages.
        payload: what it is asked, without how far it is.
        reading: replaced by each step, so that other threads may look at it.
    """

    function: Invoke
    who: str
    payload: Mapping[str, Any]
    reading: Reading = field(default_factory=Reading)
    seconds: int = STEP_SECONDS

    def step(self, patience: Patience) -> Reading:
        """Read on for some seconds, after those that the last step owes; how far it is now.

        Nothing is read, however often it is tried, once patience is stopped.

        Raises:
            FunctionRefused: it will not do it.
            NoProgress: nothing got on for too long.
        """
        return patience.insist(partial(self._step, patience))

    def to_the_end(self, patience: Patience) -> Reading:
        """Read until all is read, or patience is stopped; raises as `step`."""
        while not self.reading.done and not patience.stopped.is_set():
            self.step(patience)
        return self.reading

    def _step(self, patience: Patience) -> Reading:
        patience.rest(self.reading.owed_seconds)
        if patience.stopped.is_set():
            return self.reading
        before = self.reading = replace(self.reading, owed_seconds=0.0)
        known = {"after": before.after, "next": before.next, "ahead": before.ahead}
        where = {name: value for name, value in known.items() if value}
        step = read_answer(self.function({**self.payload, **where, "seconds": self.seconds}), self.who)
        self.reading = before.then(step)
        if step.done or self.reading.after != before.after:
            self.seconds = STEP_SECONDS
        elif step.waiting or self.seconds == LONGEST_STEP_SECONDS:
            behind = f"behind {before.after}" if before.after else "at its beginning"
            waiting = f": {plural(step.waiting, 'record')} to be tried again" if step.waiting else ""
            raise StandsStill(f"{self.payload['shard_id']} does not get on {behind}{waiting}")
        else:
            self.seconds = min(2 * self.seconds, LONGEST_STEP_SECONDS)
        return self.reading


def read_answer(answer: Any, who: str) -> Reading:
    """One step, as the redriver or the auditor tells it; raises FunctionRefused where this is something else."""
    try:
        told = answer.get("outcomes") or answer.get("verdicts") or {}
        counts = {str(name): int(number) for name, number in told.items()}
        waiting = counts.pop(RETRY, 0)
        reached, forgotten_before = answer.get("oldest_arrived_at"), answer.get("forgotten_before")
        return Reading(
            done=bool(answer["done"]),
            after=str(answer["after"] or ""),
            next=str(answer.get("next") or ""),
            records=int(answer["kinesis_records"] if "kinesis_records" in answer else answer["records"]),
            counts={name: number for name, number in counts.items() if number},
            reasons={str(name): int(number) for name, number in (answer.get("reasons") or {}).items()},
            ahead=dict(answer.get("ahead") or {}),
            waiting=waiting,
            reached=None if reached is None else float(reached),
            missing=bool(answer.get("missing", False)),
            found_from=str(answer.get("found_from") or ""),
            forgotten_before=None if forgotten_before is None else float(forgotten_before),
            owed_seconds=float(answer.get("owed_seconds") or 0),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise not_understood(who) from None


def added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Counts of both."""
    return dict(Counter(one) + Counter(other))
