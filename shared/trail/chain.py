"""Which manifests can be trusted: the signed ones, and those that a trusted successor names by their digest.

Forward, the given key signs until a manifest hands over to the next key. Backward, from the first one that the given
key signed, digests lead to those of earlier keys. So any key that ever signed is enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from shared.errors import TrailUnreadable
from shared.trail.findings import Tampering, TrailFinding
from shared.trail.manifest import Manifest, UnknownVersion, manifest_key, split
from shared.trail.public_key import PublicKey

Contents = Mapping[int, bytes]
"""The bytes of manifests by the number in their key."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What was found of all manifests.

    Attributes:
        trusted: by number, ascending.
        claimed: keys of segments that are listed only by manifests that cannot be trusted.
    """

    trusted: Sequence[Manifest]
    claimed: frozenset[str]
    findings: Sequence[TrailFinding]


def check_chain(contents: Contents, given: PublicKey) -> Chain:
    """Which manifests can be trusted, and what is wrong with the others and between them."""
    trusted, doubts = _forward(contents, given)
    _backward(contents, trusted, doubts)
    manifests = [trusted[number] for number in sorted(trusted)]
    attested = {one.key for manifest in manifests for one in manifest.segments}
    claimed = {key for number in doubts for key in _claims(contents[number])}
    findings = [*_gaps(contents), *_between(contents, manifests), *doubts.values()]
    return Chain(manifests, frozenset(claimed - attested), sorted(findings, key=lambda finding: finding.key))


_Trusted = dict[int, Manifest]
_Doubts = dict[int, TrailFinding]


def _forward(contents: Contents, given: PublicKey) -> tuple[_Trusted, _Doubts]:
    """Follows the signatures; ends before a signed manifest of an unknown version, since that may hand over."""
    trusted: _Trusted = {}
    doubts: _Doubts = {}
    expected = given
    for number in sorted(contents):
        try:
            trusted[number], expected = _signed_by(expected, number, contents[number])
        except _Doubt as doubt:
            doubts[number] = doubt.finding
            if doubt.finding.kind is Tampering.UNCHECKABLE:
                break
    return trusted, doubts


def _backward(contents: Contents, trusted: _Trusted, doubts: _Doubts) -> None:
    """Follows the digests from the first trusted manifest on."""
    first = min(trusted, default=0)
    for number in sorted((number for number in contents if number < first), reverse=True):
        key = manifest_key(number)
        successor = trusted.get(number + 1)
        if successor is None or successor.previous is None:
            doubts[number] = TrailFinding(Tampering.BROKEN_CHAIN, key, "no manifest that can be trusted leads to it")
        elif successor.previous.sha256 != sha256(contents[number]).hexdigest():
            doubts[number] = TrailFinding(Tampering.CHANGED, key, "its bytes are not those that its successor names")
        else:
            try:
                trusted[number] = _stated(number, split(contents[number])[0])
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


def _signed_by(key: PublicKey, number: int, content: bytes) -> tuple[Manifest, PublicKey]:
    """A manifest that the key signed, and the key that signs the next."""
    try:
        statement, signature = split(content)
        if not key.has_signed(statement, signature):
            raise _unsigned(key, number, statement)
        manifest = _stated(number, statement)
        if manifest.signing_key.sha256 != key.sha256:
            raise _Doubt(Tampering.WRONG_KEY, number, "says that another key signed it than did")
        return manifest, PublicKey.from_pem(manifest.next_key.public_key) if manifest.next_key else key
    except TrailUnreadable as error:
        raise _Doubt(Tampering.UNREADABLE, number, str(error)) from None


def _unsigned(key: PublicKey, number: int, statement: bytes) -> _Doubt:
    signer = Manifest.from_statement(statement).signing_key.sha256
    if signer == key.sha256:
        return _Doubt(Tampering.CHANGED, number, "its signature is not over these bytes")
    return _Doubt(Tampering.WRONG_KEY, number, f"says that the key {signer} signed it; it must be {key.sha256}")


def _stated(number: int, statement: bytes) -> Manifest:
    """What is stated, by bytes that can be trusted."""
    try:
        manifest = Manifest.from_statement(statement)
    except UnknownVersion as error:
        raise _Doubt(Tampering.UNCHECKABLE, number, str(error)) from None
    if manifest.number != number:
        raise _Doubt(Tampering.BROKEN_CHAIN, number, f"holds the manifest {manifest.number}")
    return manifest


def _unreadable(number: int, error: TrailUnreadable) -> TrailFinding:
    return TrailFinding(Tampering.UNREADABLE, manifest_key(number), str(error))


def _claims(content: bytes) -> Sequence[str]:
    try:
        return [one.key for one in Manifest.from_statement(split(content)[0]).segments]
    except TrailUnreadable:
        return ()


def _gaps(contents: Contents) -> list[TrailFinding]:
    """One finding for all the numbers that are missing between two that are there."""
    return [
        TrailFinding(Tampering.REMOVED, manifest_key(one + 1), _missing(one + 1, other - 1))
        for one, other in pairwise(sorted(contents))
        if other - one > 1
    ]


def _missing(first: int, last: int) -> str:
    return "is missing" if first == last else f"is missing, and all after it up to {manifest_key(last)}"


def _between(contents: Contents, manifests: Sequence[Manifest]) -> list[TrailFinding]:
    """The manifests that do not continue the one before them, where both can be trusted."""
    findings = []
    for one, other in pairwise(manifests):
        if other.number != one.number + 1:
            continue
        if other.previous is None or other.previous.sha256 != sha256(contents[one.number]).hexdigest():
            why = f"names another manifest as its predecessor than {one.key}"
            findings.append(TrailFinding(Tampering.BROKEN_CHAIN, other.key, why))
        elif other.created_at < one.created_at:
            findings.append(TrailFinding(Tampering.BROKEN_CHAIN, other.key, f"is older than {one.key}"))
    return findings
