"""Which manifests can be trusted: the signed ones, and those that a trusted successor names by their digest.

Forward, the given key signs until a manifest hands over to the next key. Backward, from the first one that the given
key signed, digests lead to those of earlier keys. So any key that ever signed is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import Self

from shared.errors import TrailUnreadable
from shared.trail.findings import Tampering, TrailFinding
from shared.trail.manifest import Manifest, UnknownVersion, manifest_key, split
from shared.trail.public_key import PublicKey


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a manifest's object, so that its bytes need not be: what it lists may be very much.

    Attributes:
        sha256: of the object, in hex.
        stated: with those of its segments that were asked for; or why nobody can read what it states.
        signed: SHA-256 of the statement; empty where the object is not two lines.
        signature: over that, as DER.
        ends: the first and the last key that it lists; None where it lists nothing.
    """

    sha256: str
    stated: Manifest | TrailUnreadable
    signed: bytes = b""
    signature: bytes = b""
    ends: tuple[str, str] | None = None

    @classmethod
    def of(cls, content: bytes, wanted: Callable[[str], bool] = lambda _: True) -> Self:
        """Of the bytes of an object; `wanted` is asked for each key that it lists."""
        digest = sha256(content).hexdigest()
        try:
            statement, signature = split(content)
        except TrailUnreadable as error:
            return cls(digest, error)
        signed = sha256(statement).digest()
        try:
            manifest = Manifest.from_statement(statement)
        except TrailUnreadable as error:
            return cls(digest, error, signed, signature)
        segments = manifest.segments
        ends = (segments[0].key, segments[-1].key) if segments else None
        stated = replace(manifest, segments=tuple(one for one in segments if wanted(one.key)))
        return cls(digest, stated, signed, signature, ends)

    def manifest(self) -> Manifest:
        """What it states; raises TrailUnreadable."""
        if isinstance(self.stated, TrailUnreadable):
            raise type(self.stated)(str(self.stated))
        return self.stated


_Objects = Mapping[int, Kept]
_Manifests = Mapping[int, Manifest]


@dataclass(frozen=True, slots=True)
class Chain:
    """What was found of all manifests.

    Attributes:
        trusted: by number, ascending; the number that they state is that in their key.
        doubted: those that cannot be trusted and can be read, by the number in their key.
        findings: on manifests alone, by key.
    """

    trusted: Sequence[Manifest]
    doubted: _Manifests
    findings: Sequence[TrailFinding]

    @property
    def claimed(self) -> frozenset[str]:
        """Keys of segments that manifests list that cannot be trusted."""
        return frozenset(one.key for manifest in self.doubted.values() for one in manifest.segments)

    def listing(self, read_again: _Manifests) -> Chain:
        """The same with what these list, by the number in their key."""
        trusted = [read_again.get(one.number, one) for one in self.trusted]
        return replace(self, trusted=trusted, doubted={n: read_again.get(n, one) for n, one in self.doubted.items()})


def check_chain(contents: Mapping[int, bytes], given: PublicKey) -> Chain:
    """The same as `check`, of the bytes of manifests."""
    return check({number: Kept.of(content) for number, content in contents.items()}, given)


def check(manifests: _Objects, given: PublicKey) -> Chain:
    """Which manifests can be trusted, and what is wrong with the others and between them."""
    trusted, doubts = _forward(manifests, given)
    _backward(manifests, trusted, doubts)
    chain = [trusted[number] for number in sorted(trusted)]
    doubted = {number: stated for number in doubts if isinstance(stated := manifests[number].stated, Manifest)}
    findings = [*_gaps(manifests), *_between(manifests, chain), *doubts.values()]
    return Chain(chain, doubted, sorted(findings, key=lambda finding: finding.key))


_Trusted = dict[int, Manifest]
_Doubts = dict[int, TrailFinding]


def _forward(manifests: _Objects, given: PublicKey) -> tuple[_Trusted, _Doubts]:
    """Follows the signatures; ends before a signed manifest of an unknown version, since that may hand over."""
    trusted: _Trusted = {}
    doubts: _Doubts = {}
    expected = given
    for number in sorted(manifests):
        try:
            trusted[number], expected = _signed_by(expected, number, manifests[number])
        except _Doubt as doubt:
            doubts[number] = doubt.finding
            if doubt.finding.kind is Tampering.UNCHECKABLE:
                break
    return trusted, doubts


