"""The segments that no manifest lists yet, and whether those are still there that some do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from hashlib import sha256
from itertools import count, islice, takewhile
from threading import Lock
from typing import Final

from consumers.notary.earlier import Earlier
from consumers.notary.ports import NOT_GIVEN, Bucket
from shared.aws.audit_bucket import Listed
from shared.aws.trail_end import Start
from shared.errors import ObjectUnreadable, StoreDenied, TrailUnreadable
from shared.runtime.pool import all_of
from shared.trail.findings import Tampering, TrailFinding
from shared.trail.manifest import Attested
from shared.trail.segments import MAX_UNZIPPED_BYTES, PREFIX, SegmentName, count_events, hour_prefix

READ_TOGETHER: Final = 16
"""After so many it is asked whether there is time to go on: a hostile segment takes two seconds to read."""
LISTED_TOGETHER: Final = 1_000
"""The same of those that are listed: S3 lists no more at once."""
AHEAD_SECONDS: Final = 3_600
"""How far a writer's clock may be ahead; an hour that is further off has no segments yet."""
MOST_REFUSED: Final = 100
"""So many are tried again, those first that were refused first: what one function has refused must not fill the row."""
_HOUR_SECONDS: Final = 3_600
_SHOWN_MS: Final = 300_000
"""After this time at most a listing shows what was put into the bucket."""

_ONE_AT_A_TIME: Final = Lock()
"""What is unzipped may need two hundred megabytes; and threads would not be faster at it together."""


