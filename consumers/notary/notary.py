"""Writes manifests: reads back, looks, signs, writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from consumers.notary.earlier import Earlier, LastNotTrusted, last_manifest, read_back
from consumers.notary.newer import Newer, look
from consumers.notary.ports import Bucket, End, Key
from shared.errors import StoreUnavailable, TrailBroken
from shared.trail.chain import check_chain
from shared.trail.findings import TrailFinding
from shared.trail.manifest import Link, Manifest, link_to

MOST_SEGMENTS: Final = 5_000
"""In a manifest: some 1.5 MB."""
READS_AT_ONCE: Final = 16
TO_FINISH_SECONDS: Final = 60.0
"""To sign and write what was read; and to begin another manifest nothing less is enough."""


@dataclass(slots=True)
class Tally:
    """What an invocation did, also where it failed.

    Attributes:
        written: the manifests, by their numbers and digests.
        kms_failures: 1 where it ended at a call that KMS refused or left unanswered.
        findings: each once.
    """

    written: list[Link] = field(default_factory=list)
    segments: int = 0
    kms_failures: int = 0
    findings: dict[TrailFinding, None] = field(default_factory=dict)

    @property
    def manifests(self) -> int:
        """How many were written."""
        return len(self.written)

    def found(self, findings: Sequence[TrailFinding]) -> None:
        """Take note of what is wrong."""
        self.findings.update(dict.fromkeys(findings))


class Notary:
    """Writes one manifest after another; one at a time in the whole deployment."""

    def __init__(
        self,
        bucket: Bucket,
        end: End,
        keys: Sequence[Key],
        wall: Callable[[], float] = time.time,
        at_most: int = MOST_SEGMENTS,
    ) -> None:
        """Keys: the oldest first; the last one signs, as soon as the one before it has handed over."""
        self._bucket = bucket
        self._end = end
        self._keys = keys
        self._wall = wall
        self._at_most = at_most

    def write(self, tally: Tally, *, seconds_left: Callable[[], float]) -> None:
        """Write a manifest, and further ones while segments are left and time is.

        Raises:
            TrailBroken: what the next would continue is not as it was written.
            RetryLater: the bucket or KMS does not answer; the next invocation goes on.
        """
        with ThreadPoolExecutor(READS_AT_ONCE) as pool:
            while self._write_next(tally, pool, lambda: seconds_left() > TO_FINISH_SECONDS):
                pass

    def _write_next(self, tally: Tally, pool: ThreadPoolExecutor, in_time: Callable[[], bool]) -> bool:
        """Write one; whether to write another at once."""
        noted = self._end.noted()
        last = last_manifest(self._bucket, noted)
        try:
            earlier = read_back(self._bucket, self._keys, noted, last, pool)
        except LastNotTrusted as error:
            tally.found(error.findings)
            raise
        tally.found(earlier.findings)
        begun = self._wall()
        newer = look(self._bucket, earlier, pool, at_most=self._at_most, in_time=in_time)
        tally.found(newer.findings)
        manifest = self._next(earlier, newer, int(begun * 1_000))
        tally.written.append(self._put(manifest, earlier.signer))
        tally.segments += len(manifest.segments)
        return manifest.more and in_time()

    def _next(self, earlier: Earlier, newer: Newer, begun_ms: int) -> Manifest:
        newest = self._keys[-1]
        return Manifest(
            number=earlier.link.number + 1 if earlier.link else 1,
            created_at=max(begun_ms, earlier.last.created_at if earlier.last else 0),
            previous=earlier.link,
            segments=newer.segments,
            signing_key=earlier.signer.name,
            more=newer.more,
            next_key=None if earlier.signer.arn == newest.arn else newest.as_next,
        )

    def _put(self, manifest: Manifest, signer: Key) -> Link:
        content = manifest.to_bytes(signer.sign)
        if check_chain({manifest.number: content}, signer.public).findings:
            raise TrailBroken(f"{signer.arn} does not sign as its public key verifies: {manifest.key} is not written")
        if not self._bucket.put_once(manifest.key, content) and self._bucket.read(manifest.key) != content:
            raise StoreUnavailable(f"{manifest.key} was written by somebody else meanwhile")
        link = link_to(manifest, content)
        if not self._end.note(link) and self._end.noted() != link:
            raise StoreUnavailable(f"{manifest.key} is not the last one: somebody else goes on meanwhile")
        return link
