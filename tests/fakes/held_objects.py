"""The quarantine's bucket in memory; passes the same contract as the one in S3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from threading import Lock

from shared.scan.ports import HeldContent, HeldObject

_HEAD_BYTES = 5


class FakeHeldObjects:
    """Contents by key.

    Attributes:
        before: called with the name and the object's key of each call on one object, outside the lock; may raise, or do
            what another process does meanwhile.
        reads: keys of the objects that were read whole.
    """

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.before: Callable[[str, str], None] = lambda method, key: None
        self.reads: list[str] = []
        self._lock = Lock()

    def page(self, *, segment: int, total: int, cursor: str, limit: int) -> tuple[Sequence[HeldObject], str]:
        with self._lock:
            after = sorted(key for key in self.contents if key > cursor)
            found = [HeldObject(key, len(self.contents[key])) for key in after[:limit]]
        return found, found[-1].key if len(after) > limit else ""

    def head(self, held: HeldObject) -> bytes | None:
        self.before("head", held.key)
        with self._lock:
            content = self.contents.get(held.key)
        return None if content is None else content[:_HEAD_BYTES]

    def read(self, held: HeldObject) -> HeldContent | None:
        self.before("read", held.key)
        with self._lock:
            self.reads.append(held.key)
            content = self.contents.get(held.key)
        return None if content is None else HeldContent(content, _etag(content))

    def replace(self, held: HeldObject, content: bytes, *, etag: str) -> bool:
        self.before("replace", held.key)
        with self._lock:
            found = self.contents.get(held.key)
            if found is None or _etag(found) != etag:
                return False
            self.contents[held.key] = content
            return True


def _etag(content: bytes) -> str:
    return f'"{sha256(content).hexdigest()}"'
