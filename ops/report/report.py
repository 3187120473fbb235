"""What the page says: figures of the period, what stands now, and what of it asks for somebody's attention."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ops.audit.exposure import Exposure
from ops.audit.holders import Copies
from ops.audit.reading import LeftOut, is_judged_anew
from ops.report.held import Held
from ops.report.keys import KeyInventory
from ops.report.runs import ToldRun
from ops.report.tally import Tally
from ops.runs.verdict import is_good, meaning
from ops.text import plural
from shared.model import VerdictKind
from shared.runtime.audit_log import AuditEvent
from shared.trail.findings import TrailVerdict
from shared.trail.verify import TrailResult


class Part(StrEnum):
    """Of the page; each has a section, and a figure in the band."""

    COVERAGE = "coverage"
    EXPOSURES = "exposures"
    KEYS = "keys"
    RUNS = "runs"
    QUARANTINE = "quarantine"
    TRAIL = "trail"


OF_THE_PERIOD: Final = frozenset({Part.COVERAGE, Part.EXPOSURES, Part.RUNS})
"""What the trail alone tells."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence that stands first on the page, and the part that it is about."""

    part: Part
    sentence: str


@dataclass(frozen=True, slots=True)
class NotKnown:
    """A source that was not read.

    Attributes:
        why: half a sentence.
    """

    why: str


@dataclass(frozen=True, slots=True)
class TrailCheck:
    """What the verifier said.

    Attributes:
        key_sha256: hex, of the public key as DER: for whoever had it from elsewhere to compare.
        key_source: where the key was had from, for people.
    """

    result: TrailResult
    key_sha256: str
    key_source: str


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when events are reported, and when the report was made; seconds since the epoch."""

    since: float
    until: float
    made_at: float


@dataclass(frozen=True, slots=True)
class Report:
    """All of it.

    Attributes:
        names: of what is reported on, by what they name.
        copies: places that may still hold what stood in clear.
        unreadable: why, by key, of segments whose events are missing.
        left_out: events of others that are not counted, by the key of their segment.
        conflicts: keys of segments that tell different things under one id: of the one that counts, and of the other.
    """

    period: Period
    names: Mapping[str, str]
    tally: Tally
    exposures: Sequence[Exposure]
    copies: Copies
    keys: KeyInventory | NotKnown
    held: Held | NotKnown
    trail: TrailCheck | NotKnown
    unreadable: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    conflicts: Collection[tuple[str, str]] = ()

    @property
    def open_exposures(self) -> Sequence[Exposure]:
        """Those that nothing has ended yet."""
        return [one for one in self.exposures if one.is_open]

    @property
    def clear_at_last_count(self) -> int:
        """Values in clear that the last run counted which counts them; a reconciliation tells of each item instead."""
        counted = [run.census for run in self.tally.runs if run.census]
        return counted[-1].get("clear_values", 0) if counted else 0

    @property
    def bad_runs(self) -> Sequence[ToldRun]:
        """Runs that did not end well, but for those after which one of their kind and scope ended."""
        ended = {(run.kind, run.scope): run for run in self.tally.runs if run.verdict}
        return [run for run in ended.values() if not is_good(run.verdict)]

    @property
    def is_complete(self) -> bool:
        """Whether the figures of the period are of all that was written for it, and all of that was verified."""
        return not any(self._missing())

    def attention(self) -> Iterator[Remark]:
        """What asks for somebody's attention, the worst first."""
        for sentences, part in (
            (self._missing(), Part.TRAIL),
            (self._contradictory(), Part.TRAIL),
            (self._in_clear(), Part.EXPOSURES),
            (self._not_in_order(), Part.COVERAGE),
            (self._not_ended_well(), Part.RUNS),
            (self._of_keys(), Part.KEYS),
            (self._held(), Part.QUARANTINE),
        ):
            yield from (Remark(part, sentence) for sentence in sentences)

    def not_known(self) -> Iterator[Remark]:
        """What could not be read beside the trail."""
        if isinstance(self.keys, NotKnown):
            yield Remark(Part.KEYS, f"Data keys: {self.keys.why}.")
        elif self.keys.overdue is None:
            yield Remark(Part.KEYS, "How old data keys may get: no policy that a verified change names can be read.")
        if isinstance(self.held, NotKnown):
            yield Remark(Part.QUARANTINE, f"What is held in quarantine: {self.held.why}.")

    def _missing(self) -> Iterator[str]:
        if isinstance(self.trail, NotKnown):
            yield f"The audit trail was not verified, and nothing vouches for the period's figures: {self.trail.why}."
        else:
            match self.trail.result.verdict:
                case TrailVerdict.TAMPERED:
                    yield "The audit trail is not what was written: see section 6 before you trust the others."
                case TrailVerdict.UNCHECKED:
                    yield "The audit trail could not be checked: nothing vouches for any figure of the period."
            if doubted := len(self.trail.result.doubted):
                segments = plural(doubted, "segment proves nothing: its", "segments prove nothing: their")
                yield f"{segments} events are not counted here."
        if self.unreadable:
            yield f"{len(self.unreadable):,} of the trail's segments cannot be read: their events are missing here."
        if self.left_out:
            left, of = sum(one.events for one in self.left_out.values()), sum(one.of for one in self.left_out.values())
            segments = plural(len(self.left_out), "segment")
            yield f"{left:,} of {plural(of, 'event')} in {segments} are not counted: not what their writers tell."

    def _contradictory(self) -> Iterator[str]:
        if unlike := sum(not is_judged_anew(*pair) for pair in self.conflicts):
            segments = plural(unlike, "pair of segments tells", "pairs of segments tell")
            yield f"{segments} different things under one id: the first counts."
        if times := self.tally.by_name.get(AuditEvent.TRAIL_VERIFICATION_FAILED, 0):
            yield f"The notary told {plural(times, 'time')} that the audit trail is not what was written."

    def _in_clear(self) -> Iterator[str]:
        if still := len(self.open_exposures):
            yield f"{plural(still, 'item stands', 'items stand')} in clear, and no event says that it ended."
        if values := self.clear_at_last_count:
            yield f"The last census counted {plural(values, 'value')} in clear."

    def _not_in_order(self) -> Iterator[str]:
        worst = {
            VerdictKind.MALFORMED: "not of the form that sealstream writes",
            VerdictKind.UNDECLARED: "something that looks sensitive where the policy keeps it plain",
        }
        for kind, what in worst.items():
            if number := self.tally.coverage.by_verdict.get(kind, 0):
                yield f"{plural(number, 'change')} left {what}."

    def _not_ended_well(self) -> Iterator[str]:
        for run in self.bad_runs:
            of = f" of {run.scope}" if run.scope else ""
            yield f"The last {run.kind}{of}, {run.run_id[:8]}: {meaning(run.verdict)}."

    def _of_keys(self) -> Iterator[str]:
        if isinstance(self.keys, NotKnown):
            return
        if self.keys.overdue:
            yield f"{plural(self.keys.overdue, 'data key is', 'data keys are')} older than the policy wants."
        if self.keys.unreadable:
            yield f"{self.keys.unreadable:,} of the key store's rows cannot be read."

    def _held(self) -> Iterator[str]:
        if not isinstance(self.held, NotKnown) and self.held.records_held:
            yield f"{plural(self.held.records_held, 'record waits', 'records wait')} in quarantine for a decision."
