"""What the page says: figures of the period, what stands now, and what of it asks for somebody's attention."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ops.audit.exposure import Exposure
from ops.audit.holders import Copies
from ops.audit.reading import LeftOut
from ops.report.held import Held
from ops.report.keys import KeyInventory
from ops.report.tally import Tally
from ops.text import plural
from shared.model import VerdictKind
from shared.trail.findings import TrailVerdict
from shared.trail.verify import TrailResult


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

    def attention(self) -> Iterator[str]:
        """Sentences, the worst first; none where nothing asks for somebody."""
        yield from self._of_the_trail()
        if len(self.open_exposures):
            items = plural(len(self.open_exposures), "item stands", "items stand")
            yield f"{items} in clear, and no event says that it ended."
        worst = {
            VerdictKind.MALFORMED: "not of the form that sealstream writes",
            VerdictKind.UNDECLARED: "something that looks sensitive where the policy keeps it plain",
        }
        for kind, what in worst.items():
            if number := self.tally.coverage.by_verdict.get(kind, 0):
                yield f"{plural(number, 'change')} left {what}."
        if not isinstance(self.keys, NotKnown):
            if self.keys.overdue:
                yield f"{plural(self.keys.overdue, 'data key is', 'data keys are')} older than the policy wants."
            if self.keys.unreadable:
                yield f"{self.keys.unreadable:,} of the key store's rows cannot be read."
        if not isinstance(self.held, NotKnown) and self.held.records_held:
            yield f"{plural(self.held.records_held, 'record waits', 'records wait')} in quarantine for a decision."

    def _of_the_trail(self) -> Iterator[str]:
        if not isinstance(self.trail, NotKnown):
            match self.trail.result.verdict:
                case TrailVerdict.TAMPERED:
                    yield "The audit trail is not what was written: see section 6 before you trust the others."
                case TrailVerdict.UNCHECKED:
                    yield "The audit trail could not be checked."
            if doubted := len(self.trail.result.doubted):
                segments = plural(doubted, "segment proves nothing: its", "segments prove nothing: their")
                yield f"{segments} events are not counted here."
        if self.unreadable:
            yield f"{len(self.unreadable):,} of the trail's segments cannot be read: their events are missing here."
        if self.left_out:
            left, of = sum(one.events for one in self.left_out.values()), sum(one.of for one in self.left_out.values())
            segments = plural(len(self.left_out), "segment")
            yield f"{left:,} of {plural(of, 'event')} in {segments} are not counted: not what their writers tell."
        if self.conflicts:
            segments = plural(len(self.conflicts), "pair of segments tells", "pairs of segments tell")
            yield f"{segments} different things under one id: the first counts."
