"""An audit bucket with its writers and its notary, all in memory; the notary signs with keys of `cryptography`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.trail.manifest import Attested, Manifest, NextKey, SigningKey, link_to, manifest_key
from shared.trail.public_key import PublicKey
from shared.trail.segments import SegmentName, count_events, segments
from shared.trail.verify import TrailObject, TrailResult, Window, verify

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""
PERIOD = 300.0


def event(number: int) -> dict[str, Any]:
    return {"metadata": {"uid": sha256(str(number).encode()).hexdigest()[:32]}, "unmapped": {"event": "item.written"}}


def segment_bytes(documents: Iterable[Mapping[str, Any]]) -> bytes:
    """Of one segment, whatever it is called."""
    ((_, content, _),) = segments(documents, written_at=START, stage="stage", where="where")
    return content


class Key:
    """A signing key; the same number is the same key."""

    def __init__(self, number: int) -> None:
        self._private = ec.derive_private_key(1_000_003 + number, ec.SECP256R1())
        self.arn = f"arn:aws:kms:eu-central-1:000000000000:key/{number}"
        self.pem = self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self.public = PublicKey.from_pem(self.pem)

    @property
    def name(self) -> SigningKey:
        return SigningKey(self.arn, self.public.sha256)

    @property
    def as_next(self) -> NextKey:
        return NextKey(self.arn, self.pem)

    def sign(self, digest: bytes) -> bytes:
        return self._private.sign(digest, ec.ECDSA(Prehashed(SHA256())))


key = cache(Key)


@dataclass(slots=True)
class FakeTrail:
    """The bucket; `now` only grows by `wait`."""

    now: float = START
    key: Key = field(default_factory=lambda: key(1))
    objects: dict[str, TrailObject] = field(default_factory=dict)
    manifests: list[Manifest] = field(default_factory=list)
    attested: set[str] = field(default_factory=set)
    _versions: int = 0

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def put(self, name: str, content: bytes) -> None:
        """Writes where nothing is, like `If-None-Match: *`."""
        self._versions += 1
        self.objects.setdefault(name, TrailObject(name, content, self.now, f"v{self._versions}"))

    def plant(self, name: str, content: bytes, *, at: float | None = None) -> None:
        """An object that the notary does not take."""
        self.objects[name] = TrailObject(name, content, self.now if at is None else at, "planted")
        self.attested.add(name)

    def write(
        self, events: Iterable[int], *, where: str = "shardId-000000000000-1", stage: str = "auditor", ago: float = 0
    ) -> str:
        """One segment; `ago` is how long before now its writer chose the hour in its name."""
        ((name, content, _),) = segments(map(event, events), written_at=self.now - ago, stage=stage, where=where)
        self.put(name.key, content)
        return name.key

    def notarise(self, *, next_key: Key | None = None, at_most: int | None = None) -> Manifest:
        """One manifest of what is not attested yet."""
        new = sorted(name for name in self.objects if SegmentName.parse(name) and name not in self.attested)
        taken = new[:at_most]
        last = self.manifests[-1] if self.manifests else None
        manifest = Manifest(
            number=last.number + 1 if last else 1,
            created_at=int(self.now * 1_000),
            previous=link_to(last, self.objects[last.key].content) if last else None,
            segments=tuple(map(self._attest, taken)),
            signing_key=self.key.name,
            more=len(taken) < len(new),
            next_key=next_key.as_next if next_key else None,
        )
        self.put(manifest.key, manifest.to_bytes(self.key.sign))
        self.manifests.append(manifest)
        self.attested.update(taken)
        self.key = next_key or self.key
        return manifest

    def _attest(self, name: str) -> Attested:
        one = self.objects[name]
        parsed = SegmentName.parse(name)
        assert parsed is not None
        events = count_events(one.content, parsed)
        return Attested(name, one.version_id or "", sha256(one.content).hexdigest(), len(one.content), events)

    def heartbeats(self, seconds: float) -> None:
        """The notary alone, for so long."""
        until = self.now + seconds
        while self.now < until:
            self.wait(PERIOD)
            self.notarise()

    def signed(self, number: int, by: Key, **changes: Any) -> None:
        """Puts another manifest in the place of one, signed by whatever key; the one after it stays."""
        self.alter(manifest_key(number), replace(self.manifests[number - 1], **changes).to_bytes(by.sign))

    def alter(self, name: str, content: bytes) -> None:
        """Other bytes under the same version, as in a copy on somebody's disk."""
        self.objects[name] = replace(self.objects[name], content=content)

    def segments(self) -> Sequence[str]:
        return sorted(name for name in self.objects if name.startswith("segments/"))

    def verify(self, *, by: Key | None = None, since: float | None = None, until: float | None = None) -> TrailResult:
        window = Window(now=self.now, period_seconds=PERIOD, since=since, until=until)
        return verify(self.objects.values(), (by or key(1)).public, window)


def busy_trail() -> FakeTrail:
    """Twelve manifests over an hour and more: two key handovers, an empty manifest, a backlog, a late segment."""
    trail = FakeTrail(now=START + 1_800)
    for number in range(1, 13):
        if number != 4:
            trail.write(range(10 * number, 10 * number + 5), where=f"shardId-000000000000-{number}")
            trail.write(range(10 * number + 3, 10 * number + 8), where=f"shardId-000000000000-{number}", ago=120)
        trail.wait(PERIOD)
        trail.notarise(next_key=key(number) if number in {5, 9} else None, at_most=1 if number in {6, 7} else None)
    return trail
