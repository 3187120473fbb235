"""Lines of files as the landing ingest puts them to the stream."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from shared.file_source import FileSource
from tests.fakes.kinesis import kinesis_record

MODIFIED = 1_699_990_000
"""Some hours before records arrive in `kinesis_record`."""


def file_source(
    line: int = 1, *, key: str = "tenant=acme/a.json", modified: int = MODIFIED, sequencer: str = "0055AED6"
) -> FileSource:
    """A line of an object of one version."""
    return FileSource("landing", key, "v1", line, modified, sequencer)


def line_payload(source: FileSource, **attributes: Any) -> bytes:
    """What comes of a line that is a record."""
    return json.dumps({"_source": source.document(), **attributes}).encode()


def wrapped_payload(source: FileSource, rejected: str, line: bytes | None = None, **more: Any) -> bytes:
    """What comes of a line that is none."""
    held = {} if line is None else {"line": b64encode(line).decode()}
    return json.dumps({"_source": source.document() | {"rejected": rejected} | more, **held}).encode()


def line_record(payload: bytes, *, sequence: int = 0, **more: Any) -> dict[str, Any]:
    """The Kinesis record of a line; each run of the ingest puts another."""
    return kinesis_record(payload, sequence=sequence, **more)
