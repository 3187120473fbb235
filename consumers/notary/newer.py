"""The segments that no manifest lists yet, and whether those are still there that some do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from hashlib import sha256
from itertools import islice
from threading import Lock
from typing import Final

from consumers.notary.earlier import Earlier
from consumers.notary.ports import Bucket
from shared.aws.audit_bucket import Listed
from shared.errors import ObjectUnreadable, StoreDenied, TrailUnreadable
from shared.runtime.pool import all_of
from shared.trail.findings import Tampering, TrailFinding
from shared.trail.manifest import Attested
from shared.trail.segments import MAX_UNZIPPED_BYTES, PREFIX, SegmentName, count_events, hour_prefix

READ_TOGETHER: Final = 64
LISTED_TOGETHER: Final = 1_000
"""After so many it is asked whether there is time to go on: S3 lists no more at once."""
AHEAD_SECONDS: Final = 3_600.0
"""How far a writer's clock may be ahead; an hour that is further off has no segments yet."""
NEWS_SECONDS: Final = 600.0
"""An object that is to stay as it is, and no segment, is told until it was there so long before the last manifest."""

_ONE_AT_A_TIME: Final = Lock()
"""What is unzipped may need two hundred megabytes; and threads would not be faster at it together."""
_NOT_GIVEN: Final = "is given to nobody by the bucket, though others are"


class Search:
    """One listing of what the manifests may lack, from which one manifest after the other takes what is new.

    Attributes:
        findings: on segments that manifests list, and on those that none will list, as far as the listing came.
        refused: whether the bucket refused some that it may give later, so that their hour is not done with.
    """

    def __init__(
        self, bucket: Bucket, earlier: Earlier, pool: Executor, *, now: float, in_time: Callable[[], bool]
    ) -> None:
        """Now: the bucket's time. `in_time` is asked before each few that are read or listed; then it ends."""
        self.findings: list[TrailFinding] = []
        self.refused = False
        self._bucket = bucket
        self._pool = pool
        self._now = now
        self._in_time = in_time
        self._is_first = earlier.last is None
        self._news_since = earlier.last.created_at / 1_000 - NEWS_SECONDS if earlier.last else 0.0
        self._after = earlier.start.after
        self._attested = earlier.attested
        self._done = self._after
        self._cut_short = False
        self._new = self._find()
        self._next: list[Listed] = []

    @property
    def left(self) -> bool:
        """Whether there may be more than was taken."""
        self._next = self._next or list(islice(self._new, 1))
        return bool(self._next) or self._cut_short

    def take(self, at_most: int) -> Sequence[Attested]:
        """Read the next ones, this many at most; raises StoreUnavailable.

        One that cannot be read stops nobody, and is tried again as long as its hour is looked at; but where it is
        refused and nothing was read yet, as manifests were before, it may be all of them.
        """
        segments: list[Attested] = []
        while len(segments) < at_most and self._in_time() and (few := self._few(at_most - len(segments))):
            segments += [read for read in all_of(self._pool, self._read, few) if read is not None]
            if not self.refused:
                self._done = few[-1].key
        return segments

    def after(self, newest: str) -> str:
        """The key behind which the next search begins, once what was taken so far is listed; the newest with this key.

        Of the present hour and the one before it more may come. Where nothing is left, what was listed says no more
        than the clock; so that a wrong one does no harm, it settles no hour behind the newest segment's.
        """
        name = SegmentName.parse(newest)
        over = self._now - AHEAD_SECONDS
        if self.left or self.refused:
            return max(self._after, min(self._done, hour_prefix(over)))
        return max(self._after, hour_prefix(min(over, name.hour) if name else over))

    def _few(self, at_most: int) -> list[Listed]:
        first, self._next = self._next, []
        return [*first, *islice(self._new, min(READ_TOGETHER, at_most) - len(first))]

    def _find(self) -> Iterator[Listed]:
        unseen = dict(self._attested)
        for count, one in enumerate(self._bucket.listed(PREFIX, start_after=self._after), 1):
            name, known = SegmentName.parse(one.key), unseen.pop(one.key, None)
            if known is not None:
                self._compare(known, one)
            elif name is not None and name.hour > self._now + AHEAD_SECONDS:
                self._tell(one, Tampering.FOREIGN, "is of an hour that has not come")
            elif name is not None:
                yield one
            if count % LISTED_TOGETHER == 0 and not self._in_time():
                self._cut_short = True
                return
        self.findings += [TrailFinding(Tampering.REMOVED, key, "was attested, and is not there") for key in unseen]

    def _compare(self, attested: Attested, listed: Listed) -> None:
        """A version never changes: one that is there under the same id is as it was."""
        if listed.version_id != attested.version_id or listed.other_versions:
            why = "was attested, and has another version now"
            self.findings.append(TrailFinding(Tampering.REPLACED, attested.key, why))

    def _tell(self, one: Listed, kind: Tampering, why: str) -> None:
        """While it is news: nobody can take it away again, so it would be told for ever."""
        if one.last_modified >= self._news_since:
            self.findings.append(TrailFinding(kind, one.key, why))

    def _read(self, one: Listed) -> Attested | None:
        """What a manifest says of it; what is no segment is told and not listed."""
        name = SegmentName.parse(one.key)
        if name is None or one.bytes > MAX_UNZIPPED_BYTES:
            self._tell(one, Tampering.UNREADABLE, "is larger than any segment")
            return None
        try:
            content = self._bucket.read(one.key, one.version_id)
            with _ONE_AT_A_TIME:
                events = count_events(content, name)
        except ObjectUnreadable:
            self._tell(one, Tampering.UNREADABLE, _NOT_GIVEN)
        except StoreDenied:
            if self._is_first:
                raise
            self.refused = True
            self.findings.append(TrailFinding(Tampering.UNREADABLE, one.key, _NOT_GIVEN))
        except TrailUnreadable as error:
            self._tell(one, Tampering.UNREADABLE, str(error))
        else:
            return Attested(one.key, one.version_id or "", sha256(content).hexdigest(), len(content), events)
        return None
