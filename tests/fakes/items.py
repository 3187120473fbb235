"""The items table in memory; passes the same contract as the one in DynamoDB."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from shared.model import SOURCE, AttributeValue, PutResult, SealedItem
from shared.source_position import FOUND


class FakeItemTable:
    """Items by key.

    Attributes:
        before_put: called before each put, outside the lock; may raise, or write what another writer writes meanwhile.
        puts: tenant and item of each put that was tried.
    """

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.before_put: Callable[[SealedItem], None] = lambda item: None
        self.puts: list[tuple[str, str]] = []
        self._lock = Lock()

    def put_if_newer(self, item: SealedItem) -> PutResult:
        def newer(found: AttributeValue) -> bool:
            raw = found.get("B")
            if raw == FOUND.to_bytes():
                return True
            return isinstance(raw, bytes) and raw.startswith(item.position.lane) and raw < item.position.to_bytes()

        return self._put(item, newer)

    def put_if_source_is(self, item: SealedItem, found_source: AttributeValue) -> PutResult:
        return self._put(item, lambda found: found == found_source)

    def _put(self, item: SealedItem, replaceable: Callable[[AttributeValue], bool]) -> PutResult:
        self.before_put(item)
        key = (item.tenant_id, item.item_id)
        with self._lock:
            self.puts.append(key)
            found = self.items.get(key, {})
            source = found.get(SOURCE)
            if source is not None and not replaceable(source):
                return PutResult(stored=False, found_source=source, found=found)
            self.items[key] = dict(item.attributes)
            return PutResult(stored=True)


class FakeQuarantine:
    """Entries by id; `fail_with` is raised by every call while it is set."""

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}
        self.fail_with: Exception | None = None

    def keep(self, entry: Any) -> None:
        if self.fail_with is not None:
            raise self.fail_with
        self.entries.setdefault(entry.quarantine_id, entry)