class Search:
    """One listing of what the manifests may lack, from which one manifest after the other takes what is new.

    It goes round: on from where the last one came to, then from the beginning to there. For what is there already costs
    time, too; would each begin at the beginning, enough of that would keep all of them from what is new.

    Attributes:
        findings: on segments that manifests list, and on those that none will list, as far as the listing came.
    """

    def __init__(
        self, bucket: Bucket, earlier: Earlier, pool: Executor, *, now: float, in_time: Callable[[], bool]
    ) -> None:
        """Now: the bucket's time. `in_time` is asked before each few that are read or listed; then it ends."""
        self.findings: list[TrailFinding] = []
        self._bucket = bucket
        self._pool = pool
        self._in_time = in_time
        self._now_ms = int(now * 1_000)
        self._over = hour_prefix(now - AHEAD_SECONDS)
        self._ahead = hour_prefix(now + AHEAD_SECONDS + _HOUR_SECONDS)
        self._last = earlier.last
        self._attested = earlier.attested
        self._start = earlier.start
        self._unseen = {key: one for key, one in earlier.attested.items() if key > self._start.after}
        self._reached, self._began = self._start.reached, self._start.began
        self._seen = self._start.seen
        self._refused = dict.fromkeys(self._start.refused)
        self._tried: set[str] = set()
        self._any_given = self._asked = False
        self._newest_hour = 0
        self._newest_ms = 0
        self._whole = False
        self._new = self._find()
        self._next: list[Listed] = []

    @property
    def left(self) -> bool:
        """Whether there may be more than was taken."""
        self._next = self._next or list(islice(self._new, 1))
        return bool(self._next) or not self._whole

    @property
    def next_start(self) -> Start:
        """Where the next search begins, once what was taken so far is listed.

        Of the present hour and the one before it more may come, so these are listed anew. Where nothing is left, what
        was listed says no more than the clock; so that a wrong one does no harm, it settles no hour behind the newest
        segment's.
        """
        if left := self.left:
            over, listed = hour_prefix(self._began / 1_000 - AHEAD_SECONDS), self._reached
        else:
            over, listed = self._over, hour_prefix(self._newest_hour) if self._newest_hour else ""
        return Start(
            after=max(self._start.after, min(over, listed)),
            reached=listed if left else "",
            began=self._began,
            seen=self._seen,
            refused=tuple(self._refused)[:MOST_REFUSED],
        )

    def take(self, at_most: int) -> Sequence[Attested]:
        """Read the next ones, this many at most, by key; raises StoreUnavailable.

        One that cannot be read stops nobody. But where it is refused and nothing was read yet, as manifests were
        before, it may be all of them.
        """
        segments: list[Attested] = []
        while len(segments) < at_most and self._in_time() and (few := self._few(at_most - len(segments))):
            segments += [read for read in all_of(self._pool, self._read, few) if read is not None]
        if len(self._refused) > MOST_REFUSED and not self._any_given:
            raise StoreDenied("the audit bucket gives no segment")  # those that are not remembered would be lost
        return sorted(segments, key=lambda one: one.key)

    def _few(self, at_most: int) -> list[Listed]:
        first, self._next = self._next, []
        return [*first, *islice(self._new, min(READ_TOGETHER, at_most) - len(first))]

    def _find(self) -> Iterator[Listed]:
        yield from self._refused_before()
        counted = count(1)
        for since, until, began in self._rounds():
            self._reached, self._began = since, began
            for one in self._listed(since, until):
                if self._is_new(one):
                    yield one
                self._reached = one.key
                if next(counted) % LISTED_TOGETHER == 0 and not self._in_time():
                    self._miss(since, self._reached)
                    return
            self._miss(since, until)
            self._seen = max(self._seen, self._seen_by(began))
        self._tell_what_is_ahead()
        self._whole = True

    def _listed(self, after: str, up_to: str) -> Iterator[Listed]:
        return takewhile(lambda one: one.key <= up_to, self._bucket.listed(PREFIX, start_after=after))

    def _refused_before(self) -> Iterator[Listed]:
        for key in self._start.refused:
            one = next(self._bucket.listed(key), None)
            if key in self._attested or one is None or one.key != key:
                del self._refused[key]
            else:
                self._tried.add(key)
                yield one

    def _rounds(self) -> Sequence[tuple[str, str, int]]:
        """From where to where, and when that round began.

        Where the last one came to counts only within the hours that are listed anew each time: up to these each key is
        listed once, and moves the beginning.
        """
        start = self._start
        if start.reached <= max(start.after, self._over):
            return [(start.after, self._ahead, self._now_ms)]
        return [(start.reached, self._ahead, start.began), (start.after, start.reached, self._now_ms)]

    def _seen_by(self, began: int) -> int:
        """What was there by then was listed by a round that began then; the clock alone is not believed."""
        told = max(self._newest_ms, self._last.created_at if self._last else 0)
        return min(began, told) - _SHOWN_MS

    def _is_new(self, one: Listed) -> bool:
        """Whether it is to be read: neither attested nor listed by an earlier round, which told what is wrong."""
        known, name = self._unseen.pop(one.key, None), SegmentName.parse(one.key)
        modified = int(one.last_modified * 1_000)
        self._newest_ms = max(self._newest_ms, modified)
        if name is not None:
            self._newest_hour = max(self._newest_hour, name.hour)
        if known is not None:
            self._compare(known, one)
        if known is not None or name is None or one.key in self._tried:
            return False
        return max(modified, (name.hour - AHEAD_SECONDS) * 1_000) >= self._seen

    def _compare(self, attested: Attested, listed: Listed) -> None:
        """A version never changes: one that is there under the same id is as it was."""
        if listed.version_id != attested.version_id or listed.other_versions:
            self._tell(Tampering.REPLACED, attested.key, "was attested, and has another version now")

    def _miss(self, after: str, up_to: str) -> None:
        for key in [key for key in self._unseen if after < key <= up_to]:
            del self._unseen[key]
            self._tell(Tampering.REMOVED, key, "was attested, and is not there")

    def _tell_what_is_ahead(self) -> None:
        """The first few, as long as they are news: anybody who may write segments may put any number of them there."""
        for one in islice(self._bucket.listed(PREFIX, start_after=self._ahead), LISTED_TOGETHER):
            if SegmentName.parse(one.key) and one.last_modified * 1_000 >= self._start.seen:
                self._tell(Tampering.FOREIGN, one.key, "is of an hour that has not come")

    def _tell(self, kind: Tampering, key: str, why: str) -> None:
        self.findings.append(TrailFinding(kind, key, why))

    def _read(self, one: Listed) -> Attested | None:
        """What a manifest says of it; what is no segment is told and not listed."""
        attested = None
        try:
            attested = self._attest(one)
        except StoreDenied:
            self._tell(Tampering.UNREADABLE, one.key, NOT_GIVEN)
            if not (self._any_given or self._asked):
                self._ask_for_another()
            self._refused[one.key] = None
            return None
        except ObjectUnreadable:
            self._tell(Tampering.UNREADABLE, one.key, NOT_GIVEN)
        except TrailUnreadable as error:
            self._tell(Tampering.UNREADABLE, one.key, str(error))
        self._refused.pop(one.key, None)
        return attested

    def _attest(self, one: Listed) -> Attested:
        name = SegmentName.parse(one.key)
        if name is None or one.bytes > MAX_UNZIPPED_BYTES:
            raise TrailUnreadable("is larger than any segment")
        content = self._bucket.read(one.key, one.version_id)
        self._any_given = True
        with _ONE_AT_A_TIME:
            events = count_events(content, name)
        return Attested(one.key, one.version_id or "", sha256(content).hexdigest(), len(content), events)

    def _ask_for_another(self) -> None:
        """Raises StoreDenied where the bucket refuses what it gave before, or nothing is known that it did."""
        if self._last is None:
            raise StoreDenied("the audit bucket gives no segment")
        with suppress(ObjectUnreadable):
            for known in islice(self._attested.values(), 1):
                self._bucket.read(known.key, known.version_id)
                self._any_given = True
        self._asked = True
