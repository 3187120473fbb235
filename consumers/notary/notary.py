"""Writes manifests: reads back, looks, signs, writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

from consumers.notary.earlier import Earlier, LastNotTrusted, read_back, signer_after
from consumers.notary.newer import Search
from consumers.notary.ports import Bucket, End, Key
from shared.aws.trail_end import Start
from shared.errors import StoreUnavailable, TrailBroken
from shared.trail.chain import check_chain
from shared.trail.findings import TrailFinding
from shared.trail.manifest import Link, Manifest, link_to, manifest_key

MOST_SEGMENTS: Final = 5_000
"""In a manifest: some 1.5 MB."""
READS_AT_ONCE: Final = 16
TO_FINISH_SECONDS: Final = 60.0
"""To sign and write what was read; and to begin another manifest nothing less is enough."""
CLOCKS_DIFFER_SECONDS: Final = 120.0
"""The bucket's and the notary's: if they do by more, one of them is wrong, and a wrong time stands for ever."""


@dataclass(slots=True)
class Tally:
    """What an invocation did, also where it failed.

    Attributes:
        written: the manifests, by their numbers and digests.
        complete: how many of them left nothing to the next.
        kms_failures: 1 where it ended at a call that KMS refused or left unanswered.
        findings: each once.
    """

    written: list[Link] = field(default_factory=list)
    complete: int = 0
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

        def in_time() -> bool:
            return seconds_left() > TO_FINISH_SECONDS

        with ThreadPoolExecutor(READS_AT_ONCE) as pool:
            earlier = self._read_back(tally, pool)
            begun = self._now()
            search = Search(self._bucket, earlier, pool, now=begun, in_time=in_time)
            try:
                while True:
                    manifest = self._next(earlier, search, int(begun * 1_000))
                    earlier = self._write(manifest, earlier, search, tally)
                    if not (search.left and in_time()):
                        return
            finally:
                tally.found(search.findings)

    def _read_back(self, tally: Tally, pool: ThreadPoolExecutor) -> Earlier:
        """What was written so far, all of it noted: so there is never more than one that is not."""
        noted = self._end.noted()
        try:
            earlier = read_back(self._bucket, self._keys, noted, self._end.start(), pool)
        except LastNotTrusted as error:
            tally.found(error.findings)
            raise
        tally.found(earlier.findings)
        if earlier.link and earlier.link != noted:
            self._note(earlier.link, earlier.start)
        return earlier

    def _write(self, manifest: Manifest, earlier: Earlier, search: Search, tally: Tally) -> Earlier:
        """Write it; what the next one continues."""
        link = self._put(manifest, earlier.signer)
        self._note(link, search.next_start)
        tally.written.append(link)
        tally.complete += not manifest.more
        tally.segments += len(manifest.segments)
        return replace(earlier, last=manifest, link=link, signer=signer_after(manifest, self._keys))

    def _now(self) -> float:
        """The bucket's time: a manifest says by it up to when everything that was there was listed."""
        now = self._bucket.now()
        if (apart := abs(now - self._wall())) > CLOCKS_DIFFER_SECONDS:
            raise StoreUnavailable(f"the bucket's clock and the notary's are {apart:.0f} seconds apart")
        return now

    def _next(self, earlier: Earlier, search: Search, begun_ms: int) -> Manifest:
        newest, segments = self._keys[-1], search.take(self._at_most)
        return Manifest(
            number=earlier.link.number + 1 if earlier.link else 1,
            created_at=max(begun_ms, earlier.last.created_at if earlier.last else 0),
            previous=earlier.link,
            segments=segments,
            signing_key=earlier.signer.name,
            more=search.left,
            next_key=None if earlier.signer.arn == newest.arn else newest.as_next,
        )

    def _put(self, manifest: Manifest, signer: Key) -> Link:
        content = manifest.to_bytes(signer.sign)
        if check_chain({manifest.number: content}, signer.public).findings:
            raise TrailBroken(f"{signer.arn} does not sign as its public key verifies: {manifest.key} is not written")
        if not self._bucket.put_once(manifest.key, content) and self._bucket.read(manifest.key) != content:
            raise StoreUnavailable(f"{manifest.key} was written by somebody else meanwhile")
        return link_to(manifest, content)

    def _note(self, link: Link, start: Start) -> None:
        if not self._end.note(link, start) and self._end.noted() != link:
            key = manifest_key(link.number)
            raise StoreUnavailable(f"{key} is not the last one: somebody else goes on meanwhile")
