"""The audit trail's events from its segments, in the bucket or in a copy of it, and what vouches for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, takewhile
from typing import Any, Final

from ops.audit.distinct import Distinct, Event, Kept
from ops.audit.needed import with_contents
from ops.audit.objects import Objects
from ops.audit.proof import Proof, Standing
from ops.text import plural
from shared.aws.audit_bucket import Listed
from shared.errors import TrailUnreadable
from shared.runtime.audit_log import AuditEvent
from shared.trail.ocsf import flat
from shared.trail.segments import PREFIX, SegmentName, hour_prefix, read_segment
from shared.trail.stages import is_told_by

Wanted = Callable[[Event], bool]
Told = Mapping[str, Any]
Read = tuple[Event, Told]
"""An event, and its OCSF document."""
Mark = Callable[[Told, Mapping[str, str]], Told]

PROOF: Final = "proof"
TOLD_OTHERWISE: Final = "told_otherwise"

WRITTEN_WITHIN_SECONDS: Final = 48 * 3_600
"""How long after `at` an event may be written: the table's stream keeps a change for a day, and audits take time."""
CLOCKS_DIFFER_SECONDS: Final = 300
"""How long before `at`, by the writer's clock."""
READ_WITHIN_SECONDS: Final = 60
"""How long before its event a standing item was read, at most, by the clock of those who tell of changes."""

