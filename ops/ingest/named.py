"""Which version of which object an operator means, and what is stored of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ops.clock import iso
from ops.environment import setting
from shared.aws.clients import client
from shared.aws.landing_objects import S3LandingObjects
from shared.aws.landing_progress import DynamoLandingProgress
from shared.errors import RequestRefused
from shared.landing import ObjectVersion, Progress, State
from shared.printable import quoted

_URI: Final = re.compile(r"s3://([a-z0-9.-]{3,63})/(.+?)(?:\?versionId=([!->@-~]+))?", re.DOTALL)
IN: Final = frozenset({State.DONE, State.REJECTED})
"""Where every line is in the stream."""


class Versions(Protocol):
    """The landing bucket."""

    def current_version(self, bucket: str, key: str) -> str | None:
        """The version that the key stands for now; None where there is no object."""

    def versions(self, bucket: str, prefix: str) -> Iterable[tuple[ObjectVersion, int]]:
        """Every version of those whose keys begin so, old ones, too, and when each was made, since the epoch."""


class Stored(Protocol):
    """How far objects are."""

    def load(self, about: ObjectVersion) -> Progress | None:
        """None where nothing of it is stored."""

    def load_many(self, objects: Sequence[ObjectVersion]) -> Mapping[str, Progress]:
        """By name, those of which something is stored."""


@dataclass(frozen=True, slots=True)
class Landing:
    """What commands ask."""

    bucket: str
    versions: Versions
    stored: Stored

    @classmethod
    def of_environment(cls) -> Landing:
        """Those of the deployment; raises SettingsError."""
        stored = DynamoLandingProgress(client("dynamodb"), setting("LANDING_RUNS"))
        return cls(setting("LANDING_BUCKET"), S3LandingObjects(client("s3")), stored)

    def named(self, uri: str) -> ObjectVersion:
        """The object; in its current version, where none is named.

        Raises:
            RequestRefused: it is no such name, of another bucket, or there is no such object.
        """
        found = _URI.fullmatch(uri)
        if not found:
            raise RequestRefused(f"{quoted(uri)} is not s3://BUCKET/KEY or s3://BUCKET/KEY?versionId=VERSION")
        bucket, key, version = found.groups()
        if bucket != self.bucket:
            raise RequestRefused(f"the landing bucket is {self.bucket}")
        version = version or self.versions.current_version(bucket, key)
        if not version:
            raise RequestRefused(
                f"there is no object {quoted(uri)}; an old version: behind the key, ?versionId=VERSION"
            )
        return ObjectVersion(bucket, key, version)


def document_of(about: ObjectVersion, progress: Progress | None) -> Mapping[str, object]:
    """For programs, and for people line by line."""
    named = {"object": f"s3://{about.bucket}/{about.key}", "version": about.version}
    if progress is None:
        return {**named, "state": "not_begun"}
    return {
        **named,
        "state": progress.state.value,
        "lines": progress.lines,
        "put": progress.put,
        "rejected": progress.rejected,
        "next_line": progress.line,
        "read_bytes": progress.read_bytes,
        "size": progress.size,
        "run": progress.run,
        "began_at": iso(progress.began_at),
        "updated_at": iso(progress.updated_at),
        "why": progress.why,
    }
