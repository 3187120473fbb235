"""Says what of the audit trail is not as it was written, from its objects and one public key alone.

What is proven and what is not stands in docs/audit_trail.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from math import inf

from shared.errors import TrailUnreadable
from shared.trail import manifest as manifests
from shared.trail.chain import Chain, check_chain
from shared.trail.findings import Tampering, TrailFinding, TrailVerdict
from shared.trail.manifest import Attested, Link, Manifest
from shared.trail.public_key import PublicKey
from shared.trail.segments import SegmentName, count_events

_HOUR_SECONDS = 3_600
_LISTED_HOURS = 2
"""The notary lists an hour's segments until the hour after it is over."""


@dataclass(frozen=True, slots=True)
class TrailObject:
    """An object of the bucket, as it is there now.

    Attributes:
        last_modified: by the bucket's clock, seconds since the epoch.
        version_id: None in a copy that does not have it; then it is not compared.
        other_versions: whether the bucket has more versions of the key, or a delete marker.
        unreadable: why it could not be read, though others could: then there is no content.
    """

    key: str
    content: bytes = field(repr=False)
    last_modified: float
    version_id: str | None = None
    other_versions: bool = False
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """What is verified, and against which time.

    Attributes:
        now: seconds since the epoch.
        period_seconds: in which the notary writes one manifest, at least.
        since: segments of hours before this one's are not looked at; None where the trail is there from its beginning.
        until: segments of hours after this one's are not looked at; None for now.
        at_least: a manifest that must be there, known from elsewhere than the objects; None where none is.
    """

    now: float
    period_seconds: float = 300.0
    since: float | None = None
    until: float | None = None
    at_least: Link | None = None

    def has(self, name: SegmentName) -> bool:
        """Whether a segment is to be verified."""
        return self.first_hour <= name.hour <= (inf if self.until is None else self.until)

    @property
    def first_hour(self) -> float:
        """The first second of the first hour that is verified."""
        return -inf if self.since is None else self.since // _HOUR_SECONDS * _HOUR_SECONDS

    @property
    def end(self) -> float:
        """Up to when there must be manifests."""
        return self.now if self.until is None else min(self.now, self.until)

    @property
    def grace_seconds(self) -> float:
        """The time after which the notary must have been there."""
        return 2 * self.period_seconds


@dataclass(frozen=True, slots=True)
class TrailResult:
    """What was found.

    Attributes:
        findings: those on manifests first.
        manifests: how many can be trusted.
        segments: how many are as they were attested.
        pending: how many no manifest attests yet, as is usual for the youngest.
        unproven: how many are listed only by manifests that cannot be trusted.
        proven_until: when the last trusted manifest was begun, seconds since the epoch; None without one.
        silences: from when to when, in the window, a manifest was followed too late; that alone is no tampering.
        countable: keys of the segments whose events are told by their writers, as far as can be known: those that are
            there as they were attested, whatever else was put over them, and those that are pending.
        youngest: which of these are pending.
        doubted: keys of the others, ascending.
    """

    findings: Sequence[TrailFinding]
    manifests: int
    segments: int
    pending: int
    unproven: int
    proven_until: float | None
    silences: Sequence[tuple[float, float]] = ()
    countable: frozenset[str] = frozenset()
    youngest: frozenset[str] = frozenset()
    doubted: Sequence[str] = ()

    @property
    def verdict(self) -> TrailVerdict:
        """What the findings come to."""
        if any(finding.kind is not Tampering.UNCHECKABLE for finding in self.findings):
            return TrailVerdict.TAMPERED
        return TrailVerdict.UNCHECKED if self.findings else TrailVerdict.INTACT


