"""Where the trail lies: in the deployment's bucket, or in a folder with a copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from ops.audit.folder import Folder
from ops.environment import setting
from shared.aws.audit_bucket import AuditBucket, Listed
from shared.aws.clients import client
from shared.errors import SettingsError

READS_AT_ONCE: Final = 16


class Objects(Protocol):
    """Objects by key."""

    def listed(self, prefix: str, start_after: str = "") -> Iterator[Listed]:
        """The objects whose keys begin so and come after `start_after`, by key, ascending."""

    def read(self, key: str, version_id: str | None = None) -> bytes:
        """An object's bytes; raises StoreUnavailable."""


def the_bucket() -> AuditBucket:
    """That of the deployment; raises SettingsError."""
    name = setting("AUDIT_BUCKET")
    return AuditBucket(client("s3"), name)


def objects_of(folder: Path | None) -> Objects:
    """A copy of the trail, or the deployment's bucket; raises SettingsError."""
    if folder is None:
        return the_bucket()
    if not folder.is_dir():
        raise SettingsError(f"{folder} is no folder")
    return Folder(folder)
