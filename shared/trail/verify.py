"""Says what of the audit trail is not as it was written, from its objects and one public key alone.

What is proven and what is not stands in docs/audit_trail.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import pairwise
from math import inf

from shared.errors import StoreUnavailable, TrailUnreadable
from shared.trail import manifest as manifests
from shared.trail import segments
from shared.trail.chain import Chain, Kept, check
from shared.trail.findings import Tampering, TrailFinding, TrailVerdict
from shared.trail.manifest import Attested, Link, Manifest
from shared.trail.public_key import PublicKey
from shared.trail.segments import SegmentName, count_events, hour_prefix

_HOUR_SECONDS = 3_600
_LISTED_HOURS = 2
"""The notary lists an hour's segments until the hour after it is over."""
_LEAST_GRACE_SECONDS = 600.0
"""A call of the notary takes five minutes at most; all its manifests are of the time at which it began."""


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
        unnoted: whether who notes the last manifest has noted none, so that there is one at most.
    """

    now: float
    period_seconds: float = 300.0
    since: float | None = None
    until: float | None = None
    at_least: Link | None = None
    unnoted: bool = False

    def has(self, name: SegmentName) -> bool:
        """Whether a segment is to be verified."""
        return self.first_hour <= name.hour <= (inf if self.until is None else self.until)

    @property
    def first_hour(self) -> float:
        """The first second of the first hour that is verified."""
        return -inf if self.since is None else self.since // _HOUR_SECONDS * _HOUR_SECONDS

    @property
    def keys(self) -> tuple[str, str]:
        """No segment of these hours has a key below the first of these, or above the second."""
        first = segments.PREFIX if self.since is None else hour_prefix(self.first_hour)
        return first, (segments.PREFIX if self.until is None else hour_prefix(self.until)) + "~"

    @property
    def end(self) -> float:
        """Up to when what is verified was written."""
        return self.now if self.until is None else min(self.now, self.until)

    @property
    def grace_seconds(self) -> float:
        """The time after which the notary must have been there."""
        return max(2 * self.period_seconds, _LEAST_GRACE_SECONDS)


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
        objects: all of the bucket, each key once, in any order; read once, and the bytes of none are kept. With
            `window.since` or `until`: all segments of these hours, and all manifests from the last one that was begun
            two periods before `since`'s hour up to now, and the one that must be there.
        public_key: one that signed at least one of the manifests; had from elsewhere than the objects.
        window: what is verified.
    """
    bucket = _gathered(objects, window)
    bucket.set_apart(window)
    return _result(bucket, check(bucket.manifests, public_key), window)


class Ledger:
    """Manifests that are checked once; what they list is asked for again, some hours of their window at a time.

    So what is held grows with the number of manifests, and not with what they list.
    """

    def __init__(self, manifests: Iterable[TrailObject], public_key: PublicKey, window: Window) -> None:
        """Manifests: those that `verify` wants of the window."""
        self._bucket = _gathered(manifests, window, lambda _: False)
        self._bucket.set_apart(window)
        self._chain = check(self._bucket.manifests, public_key)

    def listing(self, window: Window) -> Sequence[int]:
        """The numbers of those that list anything of these hours, or may."""
        first, last = window.keys
        return [
            number
            for number, one in self._bucket.manifests.items()
            if one.ends is not None and one.ends[0] <= last and one.ends[1] >= first
        ]

    def verify(self, objects: Iterable[TrailObject], window: Window) -> TrailResult:
        """What is not as it was written, of these hours and of all manifests.

        Args:
            objects: those manifests again that list anything of these hours, and all segments of these.
            window: some hours, of those of which it has the manifests.

        Raises:
            StoreUnavailable: a manifest is another one than before.
        """
        bucket = _gathered(objects, window)
        for number, kept in bucket.manifests.items():
            if kept.sha256 != self._bucket.manifests[number].sha256:
                raise StoreUnavailable(f"{manifests.manifest_key(number)} became another object while it was verified")
        again = {n: kept.stated for n, kept in bucket.manifests.items() if isinstance(kept.stated, Manifest)}
        findings = list(dict.fromkeys([*self._bucket.findings, *bucket.findings]))
        bucket = replace(self._bucket, segments=bucket.segments, findings=findings)
        return _result(bucket, self._chain.listing(again), window)


