"""A key store in memory; passes the same contract as the one in DynamoDB."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from threading import Lock

from shared.errors import KeyStoreCorrupt
from shared.keys.ports import DataKeyRow, PolicyRow
from shared.keys.rotation.ports import KeyStorePage, UnreadableRow
from shared.model import ENDED, KeyState, KeyStatus


class FakeKeyStore:
    """Rows and pointers in two dictionaries.

    Attributes:
        fail_with: raised by every call while it is set.
        before_create: called before each `create`, outside the lock: what a racing process does meanwhile.
        before_replace: the same for `replace_row`, with the row as it was read.
        row_reads: the ids of each call of `rows`.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], DataKeyRow] = {}
        self._pointers: dict[tuple[str, str], int] = {}
        self._policies: dict[bytes, PolicyRow | KeyStoreCorrupt] = {}
        self._spoiled: set[tuple[str, int]] = set()
        self._lock = Lock()
        self.fail_with: Exception | None = None
        self.before_create: Callable[[], None] = lambda: None
        self.before_replace: Callable[[DataKeyRow], None] = lambda row: None
        self.row_reads: list[tuple[str, frozenset[int]]] = []
        self.pointer_reads = 0
        self.policy_reads = 0

    def active_key_id(self, tenant_id: str, data_class: str) -> int | None:
        self._fail()
        with self._lock:
            self.pointer_reads += 1
            return self._pointers.get((tenant_id, data_class))

    def rows(self, tenant_id: str, key_ids: Collection[int]) -> Mapping[int, DataKeyRow]:
        self._fail()
        with self._lock:
            self.row_reads.append((tenant_id, frozenset(key_ids)))
            return {
                key_id: self._rows[tenant_id, key_id] for key_id in set(key_ids) if (tenant_id, key_id) in self._rows
            }

    def create(self, row: DataKeyRow, *, replaces: int | None) -> bool:
        self._fail()
        self.before_create()
        with self._lock:
            pointer = (row.tenant_id, row.data_class)
            if (row.tenant_id, row.key_id) in self._rows or self._pointers.get(pointer) != replaces:
                return False
            if replaces is not None:
                replaced = self._rows.get((row.tenant_id, replaces))
                if replaced is None or replaced.state is not KeyState.ACTIVE:
                    raise KeyStoreCorrupt(f"the replaced key {replaces:08x} is not active")
                self._rows[row.tenant_id, replaces] = replace(
                    replaced, state=KeyState.DECRYPT_ONLY, closed_at=row.created_at
                )
            self._rows[row.tenant_id, row.key_id] = row
            self._pointers[pointer] = row.key_id
            return True

    def page(self, cursor: str, limit: int, *, tenant_id: str = "") -> KeyStorePage:
        self._fail()
        with self._lock:
            names = sorted(f"{owner} {key_id:08x}" for owner, key_id in self._rows if tenant_id in {"", owner})
            left = [name for name in names if name > cursor]
            rows = [self._on_page(*name.split(" ")) for name in left[:limit]]
            return KeyStorePage(rows, left[limit - 1] if len(left) > limit else "")

    def _on_page(self, tenant_id: str, key_id: str) -> DataKeyRow | UnreadableRow:
        place = (tenant_id, int(key_id, 16))
        return UnreadableRow(tenant_id, f"key#{key_id}") if place in self._spoiled else self._rows[place]

    def replace_row(self, read: DataKeyRow, changed: DataKeyRow) -> bool:
        self._fail()
        self.before_replace(read)
        place = (read.tenant_id, read.key_id)
        with self._lock:
            found = self._rows.get(place)
            if found is None or _as_read(found) != _as_read(read):
                return False
            pointer = self._pointers.get((read.tenant_id, read.data_class))
            if changed.state is not read.state and pointer == read.key_id:
                raise KeyStoreCorrupt(f"the pointer names {read.key_id:08x}")
            unchanged = {name: getattr(found, name) for name in ("data_class", "created_at", "made_by")}
            self._rows[place] = replace(changed, **unchanged)
            return True

    def statuses(self, tenant_id: str, key_ids: Collection[int]) -> Mapping[int, KeyStatus]:
        rows = self.rows(tenant_id, key_ids)
        return {
            key_id: KeyStatus(key_id, "", None)
            if (tenant_id, key_id) in self._spoiled
            else KeyStatus(key_id, row.data_class, row.state, row.state_set_at if row.state in ENDED else None)
            for key_id, row in rows.items()
        }

    def statuses_of(self, key_ids: Mapping[str, Collection[int]]) -> Mapping[str, Mapping[int, KeyStatus]]:
        return {tenant_id: self.statuses(tenant_id, wanted) for tenant_id, wanted in key_ids.items()}

    def publish_policy(self, digest: bytes, source: str, now: float) -> None:
        self._fail()
        self._policies.setdefault(digest, PolicyRow(digest, source, now))

    def published_policies(self) -> Sequence[PolicyRow | KeyStoreCorrupt]:
        self._fail()
        self.policy_reads += 1
        return list(self._policies.values())

    def put_row(self, row: DataKeyRow) -> None:
        """Write a row as it is, over any other."""
        with self._lock:
            self._rows[row.tenant_id, row.key_id] = row

    def set_state(self, tenant_id: str, key_id: int, state: KeyState) -> None:
        """What rotation does to a key."""
        self.put_row(replace(self._rows[tenant_id, key_id], state=state))

    def spoil(self, tenant_id: str, key_id: int) -> None:
        """Make a row one whose state cannot be read."""
        self._spoiled.add((tenant_id, key_id))

    def spoil_policy(self, digest: bytes) -> None:
        """Make a policy's row one that cannot be read."""
        self._policies[digest] = KeyStoreCorrupt(f"key store row policy#{digest.hex()} is spoiled")

    def remove(self, tenant_id: str, key_id: int) -> None:
        """What nobody does: take a row away."""
        self._rows.pop((tenant_id, key_id), None)

    def set_pointer(self, tenant_id: str, data_class: str, key_id: int) -> None:
        """Make the class's pointer name this key, whatever its state."""
        self._pointers[tenant_id, data_class] = key_id

    def all_rows(self) -> list[DataKeyRow]:
        """Every row there is."""
        with self._lock:
            return list(self._rows.values())

    def _fail(self) -> None:
        if self.fail_with is not None:
            raise self.fail_with


def _as_read(row: DataKeyRow) -> tuple[KeyState, float | None, bytes]:
    return row.state, row.closed_at, row.encrypted_data_key
