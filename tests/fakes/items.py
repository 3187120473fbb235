"""The items table in memory; passes the same contract as the one in DynamoDB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from shared.aws.item_reader import Page
from shared.aws.item_updates import is_same, stands_already
from shared.model import ITEM_ID, SOURCE, TENANT_ID, Attributes, AttributeValue, PutResult, SealedItem
from shared.reencrypt.model import ItemUpdate, UpdateResult
from shared.source_position import FOUND


class FakeItemTable:
    """Items by key.

    Attributes:
        before_put: called before each put, outside the lock; may raise, or write what another writer writes meanwhile.
        puts: tenant and item of each put that was tried.
        before_update: the same before each update.
        after_update: called after each update that was stored; may raise, as if its answer were lost.
        updates: each update that was tried.
    """

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.before_put: Callable[[SealedItem], None] = lambda item: None
        self.puts: list[tuple[str, str]] = []
        self.before_update: Callable[[ItemUpdate], None] = lambda update: None
        self.after_update: Callable[[ItemUpdate], None] = lambda update: None
        self.updates: list[ItemUpdate] = []
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

    def put_if_unsourced(self, item: SealedItem) -> PutResult:
        return self._put(item, lambda found: False, may_be_absent=False)

    def put_if_absent(self, item: SealedItem) -> PutResult:
        return self._put(item, lambda found: False, only_if_absent=True)

    def of_tenant(self, tenant_id: str, *, after: str | None, limit: int, consistent: bool) -> Page:
        with self._lock:
            ids = sorted(item for tenant, item in self.items if tenant == tenant_id and item > (after or ""))[:limit]
            items = [self.items[tenant_id, item_id] for item_id in ids]
        last = {TENANT_ID: {"S": tenant_id}, ITEM_ID: {"S": ids[-1]}} if len(ids) == limit else None
        return Page(items, last)

    def update(self, update: ItemUpdate) -> UpdateResult:
        self.before_update(update)
        key = (update.tenant_id, update.item_id)
        with self._lock:
            self.updates.append(update)
            found = self.items.get(key)
            if found is None:
                return UpdateResult(stored=False)
            before = {name: change.before for name, change in update.changes.items()} | {SOURCE: update.source}
            if not all(is_same(found.get(name), value) for name, value in before.items()):
                return UpdateResult(stands_already(update, found), found)
            after = {name: change.after for name, change in update.changes.items()}
            self.items[key] = {name: value for name, value in {**found, **after}.items() if value is not None}
        self.after_update(update)
        return UpdateResult(stored=True)

    def get(self, key: tuple[str, str], *, consistent: bool) -> Attributes | None:
        with self._lock:
            return self.items.get(key)

    def batch_get(self, keys: Sequence[tuple[str, str]]) -> list[Attributes]:
        with self._lock:
            return [self.items[key] for key in dict.fromkeys(keys) if key in self.items]

    def write(self, tenant_id: str, item_id: str, **attributes: Any) -> None:
        """What somebody else does who puts an item as he likes."""
        with self._lock:
            self.items[tenant_id, item_id] = {TENANT_ID: {"S": tenant_id}, ITEM_ID: {"S": item_id}, **attributes}

    def _put(
        self,
        item: SealedItem,
        replaceable: Callable[[AttributeValue], bool],
        *,
        only_if_absent: bool = False,
        may_be_absent: bool = True,
    ) -> PutResult:
        self.before_put(item)
        key = (item.tenant_id, item.item_id)
        with self._lock:
            self.puts.append(key)
            found = self.items.get(key, {})
            source = found.get(SOURCE)
            if (found and only_if_absent) or not (found or may_be_absent):
                return PutResult(stored=False, found_source=source, found=found)
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