_LAST_SECOND: Final = datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Some events of a segment."""

    events: int
    of: int
    why: str

    def __str__(self) -> str:
        return f"{self.events:,} of {plural(self.of, 'event')}: {self.why}"


class Trail:
    """Reads events.

    Each says itself what is to be said of it: `proof`, where no manifest attests it or nothing was verified;
    `told_otherwise`, the key of the segment that tells something else under its id, which counts. Of a document these
    are among `metadata.labels`.

    Attributes:
        proof: what vouches for segments; those that prove nothing are not read. None: all are read, and none is marked.
        unreadable: why, by the key of each segment that was come upon and could not be read: its events are missing.
        left_out: of others, the events that are missing, as if somebody had forged them.
        conflicts: keys of segments that tell different things under one id: of the one that counts, and of the other.
    """

    def __init__(self, objects: Objects, proof: Proof | None = None) -> None:
        self._objects = objects
        self.proof = proof
        self.unreadable: dict[str, str] = {}
        self.left_out: dict[str, LeftOut] = {}
        self.conflicts: dict[tuple[str, str], None] = {}

    @property
    def is_complete(self) -> bool:
        """Whether what was read so far is all that was written, and verified."""
        proof = self.proof
        is_proven = proof is not None and not (proof.not_verified or proof.findings or proof.doubted)
        return is_proven and not (self.unreadable or self.left_out)

    def events(self, since: float, until: float, *, wanted: Wanted = lambda _: True) -> Iterator[Event]:
        """The events that happened then, each once, in order of `at` among those written in the same hour.

        An event may be written long after it happened. One that does not know when it happened counts by the hour in
        which it was written. What no manifest attests yet comes last. Of those that tell different things under one
        id the first counts, by hour and key of its segment, attested ones before others; the others say so.

        Args:
            since: seconds since the epoch.
            until: the same; what happened then is no longer meant.
            wanted: whether an event is; others cost no more than reading them.

        Raises:
            StoreUnavailable: the bucket does not answer.
        """
        return self._told(since, until, wanted, lambda event, _: event, _event_with)

    def documents(self, since: float, until: float, *, wanted: Wanted = lambda _: True) -> Iterator[Mapping[str, Any]]:
        """The same as the OCSF documents that were written."""
        return self._told(since, until, wanted, lambda _, document: document, _document_with)

    def _told(
        self, since: float, until: float, wanted: Wanted, form: Callable[[Event, Mapping[str, Any]], Told], mark: Mark
    ) -> Iterator[Told]:
        def told(name: SegmentName, content: bytes) -> Iterator[Read]:
            for event, document in self.read(name, content):
                if since <= (at_of(event) or name.hour) < until and wanted(event):
                    yield event, form(event, document)

        young: dict[str, Listed] = {}
        with Distinct() as distinct:
            for listed in (self._older(since, until, young), young.values()):
                for kept in self._by_hour(listed, told, distinct):
                    is_young = kept.segment in young
                    if kept.against:
                        self.conflicts[kept.against, kept.segment] = None
                    yield mark(kept.document, self._marks(kept, is_young=is_young))

    def _by_hour(
        self,
        listed: Iterable[Listed],
        told: Callable[[SegmentName, bytes], Iterator[Read]],
        distinct: Distinct,
    ) -> Iterator[Kept]:
        for _, segments in groupby(self.contents(listed), key=lambda one: one[0].hour):
            for name, content in segments:
                distinct.add(name.key, told(name, content))
            yield from distinct.batch()

    def _older(self, since: float, until: float, young: dict[str, Listed]) -> Iterator[Listed]:
        """All but those that no manifest names yet, which are gathered meanwhile, and those that prove nothing."""
        listed = self._listed(since, until)
        if self.proof is None:
            yield from listed
            return
        self.proof.begin(max(since - CLOCKS_DIFFER_SECONDS, 0))
        for one in listed:
            standing = (name := SegmentName.parse(one.key)) and self.proof.standing(name)
            if standing is Standing.YOUNG:
                young[one.key] = one
            elif standing is not None:
                yield one
        self.proof.end()

    def _marks(self, kept: Kept, *, is_young: bool) -> Mapping[str, str]:
        marks = {}
        if is_young:
            marks[PROOF] = Standing.YOUNG.value
        elif self.proof is not None and self.proof.not_verified:
            marks[PROOF] = Standing.NOT_VERIFIED.value
        if kept.against:
            marks[TOLD_OTHERWISE] = kept.against
        return marks

    def read(self, name: SegmentName, content: bytes) -> Sequence[Read]:
        """The events of a segment that its stage tells, each with its OCSF document; none where it is unreadable."""
        try:
            told = [(flat(document), document) for document in read_segment(content, name)]
        except (TrailUnreadable, ValueError) as error:
            self.unreadable[name.key] = str(error)
            return ()
        kept, why = self.believed(name, told)
        if why:
            self.left_out[name.key] = LeftOut(len(told) - len(kept), len(told), why)
        return kept

    def believed(self, name: SegmentName, told: Sequence[Read]) -> tuple[Sequence[Read], str]:
        """What is to be shown of a segment's events, and why the others are not; "" where there are none."""
        others = {event["event"] for event, _ in told if not is_told_by(name.stage, event["event"])}
        why = f"{name.stage} does not tell {', '.join(sorted(others))}" if others else ""
        return [one for one in told if one[0]["event"] not in others], why

    def contents(self, listed: Iterable[Listed]) -> Iterator[tuple[SegmentName, bytes]]:
        """The segments among these objects, in the same order; what else is called so is for `verify` to say."""
        named = (one for one in listed if SegmentName.parse(one.key))
        for one in with_contents(self._objects, named):
            if one.unreadable:
                self.unreadable[one.key] = one.unreadable
            elif name := SegmentName.parse(one.key):
                yield name, one.content

    def _listed(self, since: float, until: float) -> Iterator[Listed]:
        """The objects that may hold what happened then: keys are in the order of hours."""
        first = hour_prefix(max(since - CLOCKS_DIFFER_SECONDS, 0))
        last = hour_prefix(min(until + WRITTEN_WITHIN_SECONDS, _LAST_SECOND))
        return takewhile(lambda one: one.key < last, self._objects.listed(PREFIX, start_after=first))


def is_judged_anew(*segments: str) -> bool:
    """Whether those who tell different things under one id all judge changes: that happens to a change twice.

    A batch whose findings cannot be sent is judged again, for half a day; in between a key or the policy changes. So
    nobody needs to have tampered; and who may write as these can tell what he likes under an id of its own.
    """
    names = map(SegmentName.parse, segments)
    return all(name is not None and is_told_by(name.stage, AuditEvent.ITEM_STALE) for name in names)


def at_of(event: Event) -> float:
    """When it happened, seconds since the epoch; 0 where the event does not know."""
    return datetime.fromisoformat(event["at"]).timestamp()


def _event_with(event: Told, marks: Mapping[str, str]) -> Told:
    return {**event, **marks} if marks else event


def _document_with(document: Told, marks: Mapping[str, str]) -> Told:
    if not marks:
        return document
    labels = [value if name == PROOF else f"told otherwise in {value}" for name, value in marks.items()]
    return {**document, "metadata": {**document["metadata"], "labels": labels}}
