"""A copy of the audit bucket in a folder, as `sealstream audit fetch` makes it: each object a file, its key the path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from shared.aws.audit_bucket import Listed
from shared.errors import StoreUnavailable


class Folder:
    """The objects; which versions they were nobody knows."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def listed(self, prefix: str, start_after: str = "") -> Iterator[Listed]:
        """The objects whose keys begin so and come after `start_after`, by key, ascending."""
        below = self._path / prefix.rpartition("/")[0]
        keys = (path.relative_to(self._path).as_posix() for path in below.rglob("*") if path.is_file())
        for key in sorted(key for key in keys if key.startswith(prefix) and key > start_after):
            about = (self._path / key).stat()
            yield Listed(key, about.st_size, about.st_mtime)

    def read(self, key: str, version_id: str | None = None) -> bytes:  # noqa: ARG002 - it has but one
        """The bytes of an object."""
        try:
            return (self._path / key).read_bytes()
        except OSError as error:
            raise StoreUnavailable(f"reading {key}: {error.strerror}") from None