def verify(objects: Iterable[TrailObject], public_key: PublicKey, window: Window) -> TrailResult:
    """What of the trail is not as it was written.

    Args:
        objects: all of the bucket, each key once, in any order; read once, and no segment's bytes are kept. With
            `window.since` or `until`: all segments of these hours, and all manifests from the last one that was begun
            two periods before `since`'s hour, up to the first that was begun two periods after `until`, or up to now.
        public_key: one that signed at least one of the manifests; had from elsewhere than the objects.
        window: what is verified.
    """
    bucket = _gathered(objects, window)
    chain = check_chain(bucket.manifests, public_key)
    attested, doubled = _attested(chain, window)
    unattested = bucket.segments.keys() - attested.keys()
    unproven = unattested & chain.claimed
    foreign = {key for key in unattested - unproven if _is_foreign(bucket.segments[key], chain, window)}
    youngest = unattested - unproven - foreign
    judged = [found for one in attested.values() if (found := _judged(one, bucket.segments.get(one.key)))]
    doubted = bucket.segments.keys() & (unproven | foreign | {found.key for found in judged})
    findings = [
        *_beginning(bucket, chain, window),
        *chain.findings,
        *_end(bucket, chain, window),
        *_known_to_be_there(bucket, window),
        *bucket.findings,
        *doubled,
        *judged,
        *(TrailFinding(Tampering.FOREIGN, key, "no manifest that can be trusted lists it") for key in sorted(foreign)),
    ]
    return TrailResult(
        findings=findings,
        manifests=len(chain.trusted),
        segments=len(attested.keys() - {finding.key for finding in findings}),
        pending=len(youngest),
        unproven=len(unproven),
        proven_until=_begun(chain.trusted[-1]) if chain.trusted else None,
        silences=_silences(chain, window),
        countable=frozenset(bucket.segments.keys() - doubted),
        youngest=frozenset(youngest),
        doubted=sorted(doubted),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is kept of a segment; no digest of one that could not be read."""

    name: SegmentName
    last_modified: float
    version_id: str | None
    sha256: str
    events: int
    unreadable: str


@dataclass(slots=True)
class _Bucket:
    manifests: dict[int, bytes] = field(default_factory=dict)
    segments: dict[str, _Seen] = field(default_factory=dict)
    findings: list[TrailFinding] = field(default_factory=list)


def _gathered(objects: Iterable[TrailObject], window: Window) -> _Bucket:
    bucket = _Bucket()
    for one in objects:
        number, name = manifests.manifest_number(one.key), SegmentName.parse(one.key)
        if number is not None:
            bucket.manifests[number] = one.content
        elif name is None:
            bucket.findings.append(TrailFinding(Tampering.FOREIGN, one.key, "nothing of the trail is called so"))
        elif window.has(name):
            bucket.segments[one.key] = _seen(one, name)
        else:
            continue
        if one.other_versions:
            why = "there are other versions of it, and nothing is written twice"
            bucket.findings.append(TrailFinding(Tampering.REPLACED, one.key, why))
    return bucket


def _seen(one: TrailObject, name: SegmentName) -> _Seen:
    if one.unreadable:
        return _Seen(name, one.last_modified, one.version_id, "", 0, one.unreadable)
    events, unreadable = 0, ""
    try:
        events = count_events(one.content, name)
    except TrailUnreadable as error:
        unreadable = str(error)
    return _Seen(name, one.last_modified, one.version_id, sha256(one.content).hexdigest(), events, unreadable)


def _beginning(bucket: _Bucket, chain: Chain, window: Window) -> Iterator[TrailFinding]:
    if not bucket.manifests:
        return
    first = min(bucket.manifests)
    reaches_back = bool(chain.trusted) and _begun(chain.trusted[0]) <= window.first_hour - window.grace_seconds
    if first != 1 and not reaches_back:
        why = f"the first manifest that is there is {manifests.manifest_key(first)}, and it is too young to begin with"
        yield TrailFinding(Tampering.REMOVED, manifests.manifest_key(first - 1), why)


def _end(bucket: _Bucket, chain: Chain, window: Window) -> Iterator[TrailFinding]:
    overdue = window.end - window.grace_seconds
    if any(finding.kind is Tampering.UNCHECKABLE for finding in chain.findings):
        return
    if chain.trusted:
        if _begun(chain.trusted[-1]) < overdue:
            yield TrailFinding(Tampering.TRUNCATED, chain.trusted[-1].key, "the manifest after it is not there")
    elif not bucket.manifests:
        late = any(seen.last_modified < overdue for seen in bucket.segments.values())
        kind = Tampering.TRUNCATED if late else Tampering.UNCHECKABLE
        yield TrailFinding(kind, manifests.PREFIX, "there is no manifest")


def _known_to_be_there(bucket: _Bucket, window: Window) -> Iterator[TrailFinding]:
    """Of a manifest that lies before those that are read, these tell that it was there."""
    known = window.at_least
    if known is None or known.number < min(bucket.manifests, default=0):
        return
    key, content = manifests.manifest_key(known.number), bucket.manifests.get(known.number)
    if content is None:
        yield TrailFinding(Tampering.TRUNCATED, key, "is known to have been written, and is not there")
    elif sha256(content).hexdigest() != known.sha256:
        why = f"its SHA-256 is {sha256(content).hexdigest()}, known is {known.sha256}"
        yield TrailFinding(Tampering.CHANGED, key, why)


def _silences(chain: Chain, window: Window) -> Sequence[tuple[float, float]]:
    begun = [(one.number, _begun(one)) for one in chain.trusted]
    return [
        (since, until)
        for (number, since), (following, until) in pairwise(begun)
        if following == number + 1 and until - since > window.grace_seconds
        if until >= window.first_hour and since <= window.end
    ]


def _attested(chain: Chain, window: Window) -> tuple[Mapping[str, Attested], Sequence[TrailFinding]]:
    """The segments that must be there; and a finding for each that was attested twice, with a difference."""
    attested: dict[str, Attested] = {}
    findings = []
    for manifest in chain.trusted:
        for one in manifest.segments:
            name = SegmentName.parse(one.key)
            if name is None or not window.has(name):
                continue
            if attested.setdefault(one.key, one) != one:
                why = f"was another one when {manifest.key} listed it again"
                findings.append(TrailFinding(Tampering.REPLACED, one.key, why))
    return attested, findings


def _judged(attested: Attested, seen: _Seen | None) -> TrailFinding | None:
    if seen is None:
        return TrailFinding(Tampering.REMOVED, attested.key, "was attested, and is not there")
    if seen.version_id not in {None, attested.version_id}:
        why = f"its version is {seen.version_id}, attested is {attested.version_id}"
        return TrailFinding(Tampering.REPLACED, attested.key, why)
    if seen.sha256 and seen.sha256 != attested.sha256:
        why = f"its SHA-256 is {seen.sha256}, attested is {attested.sha256}"
        return TrailFinding(Tampering.CHANGED, attested.key, f"{why}; it {seen.unreadable or 'reads as a segment'}")
    if seen.unreadable:
        return TrailFinding(Tampering.UNREADABLE, attested.key, seen.unreadable)
    if seen.events != attested.events:
        why = f"holds {seen.events} events, attested are {attested.events}"
        return TrailFinding(Tampering.UNREADABLE, attested.key, why)
    return None


def _is_foreign(seen: _Seen, chain: Chain, window: Window) -> bool:
    """Whether the notary listed everything at a time at which it must have seen the segment, or never will list it."""
    settled = max((_begun(one) for one in chain.trusted if not one.more), default=-inf)
    listed_at = min(seen.last_modified, seen.name.hour + _LISTED_HOURS * _HOUR_SECONDS)
    return listed_at < settled - window.grace_seconds


def _begun(manifest: Manifest) -> float:
    return manifest.created_at / 1_000