def _result(bucket: _Bucket, chain: Chain, window: Window) -> TrailResult:
    attested, doubled = _attested(chain)
    claimed, settled = chain.claimed, _settled(chain)
    unattested = bucket.segments.keys() - attested.keys()
    unproven = unattested & claimed
    foreign = {key for key in unattested - unproven if _is_foreign(bucket.segments[key], settled, window)}
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
    manifests: dict[int, Kept] = field(default_factory=dict)
    segments: dict[str, _Seen] = field(default_factory=dict)
    findings: list[TrailFinding] = field(default_factory=list)
    apart: dict[int, Kept] = field(default_factory=dict)

    def set_apart(self, window: Window) -> None:
        """The manifest that must be there, where those of some hours begin long after it: nothing leads from it."""
        known = window.at_least.number if window.at_least and window.since is not None else 0
        if known in self.manifests and known + 1 < min((one for one in self.manifests if one != known), default=0):
            self.apart[known] = self.manifests.pop(known)


def _gathered(objects: Iterable[TrailObject], window: Window, listed: Callable[[str], bool] | None = None) -> _Bucket:
    """What is kept; of what manifests list, the segments of these hours, or those that are named."""
    first, last = window.keys
    bucket, listed = _Bucket(), listed or (lambda key: first <= key <= last)
    for one in objects:
        number, name = manifests.manifest_number(one.key), SegmentName.parse(one.key)
        if number is not None:
            bucket.manifests[number] = Kept.of(one.content, listed)
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
    overdue = window.now - window.grace_seconds  # whatever hours are asked for: these may be attested late
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
    if window.unnoted and len(bucket.manifests) > 1:
        why = "goes on behind its first manifest, though nothing is noted of how far it goes"
        yield TrailFinding(Tampering.BROKEN_CHAIN, manifests.manifest_key(max(bucket.manifests)), why)
    if (known := window.at_least) is None:
        return
    key, kept = manifests.manifest_key(known.number), (bucket.manifests | bucket.apart).get(known.number)
    if kept is None:
        yield TrailFinding(Tampering.TRUNCATED, key, "is known to have been written, and is not there")
    elif kept.sha256 != known.sha256:
        yield TrailFinding(Tampering.CHANGED, key, f"its SHA-256 is {kept.sha256}, known is {known.sha256}")


def _silences(chain: Chain, window: Window) -> Sequence[tuple[float, float]]:
    begun = [(one.number, _begun(one)) for one in chain.trusted]
    return [
        (since, until)
        for (number, since), (following, until) in pairwise(begun)
        if following == number + 1 and until - since > window.grace_seconds
        if until >= window.first_hour and since <= window.end
    ]


def _attested(chain: Chain) -> tuple[Mapping[str, Attested], Sequence[TrailFinding]]:
    """The segments that must be there; and a finding for each that was attested twice, with a difference."""
    attested: dict[str, Attested] = {}
    findings = []
    for manifest in chain.trusted:
        for one in manifest.segments:
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


def _settled(chain: Chain) -> float:
    """When the notary last listed everything."""
    return max((_begun(one) for one in chain.trusted if not one.more), default=-inf)


def _is_foreign(seen: _Seen, settled: float, window: Window) -> bool:
    """Whether the notary listed everything at a time at which it must have seen the segment, or never will list it."""
    listed_at = min(seen.last_modified, seen.name.hour + _LISTED_HOURS * _HOUR_SECONDS)
    return listed_at < settled - window.grace_seconds


def _begun(manifest: Manifest) -> float:
    return manifest.created_at / 1_000
