"""The trail without what nobody can say that its writers wrote: what a report counts."""

from __future__ import annotations

from collections.abc import Iterator

from ops.audit.objects import Objects
from shared.aws.audit_bucket import Listed


class Counted:
    """The objects with these keys."""

    def __init__(self, objects: Objects, keys: frozenset[str]) -> None:
        self._objects = objects
        self._keys = keys

    def listed(self, prefix: str, start_after: str = "") -> Iterator[Listed]:
        """Those whose keys begin so and come after `start_after`, by key, ascending."""
        return (one for one in self._objects.listed(prefix, start_after) if one.key in self._keys)

    def read(self, key: str, version_id: str | None = None) -> bytes:
        """An object's bytes; raises StoreUnavailable."""
        return self._objects.read(key, version_id)
