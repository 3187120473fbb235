"""A notary at work on an audit bucket in memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from unittest.mock import MagicMock

from consumers.notary.notary import Notary, Tally
from consumers.notary.ports import Key
from shared.aws.audit_bucket import Listed
from shared.aws.trail_end import Start, TrailEnd, end_row
from shared.errors import StoreUnavailable
from shared.trail.manifest import PREFIX, Link, Manifest, split
from tests.fakes.trail import FakeTrail, key


class FakeAuditBucket:
    """The objects of a trail as the bucket gives them.

    Attributes:
        taken: keys that somebody else writes a moment before the next put, and with what.
        reads: keys that were read.
        refused: what reading a key raises.
        ahead: of the trail's time, the bucket's, in seconds.
    """

    def __init__(self, trail: FakeTrail) -> None:
        self.trail = trail
        self.taken: dict[str, bytes] = {}
        self.reads: list[str] = []
        self.refused: dict[str, Exception] = {}
        self.ahead = 0.0

    def now(self) -> float:
        return self.trail.now + self.ahead

    def put_once(self, key: str, content: bytes) -> bool:
        if key in self.taken:
            self.trail.put(key, self.taken.pop(key))
        if key in self.trail.objects:
            return False
        self.trail.put(key, content)
        return True

    def listed(self, prefix: str, start_after: str = "") -> Iterator[Listed]:
        for name in sorted(self.trail.objects):
            one = self.trail.objects[name]
            if name.startswith(prefix) and name > start_after:
                yield Listed(name, len(one.content), one.last_modified, one.version_id, one.other_versions)

    def read(self, key: str, version_id: str | None = None) -> bytes:
        self.reads.append(key)
        if key in self.refused:
            raise self.refused[key]
        if key not in self.trail.objects:
            raise StoreUnavailable("reading from the audit bucket: NoSuchKey")
        assert version_id in {None, self.trail.objects[key].version_id}
        return self.trail.objects[key].content


class FakeTrailEnd:
    """How far the trail goes.

    Attributes:
        last: an operator may put another one there, and does not say where the search begins.
        refuses: what noting raises.
    """

    def __init__(self) -> None:
        self.last: Link | None = None
        self.refuses: Exception | None = None
        self._starts: dict[Link | None, Start] = {}

    def noted(self) -> Link | None:
        return self.last

    def start(self) -> Start | None:
        return self._starts.get(self.last)

    def forget_start(self) -> None:
        """The row is as an operator writes it."""
        self._starts = {}

    def note(self, last: Link, start: Start) -> bool:
        if self.refuses is not None:
            raise self.refuses
        if self.last is not None and self.last.number >= last.number:
            return False
        self.last = last
        self._starts = {last: _as_the_row_keeps_it(last, start)}
        return True


def _as_the_row_keeps_it(last: Link, start: Start) -> Start:
    dynamodb, table = MagicMock(), "runs"
    dynamodb.get_item.return_value = {"Item": end_row(last, start)}
    kept = TrailEnd(dynamodb, table).start()
    assert kept is not None
    return kept


def signing_keys(*numbers: int) -> list[Key]:
    """The keys of the fake trail with these numbers."""
    return [Key(one.arn, partial(getattr, one, "public"), one.sign) for one in map(key, numbers)]


class NotaryAtWork:
    """A trail with its notary; a new process is begun by `restart`."""

    def __init__(self, *keys: int, at_most: int = 1_000) -> None:
        self.trail = FakeTrail()
        self.bucket = FakeAuditBucket(self.trail)
        self.end = FakeTrailEnd()
        self._at_most = at_most
        self.restart(*(keys or (1,)))

    def restart(self, *keys: int) -> None:
        self.notary = Notary(self.bucket, self.end, signing_keys(*keys), lambda: self.trail.now, self._at_most)

    def run(self, *seconds_left: float) -> Tally:
        """One invocation; `seconds_left` at each time that it asks, the last one for ever."""
        left = list(seconds_left or (300.0,))
        tally = Tally()
        self.notary.write(tally, seconds_left=lambda: left.pop(0) if len(left) > 1 else left[0])
        return tally

    @property
    def manifests(self) -> list[Manifest]:
        contents: list[Any] = [
            self.trail.objects[name].content for name in sorted(self.trail.objects) if name.startswith(PREFIX)
        ]
        return [Manifest.from_statement(split(content)[0]) for content in contents]

    @property
    def attested(self) -> list[str]:
        return [one.key for manifest in self.manifests for one in manifest.segments]
