"""Manifests: signed lists of segments, each of which names the one before; docs/audit_trail.md has the format.

A manifest is two lines of canonical JSON: what it states, and the signature over the bytes of the first line.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from types import NoneType
from typing import Any, Final, Self

from shared.errors import TrailUnreadable
from shared.trail.canonical import canonical_json, fields, json_object
from shared.trail.segments import SegmentName

PREFIX: Final = "manifests/"
VERSION: Final = 1
ALGORITHM: Final = "ECDSA_SHA_256"
MAX_NUMBER: Final = 10**12 - 1
"""Of twelve digits."""

Sign = Callable[[bytes], bytes]
"""Gives the DER signature (ECDSA, P-256) over a SHA-256 digest."""

_KEY: Final = re.compile(r"manifests/([0-9]{12})\.json")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MILLISECONDS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Attested:
    """A segment as it was when a manifest first listed it.

    Attributes:
        sha256: of the object's bytes, in hex.
        bytes: how many they are.
        events: how many documents it holds, repeated ones included.
    """

    key: str
    version_id: str
    sha256: str
    bytes: int
    events: int


@dataclass(frozen=True, slots=True)
class Link:
    """The manifest before: its number, and the SHA-256 of the whole object in hex."""

    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that signs a manifest: its ARN, and the SHA-256 of its public key (DER) in hex."""

    arn: str
    sha256: str


@dataclass(frozen=True, slots=True)
class NextKey:
    """The key that signs all that follows: its ARN, and its public key as PEM."""

    arn: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest states.

    Attributes:
        number: from 1 on, without a gap.
        created_at: when its list of segments was begun; milliseconds since the epoch, never before its predecessor's.
        previous: None in the first one alone.
        segments: by key, ascending; none where nothing is new.
        more: whether segments were left for the next one.
        next_key: where the signing key changes.
    """

    number: int
    created_at: int
    previous: Link | None
    segments: Sequence[Attested]
    signing_key: SigningKey
    more: bool = False
    next_key: NextKey | None = None

    @property
    def key(self) -> str:
        """The key of its object."""
        return manifest_key(self.number)

    def to_bytes(self, sign: Sign) -> bytes:
        """Its object: two lines."""
        statement = canonical_json(_document(self))
        signature = b64encode(sign(sha256(statement).digest())).decode("ascii")
        return statement + b"\n" + canonical_json({"algorithm": ALGORITHM, "signature": signature}) + b"\n"

    @classmethod
    def from_statement(cls, statement: bytes) -> Self:
        """What a first line states.

        Raises:
            UnknownVersion: it says that it is of another version.
            TrailUnreadable: no notary writes this.
        """
        document = json_object(statement)
        if type(document.get("version")) is int and document["version"] != VERSION:
            raise UnknownVersion(f"is of version {document['version']}, which is not known here")
        manifest = cls(**_arguments(document))
        if canonical_json(_document(manifest)) != statement:
            raise TrailUnreadable("is not canonical JSON")
        return manifest


class UnknownVersion(TrailUnreadable):
    """A manifest of a version that this code does not know."""


def manifest_key(number: int) -> str:
    """The key of a manifest's object."""
    return f"{PREFIX}{number:012}.json"


def manifest_number(key: str) -> int | None:
    """The number that a key says; None where it is not a manifest's."""
    match = _KEY.fullmatch(key)
    return (int(match[1]) or None) if match else None


def split(content: bytes) -> tuple[bytes, bytes]:
    """The statement and the signature (DER) of a manifest's object.

    Raises:
        TrailUnreadable: it is not the two lines of a manifest.
    """
    try:
        statement, signature_line, rest = content.split(b"\n")
    except ValueError:
        raise TrailUnreadable("is not two lines") from None
    document = json_object(signature_line)
    algorithm, signature = fields(document, algorithm=str, signature=str)
    if rest or algorithm != ALGORITHM or canonical_json(document) != signature_line:
        raise TrailUnreadable("has another second line than a signature")
    try:
        der = b64decode(signature, validate=True)
    except (NotBase64, ValueError):
        raise TrailUnreadable("has a signature that is not Base64") from None
    if b64encode(der).decode("ascii") != signature:
        raise TrailUnreadable("has a signature in another spelling")
    return statement, der


def link_to(manifest: Manifest, content: bytes) -> Link:
    """How the next manifest names this one."""
    return Link(manifest.number, sha256(content).hexdigest())


def _document(manifest: Manifest) -> dict[str, Any]:
    document = asdict(manifest) | {"version": VERSION, "created_at": _spelled(manifest.created_at)}
    document["segments"] = [asdict(one) for one in manifest.segments]
    if manifest.next_key is None:
        del document["next_key"]
    return document


def _arguments(document: dict[str, Any]) -> dict[str, Any]:
    followed, changes_key = document.get("previous") is not None, "next_key" in document
    optional = {"next_key": dict} if changes_key else {}
    _, number, created_at, previous, listed, signing_key, more, *next_key = fields(
        document,
        version=int,
        number=int,
        created_at=str,
        previous=dict if followed else NoneType,
        segments=list,
        signing_key=dict,
        more=bool,
        **optional,
    )
    link = Link(*fields(previous, number=int, sha256=str)) if followed else None
    if (link.number if link else 0) != number - 1:
        raise TrailUnreadable("does not follow the manifest that it names")
    return {
        "number": number,
        "created_at": _milliseconds(created_at),
        "previous": link,
        "segments": _segments(listed),
        "signing_key": SigningKey(*fields(signing_key, arn=str, sha256=str)),
        "more": more,
        "next_key": NextKey(*fields(*next_key, arn=str, public_key=str)) if changes_key else None,
    }


def _segments(listed: list[Any]) -> tuple[Attested, ...]:
    segments = tuple(
        Attested(*fields(one, key=str, version_id=str, sha256=str, bytes=int, events=int)) for one in listed
    )
    if any(SegmentName.parse(one.key) is None or not _SHA256.fullmatch(one.sha256) for one in segments):
        raise TrailUnreadable("lists what is no segment")
    if any(one.key >= other.key for one, other in pairwise(segments)):
        raise TrailUnreadable("lists its segments out of order")
    return segments


def _spelled(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, _MILLISECONDS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"


def _milliseconds(spelled: str) -> int:
    try:
        at = datetime.strptime(spelled, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise TrailUnreadable("was created at no time") from None
    milliseconds = int(at.replace(microsecond=0).timestamp()) * _MILLISECONDS + at.microsecond // _MILLISECONDS
    if _spelled(milliseconds) != spelled:
        raise TrailUnreadable("says its time in another spelling")
    return milliseconds