def _backward(manifests: _Objects, trusted: _Trusted, doubts: _Doubts) -> None:
    """Follows the digests from the first trusted manifest on."""
    first = min(trusted, default=0)
    for number in sorted((number for number in manifests if number < first), reverse=True):
        key = manifest_key(number)
        successor = trusted.get(number + 1)
        if successor is None or successor.previous is None:
            doubts[number] = TrailFinding(Tampering.BROKEN_CHAIN, key, "no manifest that can be trusted leads to it")
        elif successor.previous.sha256 != manifests[number].sha256:
            doubts[number] = TrailFinding(Tampering.CHANGED, key, "its bytes are not those that its successor names")
        else:
            try:
                trusted[number] = _stated(number, manifests[number])
                del doubts[number]
            except TrailUnreadable as error:
                doubts[number] = _unreadable(number, error)
            except _Doubt as doubt:
                doubts[number] = doubt.finding


class _Doubt(Exception):
    """A manifest cannot be trusted."""

    def __init__(self, kind: Tampering, number: int, why: str) -> None:
        super().__init__()
        self.finding = TrailFinding(kind, manifest_key(number), why)


def _signed_by(key: PublicKey, number: int, kept: Kept) -> tuple[Manifest, PublicKey]:
    """A manifest that the key signed, and the key that signs the next."""
    try:
        if not (kept.signed and key.has_signed(kept.signed, kept.signature)):
            raise _unsigned(key, number, kept.manifest())
        manifest = _stated(number, kept)
        if manifest.signing_key.sha256 != key.sha256:
            raise _Doubt(Tampering.WRONG_KEY, number, "says that another key signed it than did")
        return manifest, PublicKey.from_pem(manifest.next_key.public_key) if manifest.next_key else key
    except TrailUnreadable as error:
        raise _Doubt(Tampering.UNREADABLE, number, str(error)) from None


def _unsigned(key: PublicKey, number: int, manifest: Manifest) -> _Doubt:
    signer = manifest.signing_key.sha256
    if signer == key.sha256:
        return _Doubt(Tampering.CHANGED, number, "its signature is not over these bytes")
    return _Doubt(Tampering.WRONG_KEY, number, f"says that the key {signer} signed it; it must be {key.sha256}")


def _stated(number: int, kept: Kept) -> Manifest:
    """What is stated, by bytes that can be trusted."""
    try:
        manifest = kept.manifest()
    except UnknownVersion as error:
        raise _Doubt(Tampering.UNCHECKABLE, number, str(error)) from None
    if manifest.number != number:
        raise _Doubt(Tampering.BROKEN_CHAIN, number, f"holds the manifest {manifest.number}")
    return manifest


def _unreadable(number: int, error: TrailUnreadable) -> TrailFinding:
    return TrailFinding(Tampering.UNREADABLE, manifest_key(number), str(error))


def _gaps(manifests: _Objects) -> list[TrailFinding]:
    """One finding for all the numbers that are missing between two that are there."""
    return [
        TrailFinding(Tampering.REMOVED, manifest_key(one + 1), _missing(one + 1, other - 1))
        for one, other in pairwise(sorted(manifests))
        if other - one > 1
    ]


def _missing(first: int, last: int) -> str:
    return "is missing" if first == last else f"is missing, and all after it up to {manifest_key(last)}"


def _between(manifests: _Objects, trusted: Sequence[Manifest]) -> list[TrailFinding]:
    """The manifests that do not continue the one before them, where both can be trusted."""
    findings = []
    for one, other in pairwise(trusted):
        if other.number != one.number + 1:
            continue
        if other.previous is None or other.previous.sha256 != manifests[one.number].sha256:
            why = f"names another manifest as its predecessor than {one.key}"
            findings.append(TrailFinding(Tampering.BROKEN_CHAIN, other.key, why))
        elif other.created_at < one.created_at:
            findings.append(TrailFinding(Tampering.BROKEN_CHAIN, other.key, f"is older than {one.key}"))
    return findings
